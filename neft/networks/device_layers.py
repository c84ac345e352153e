"""Which of a network's parameters lie in devices.

Weights of linear, convolution, recurrent and attention layers are stored as conductances; biases, normalisation and
embeddings are digital and exact. `parameter_table` says so of every parameter, so that nothing is guessed in silence;
`device_weights` takes another choice by name.
"""

from collections.abc import Collection, Iterator, Mapping

import pandas as pd
from torch import Tensor, jit, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from neft import columns
from neft.errors import ConfigError, unknown_name

_OUTPUTS_FIRST = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""Layers whose weights have their inputs first."""
LAYERS = (*_OUTPUTS_FIRST, *TRANSPOSED)
ATTENTION_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_SCRIPTED = (
    "TorchScript, whose layers cannot be told; pass the module as it was before torch.jit, or name its weights with "
    "in_devices"
)
_PACKED = "quantised and packed, so no chip can be written into it; pass the network as it was before quantisation"


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
        raise _none(network, in_devices, known=", ".join(parameters))
    for name, weight in chosen.items():
        _check_writable(name, weight)
    return chosen


def transposed_groups(network: nn.Module) -> dict[str, int]:
    """The groups of every transposed convolution, by its weight's name: their weights have inputs first."""
    return {
        f"{path}.weight" if path else "weight": module.groups
        for path, module in network.named_modules(remove_duplicate=False)
        if isinstance(module, TRANSPOSED)
    }


def parameter_table(network: nn.Module, in_devices: Collection[str] | None = None) -> pd.DataFrame:
    """Every parameter, where it lies and why.

    Args:
        network: any module.
        in_devices: as for `device_weights`.

    Returns:
        A row per parameter: `parameter`, `shape`, `num_weights`, `in_devices` (bool), `reason`; and one per weight
        that is no parameter, for being quantised and packed.
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
    packed = [
        {columns.PARAMETER: name, columns.SHAPE: shape, columns.NUM_WEIGHTS: count, columns.IN_DEVICES: False}
        | {columns.REASON: f"weight of a {kind}, {_PACKED}"}
        for name, kind, shape, count in _packed_weights(network)
    ]
    return pd.DataFrame(rows + packed)


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """All tensors that a network holds, by name: its own, and those in plain attributes, lists and dictionaries."""
    found: dict[str, Tensor] = dict(network.named_buffers()) | dict(network.named_parameters(remove_duplicate=False))
    seen = {id(module) for module in network.modules()}
    for path, module in network.named_modules():
        for own, value in vars(module).items():
            if not own.startswith(("_parameters", "_buffers", "_modules", "_forward", "_backward")):
                found |= _tensors_inside(value, f"{path}.{own}" if path else own, seen)
    return found


def _tensors_inside(value: object, name: str, seen: set[int]) -> dict[str, Tensor]:
    if isinstance(value, Tensor):
        return {name: value}
    if not isinstance(value, Mapping | list | tuple | nn.Module) or id(value) in seen:
        return {}
    seen.add(id(value))
    if isinstance(value, nn.Module):
        return {f"{name}.{own}": tensor for own, tensor in tensors_of(value).items()}
    parts = value.items() if isinstance(value, Mapping) else enumerate(value)
    found: dict[str, Tensor] = {}
    for key, part in parts:
        found |= _tensors_inside(part, f"{name}[{key!r}]", seen)
    return found


def check_values(network: nn.Module) -> None:
    """See that every number of the network is there.

    Raises:
        ConfigError: a parameter or buffer was never given values.
    """
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if is_lazy(tensor) or tensor.is_meta:
            message = f"{name} has no values yet; run the network once, or load its weights, before it is tried."
            raise ConfigError(message)


def unseen_layers(network: nn.Module, named: Collection[str] = ()) -> list[str]:
    """Layers whose weights cannot be told or reached, in words: `4, 6 (quantised and packed, so …)`.

    Args:
        network: any module.
        named: parameters that were named, so that scripted layers of theirs are told.
    """
    packed = ", ".join(name.rpartition(".")[0] or "the network" for name, *_ in _packed_weights(network))
    untold = [path for path in _scripted(network) if not any(name.startswith(path) for name in named)]
    scripted = ", ".join(path or "the network" for path in untold)
    return [f"{names} ({why})" for names, why in ((packed, _PACKED), (scripted, _SCRIPTED)) if names]


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
    if any(name.startswith(f"{path}." if path else "") for path in _scripted(network)):
        return f"of {_SCRIPTED}"
    module_name, _, own = name.rpartition(".")
    kind = type(network.get_submodule(module_name)).__name__
    return f"bias of a {kind}, added digitally" if own.endswith("bias") else f"{own} of a {kind}, digital"


def _layer_weights(network: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    """Name, kind of layer and tensor of each weight of a linear, convolution, recurrent or attention layer."""
    for path, module in network.named_modules():
        if isinstance(module, jit.ScriptModule):
            continue
        for own in _own_weights(module):
            name = f"{path}.{own}" if path else own
            weight: object = getattr(module, own)
            if not isinstance(weight, Tensor):  # none, or the function that gives a packed one
                continue
            if not isinstance(weight, nn.Parameter):
                by, way_out = _computed_by(module, own)
                message = f"{name} is computed from other parameters ({by}), so no chip can be written into it; "
                raise ConfigError(message + way_out)
            yield name, type(module).__name__, weight


def _own_weights(module: nn.Module) -> tuple[str, ...]:
    if isinstance(module, nn.MultiheadAttention):
        return ATTENTION_WEIGHTS
    if isinstance(module, nn.RNNBase):
        names: list[str] = vars(module)["_flat_weights_names"]  # one of its own for each layer and direction
        return tuple(name for name in names if name.startswith("weight_"))
    if isinstance(module, nn.RNNCellBase):
        return ("weight_ih", "weight_hh")
    return ("weight",) if isinstance(module, LAYERS) else ()


def _computed_by(module: nn.Module, own: str) -> tuple[str, str]:
    """What computes a layer's weight, and a way out."""
    found = ("", "")
    if parametrize.is_parametrized(module, own):
        found = ("weight normalisation or another parametrisation", "parametrize.remove_parametrizations")
    for hook in vars(module)["_forward_pre_hooks"].values():  # where torch's older utilities put themselves
        of = getattr(hook, "_tensor_name", getattr(hook, "name", None))
        found = next((words for kind, words in _OLDER.items() if isinstance(hook, kind) and of == own), found)
    by, function = found
    if function:
        return by, f'make it a plain parameter first: torch.nn.utils.{function}(layer, "{own}").'
    others = ", ".join(name for name, _ in module.named_parameters() if not name.endswith("bias")) or "none"
    return "a hook or property of the layer's own", (
        f"in_devices=[…] names the parameters that lie in devices instead; those of this layer are: {others}."
    )


