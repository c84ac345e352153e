"""Read noise that is drawn anew at every read: what it does to a layer's outputs, exactly.

Each device's reading misses by an independent Gaussian of std sigma_r x maximal conductance, anew at every input
vector. An output sum_i W_i x_i then misses by a Gaussian of variance s^2 sum_i x_i^2, with s the std of one weight's
reading; outputs, positions of a convolution and images are read one after the other, so that their noises are
independent. A turned layer reads turned inputs, whose sum of squares is the same. One read is one whole input vector:
inputs that are fed bit by bit, which averages noise, are not modelled.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d

from neft.errors import ConfigError
from neft.networks.device_layers import layer_name
from neft.seeding import generator


class EachRead:
    """Layers of a network that add such noise to their outputs, from the chip's own draws.

    Args:
        network: whose layers; they keep a hook.
        stds: by weight, of one weight's reading: one number, or one an output channel.

    Raises:
        ConfigError: a layer whose inputs are not known.
    """

    def __init__(self, network: nn.Module, stds: Mapping[str, Float[Tensor, " stds"]]) -> None:
        self._draws: torch.Generator | None = None
        for name, std in stds.items():
            path = name.removesuffix(".weight")
            layer = network.get_submodule(path) if name.endswith(".weight") else None
            if not isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d) or not _pads_zeros(layer):
                message = (
                    f"Read noise at each read is known of fully connected layers and of convolutions that pad zeros; "
                    f"{layer_name(name)} is none. Leave read_noise_each (σ_r) out, or take read_noise, which is frozen."
                )
                raise ConfigError(message)
            _ = layer.register_forward_hook(self._hook(std))

    def begin(self, seed: int | None, torch_device: str) -> None:
        """Read the chip whose draws have this seed from now on; without noise where there is none."""
        self._draws = None if seed is None else generator(seed, "each_read", torch_device=torch_device)

    @contextmanager
    def silent(self) -> Generator[None]:
        """Meanwhile nothing is drawn: a pass that only looks at sizes takes no chip's draws."""
        draws, self._draws = self._draws, None
        try:
            yield
        finally:
            self._draws = draws

    def _hook(self, std: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            if self._draws is None:
                return output
            assert isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d)  # noqa: S101 - as registered
            normals = torch.randn(output.shape, generator=self._draws, device=output.device, dtype=output.dtype)
            shape = (-1, *(1,) * (layer.weight.dim() - 2))
            return output + input_norms(layer, inputs[0]) * std.to(output).reshape(shape) * normals

        return add


def input_norms(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d, inputs: Float[Tensor, "batch ..."]
) -> Float[Tensor, "batch ..."]:
    """sqrt(sum_i x_i^2) of what each output reads, in a shape that broadcasts over the outputs."""
    squares = inputs.square()
    if isinstance(layer, nn.Linear):
        return squares.sum(dim=-1, keepdim=True).sqrt()
    ones = layer.weight.new_ones((layer.groups, layer.in_channels // layer.groups, *layer.kernel_size))
    convolve = conv1d if isinstance(layer, nn.Conv1d) else conv2d
    sums = convolve(squares, ones, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    return sums.clamp_min(0).sqrt().repeat_interleave(layer.out_channels // layer.groups, dim=1)


def _pads_zeros(layer: nn.Module) -> bool:
    return not isinstance(layer, nn.Conv1d | nn.Conv2d) or layer.padding_mode == "zeros"
