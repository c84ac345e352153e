"""How a network uses its weights while it runs: as they are stored, changed first, or not at all."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from typing_extensions import override

from neft.errors import ConfigError
from neft.networks.copying import copied

PRODUCTS = frozenset(
    {
        *("linear", "bilinear", "matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "inner", "einsum"),
        *("addmm", "addmv", "baddbmm", "tensordot", "convolution", "conv1d", "conv2d", "conv3d"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "lstm", "gru", "rnn_tanh", "rnn_relu"),
        *("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell", "multi_head_attention_forward"),
        *("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
    }
)
"""Functions of torch that multiply weights with inputs."""
SIGMOIDS = frozenset({"sigmoid", "sigmoid_"})


class WeightUse(TorchFunctionMode):
    """While it is entered, notes which functions of torch read which of these tensors, or a view of one."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._names = {_storage(weight): name for name, weight in weights.items()}
        self._readers: defaultdict[str, set[str]] = defaultdict(set)
        self._last_sigmoid: Tensor | None = None

    @override
    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for value in (*args, *(kwargs or {}).values()):
            for tensor in value if isinstance(value, list | tuple) else (value,):
                if isinstance(tensor, Tensor) and (name := self._names.get(_storage(tensor))) is not None:
                    self._readers[name].add(getattr(func, "__name__", ""))
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in SIGMOIDS:
            self._last_sigmoid = result
        return result

    def is_sigmoid(self, outputs: Tensor) -> bool:
        """Whether these are, or are a view of, what the last sigmoid gave."""
        return self._last_sigmoid is not None and _storage(outputs) == _storage(self._last_sigmoid)

    def multiplied(self) -> set[str]:
        """Those that are multiplied with inputs as they are stored."""
        return {name for name, readers in self._readers.items() if readers & PRODUCTS}

    def unread(self) -> set[str]:
        """Those that nothing was seen to read."""
        return {name for name in self._names.values() if not self._readers[name]}


def stored_as_used(network: nn.Module, names: Collection[str], run: Callable[[nn.Module], object]) -> nn.Module:
    """A copy of the network whose layers store these weights as they use them, and use them as they are stored.

    Args:
        network: any module.
        names: weights that their layers change, in their own forward, before they use them.
        run: runs the network once, in evaluation mode.

    Raises:
        ConfigError: a weight is not changed in its own layer's forward.
    """
    changed = copied(network).eval()
    layers = {name: changed.get_submodule(name.rpartition(".")[0]) for name in names}
    seen: dict[str, Tensor] = {}
    for name, layer in layers.items():
        layer.__class__ = _using(type(layer), name, seen)
    with torch.no_grad():
        _ = run(changed)
        missing = sorted(set(names) - set(seen))
        if missing:
            message = f"weights='used': what {', '.join(missing)} becomes before use cannot be told; take 'stored'."
            raise ConfigError(message)
        for name in layers:
            _ = changed.get_parameter(name).copy_(seen[name])
    return changed


def _using(kind: type[nn.Module], name: str, seen: dict[str, Tensor]) -> type[nn.Module]:
    """A layer of this kind that first tells the weight it uses, and from then on uses the one that it stores."""
    own = name.rpartition(".")[2]

    class Using(kind):
        @override
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            with _Replacing(getattr(self, own), name, seen):
                return super().forward(*args, **kwargs)

    Using.__name__ = kind.__name__
    return Using


class _Replacing(TorchFunctionMode):
    def __init__(self, stored: Tensor, name: str, seen: dict[str, Tensor]) -> None:
        super().__init__()
        self._stored, self._name, self._seen = stored, name, seen
        self._known = name in seen

    @override
    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in PRODUCTS:
            args = tuple(self._replaced(value) for value in args[:2]) + args[2:]
            kwargs = {key: self._replaced(value) if key == "weight" else value for key, value in kwargs.items()}
        return func(*args, **kwargs)

    def _replaced(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.shape != self._stored.shape:
            return value
        if self._known:
            return self._stored
        self._seen[self._name] = value.detach().clone()
        return value


def _storage(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):  # of a tensor that has none
        return id(tensor)