_OLDER = {
    BasePruningMethod: ("pruning", "prune.remove"),
    SpectralNorm: ("spectral normalisation", "remove_spectral_norm"),
    WeightNorm: ("weight normalisation", "remove_weight_norm"),
}
"""By the kind of hook."""


def _check_writable(name: str, weight: Tensor) -> None:
    if not weight.is_floating_point():
        message = f"{name} must be of a real floating type to lie in devices; got {weight.dtype}."
        raise ConfigError(message)


def _none(network: nn.Module, in_devices: Collection[str] | None, *, known: str) -> ConfigError:
    unseen = "; ".join(unseen_layers(network)) if in_devices is None else ""
    if unseen:
        return ConfigError(f"No weight that a chip could be written into was found: {unseen}. Known: {known}.")
    why = (
        "no linear, convolution, recurrent or attention layer is seen in it"
        if in_devices is None
        else "in_devices names none"
    )
    way_out = "; in_devices=[…] names those that do" if in_devices is None and known else ""
    return ConfigError(f"No parameter of {type(network).__name__} lies in devices: {why}{way_out}. Known: {known}.")


def _scripted(network: nn.Module) -> list[str]:
    """Paths of the outermost TorchScript modules."""
    found: list[str] = []
    for path, module in network.named_modules():
        inside = any(path.startswith(f"{outer}." if outer else "") for outer in found)
        if isinstance(module, jit.ScriptModule) and not inside:
            found.append(path)
    return found


def _packed_weights(network: nn.Module) -> Iterator[tuple[str, str, str, int]]:
    """Name, kind of layer, shape and size of each weight that is packed, so that its layer at most gives a copy."""
    inside: list[str] = []
    for path, module in network.named_modules():
        packed = not _PACKED_IN.isdisjoint({*vars(module), *dict(module.named_children())})
        if not packed or isinstance(module, jit.ScriptModule) or any(path.startswith(outer) for outer in inside):
            continue
        inside.append(f"{path}." if path else "")
        give = getattr(module, "weight", None)
        weight = give() if callable(give) else give
        known = isinstance(weight, Tensor)
        shape, count = ("×".join(map(str, weight.shape)), weight.numel()) if known else ("packed", 0)
        yield f"{path}.weight" if path else "weight", type(module).__name__, shape, count


_PACKED_IN = frozenset({"_packed_params", "_all_weight_values", "_packed_weight_ih"})
"""Where torch's quantised layers keep their weights."""
