"""Which of a network's parameters lie in devices.

Weights of linear and convolution layers are stored as conductances; biases, normalisation and embeddings are digital
and exact. `parameter_table` says so of every parameter, so that nothing is guessed in silence; `device_weights` takes
another choice by name.
"""

from collections.abc import Collection, Iterator

import pandas as pd
from torch import Tensor, nn

from neft import columns
from neft.errors import ConfigError, unknown_name

LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
ATTENTION_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")


def device_weights(network: nn.Module, in_devices: Collection[str] | None = None) -> dict[str, Tensor]:
    """The parameters that lie in devices, by name, in the order of the network's modules; each is one layer.

    Args:
        network: any module.
        in_devices: names of parameters, to choose otherwise than by the kind of layer.

    Raises:
        ConfigError: no such parameter; nothing lies in devices; a weight is computed from other parameters, so that
            no chip can be written into it.
    """
    parameters: dict[str, Tensor] = dict(network.named_parameters(remove_duplicate=False))
    for name in in_devices or ():
        if name not in parameters:
            error = unknown_name("parameter", name, parameters)
            raise error
    if in_devices is None:
        wanted = {name: weight for name, _, weight in _layer_weights(network)}
    else:
        wanted = {name: parameters[name] for name in parameters if name in in_devices}
    chosen: dict[str, Tensor] = {}
    for name, weight in wanted.items():
        if all(weight is not other for other in chosen.values()):  # tied layers are the same devices
            chosen[name] = weight
    if not chosen:
        why = "it has no linear or convolution layer" if in_devices is None else "in_devices names none"
        message = f"No parameter of {type(network).__name__} lies in devices: {why}. Known: {', '.join(parameters)}."
        raise ConfigError(message)
    return chosen


def parameter_table(network: nn.Module, in_devices: Collection[str] | None = None) -> pd.DataFrame:
    """Every parameter, where it lies and why.

    Args:
        network: any module.
        in_devices: as for `device_weights`.

    Returns:
        A row per parameter: `parameter`, `shape`, `num_weights`, `in_devices` (bool), `reason`.
    """
    chosen = device_weights(network, in_devices)
    kinds = {name: kind for name, kind, _ in _layer_weights(network)} if in_devices is None else {}
    rows: list[dict[str, object]] = []
    owners = {id(weight): name for name, weight in chosen.items()}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        owner = owners.setdefault(id(parameter), name)
        rows.append(
            {
                columns.PARAMETER: name,
                columns.SHAPE: "×".join(map(str, parameter.shape)) or "1",
                columns.NUM_WEIGHTS: parameter.numel() if owner == name else 0,
                columns.IN_DEVICES: owner in chosen,
                columns.REASON: _reason(
                    name, owner, network, kinds, named=None if in_devices is None else name in chosen
                ),
            }
        )
    return pd.DataFrame(rows)


def layer_name(name: str) -> str:
    """How tables name the layer of a weight."""
    return name.removesuffix(".weight").removeprefix("backbone.")


def _reason(name: str, owner: str, network: nn.Module, kinds: dict[str, str], *, named: bool | None) -> str:
    if owner != name:
        return f"the same tensor as {owner}"
    if named is not None:
        return "named" if named else "not named"
    if name in kinds:
        return f"weight of a {kinds[name]}"
    module_name, _, own = name.rpartition(".")
    kind = type(network.get_submodule(module_name)).__name__
    return f"bias of a {kind}, added digitally" if own.endswith("bias") else f"{own} of a {kind}, digital"


def _layer_weights(network: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    """Name, kind of layer and tensor of each weight of a linear, convolution or attention layer."""
    for path, module in network.named_modules():
        names = ("weight",) if isinstance(module, LAYERS) else ()
        if isinstance(module, nn.MultiheadAttention):
            names = ATTENTION_WEIGHTS
        for own in names:
            name = f"{path}.{own}" if path else own
            weight: Tensor | None = getattr(module, own)
            if weight is None:
                continue
            if not isinstance(weight, nn.Parameter):
                message = (
                    f"{name} is computed from other parameters (weight normalisation or another parametrisation), so "
                    "no chip can be written into it; make it a plain parameter first "
                    "(torch.nn.utils.parametrize.remove_parametrizations)."
                )
                raise ConfigError(message)
            yield name, type(module).__name__, weight
