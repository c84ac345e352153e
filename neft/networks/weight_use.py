"""How a network uses its weights while it runs: as they are stored, changed first, or not at all.

Every function of torch that is called is followed: what its result was made of, of the batch's inputs or of which of
the network's own tensors. A product of inputs with something that is made of no input is what a chip's layer would do.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary
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
        *("multi_dot", "linalg_multi_dot", "_sparse_mm", "cdist", "chain_matmul", "addbmm"),
    }
)
"""Functions of torch that multiply weights with inputs."""
SECOND_IS_WEIGHT = frozenset(
    {
        *("linear", "convolution", "conv1d", "conv2d", "conv3d"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    }
)
"""Those whose second argument is the weight."""
SIGMOIDS = frozenset({"sigmoid", "sigmoid_", "special_expit", "expit", "hardsigmoid"})
VALUES = frozenset(
    {
        *("__bool__", "__int__", "__float__", "__complex__", "__index__", "__contains__", "item", "tolist", "numpy"),
        *("__array__", "equal", "allclose", "is_nonzero"),
    }
)
"""Functions that make Python's numbers of a tensor's."""
NO_WRITING = frozenset({"requires_grad_", "share_memory_", "detach_"})
"""Functions whose name ends as that of one that writes in place."""
_INPUT = "<input>"
_SIGMOID = "<sigmoid>"
_CONSTANT = "<constant>"
_NOTHING: frozenset[str] = frozenset()


class WeightUse(TorchFunctionMode):
    """While it is entered, notes what functions of torch do with a network's tensors.

    Args:
        in_devices: names of those that lie in devices.
    """

    def __init__(self, in_devices: Collection[str]) -> None:
        super().__init__()
        self._in_devices = frozenset(in_devices)
        self._places: dict[int, str] = {}
        self._storages: dict[str, int] = {}
        self._made_of: Any = WeakTensorKeyDictionary()
        self._read: set[str] = set()
        self._stored: set[str] = set()
        self._changed: set[str] = set()
        self._over: set[str] = set()
        self._beside: dict[str, None] = {}
        self.decides = False
        """Whether Python saw numbers that were computed of inputs or of weights in devices."""

    def follow(self, tensors: Mapping[str, Tensor], inputs: Iterable[Any]) -> None:
        """From now on these are the network's tensors, by name, and a batch's inputs."""
        self._places, self._made_of = {}, WeakTensorKeyDictionary()
        self._storages = {name: _storage(tensor) for name, tensor in tensors.items()}
        for name, tensor in sorted(tensors.items(), key=lambda named: named[0] in self._in_devices):
            self._made_of[tensor] = frozenset({name})
            self._places[_storage(tensor)] = name
        for tensor in _tensors(inputs):
            self._made_of[tensor] = frozenset({_INPUT})

    @override
    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = _name(func)
        given = [(tensor, self._parts(tensor)) for tensor in _tensors((args, kwargs))]
        parts = _NOTHING.union(*(one for _, one in given)) if given else frozenset({_CONSTANT})
        if not name.endswith((".__get__", ".__set__")):  # which tell a shape, or take a view
            self._read |= parts
        if name in PRODUCTS:
            self._multiplied(given)
        if name in VALUES:
            self.decides |= not parts or not parts.isdisjoint({_INPUT, *self._in_devices})
        if args and isinstance(args[0], Tensor) and _writes(name):
            self._written(args[0], parts)
        result = func(*args, **(kwargs or {}))
        made = _made(name, parts)
        if made:
            for tensor in _tensors((result,)):
                self._made_of[tensor] = made
        return result

    def _parts(self, tensor: Tensor) -> frozenset[str]:
        """What a tensor was made of."""
        found = self._made_of.get(tensor)
        if found is None:
            name = self._places.get(_storage(tensor))
            found = _NOTHING if name is None else frozenset({name})
        return found

    def _multiplied(self, given: list[tuple[Tensor, frozenset[str]]]) -> None:
        with_inputs = any(not parts or _INPUT in parts for _, parts in given)
        for tensor, parts in given:
            own = parts & self._in_devices
            if _INPUT in parts or not parts or not (with_inputs or own):
                continue
            if not own:
                self._beside |= dict.fromkeys(sorted(parts - {_SIGMOID, _CONSTANT}))
            stored = {name for name in own if self._storages[name] == _storage(tensor)}
            self._stored |= stored
            self._changed |= own - stored

    def _written(self, tensor: Tensor, parts: frozenset[str]) -> None:
        self._made_of[tensor] = _made("", parts)
        name = self._places.get(_storage(tensor))
        if name is not None:
            self._over.add(name)

    def is_sigmoid(self, outputs: Tensor) -> bool:
        """Whether these were made of what a sigmoid gave, and multiplied with no weight since."""
        return _SIGMOID in self._parts(outputs)

    def beside(self) -> list[str]:
        """Tensors that inputs are multiplied with, and that are made of none in devices."""
        return list(self._beside)

    def changed(self) -> set[str]:
        """Those in devices that are changed before they are multiplied with inputs, or never are."""
        return set(self._in_devices & (self._changed | self._over | (self._read - self._stored)))

    def written_over(self) -> set[str]:
        """Those in devices that a pass writes over."""
        return set(self._in_devices & self._over)

    def unread(self) -> set[str]:
        """Those in devices that nothing was seen to read."""
        return set(self._in_devices - self._read)


def _made(name: str, parts: frozenset[str]) -> frozenset[str]:
    """What the result of a function is made of; of inputs as soon as one of them is."""
    kept = parts
    if _INPUT in parts:
        kept = parts & ({_INPUT} if name in PRODUCTS else {_INPUT, _SIGMOID})
    return kept | {_SIGMOID} if name in SIGMOIDS else kept


def _writes(name: str) -> bool:
    in_place = name.endswith("_") and not name.endswith("__") and name not in NO_WRITING
    return in_place or name in ("__setitem__", "data.__set__")


def _name(func: Any) -> str:
    """A function's name; of one that reads or writes an attribute, with the attribute's."""
    name = getattr(func, "__name__", "")
    return f"{getattr(func.__self__, '__name__', '')}.{name}" if name in ("__get__", "__set__") else name


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)


def stored_as_used(network: nn.Module, names: Collection[str], run: Callable[[nn.Module], object]) -> nn.Module:
    """A copy of the network whose layers store these weights as they use them, and use them as they are stored.

    Args:
        network: any module.
        names: weights that their layers change, in their own forward, before they use them.
        run: runs the network once, in evaluation mode.

    Raises:
        ConfigError: a weight is not changed in its own layer's forward.
    """
    seen: dict[str, Tensor] = {}
    with torch.no_grad():
        _ = run(_telling(network, names, seen))
        missing = sorted(set(names) - set(seen))
        if missing:
            message = f"weights='used': what {', '.join(missing)} becomes before use cannot be told; take 'stored'."
            raise ConfigError(message)
        changed = _telling(network, names, seen)
        for name in names:
            _ = changed.get_parameter(name).copy_(seen[name])
    return changed


def _telling(network: nn.Module, names: Collection[str], seen: dict[str, Tensor]) -> nn.Module:
    """A copy whose layers tell what they use of these weights, and use the stored ones once that was told."""
    copy = copied(network).eval()
    for name in names:
        layer = copy.get_submodule(name.rpartition(".")[0])
        layer.__class__ = _using(type(layer), name, seen)
    return copy


def _using(kind: type[nn.Module], name: str, seen: dict[str, Tensor]) -> type[nn.Module]:
    """A layer of this kind that first tells the weight it uses, and from then on uses the one that it stores."""
    own = name.rpartition(".")[2]

    class Using(kind):
        @override
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            weight = getattr(self, own)
            if not isinstance(weight, Tensor):  # while the network is traced
                return super().forward(*args, **kwargs)
            with _Replacing(weight, name, seen) as replacing:
                replacing.follow({name: weight}, (args, kwargs))
                return super().forward(*args, **kwargs)

    Using.__name__ = kind.__name__
    return Using


class _Replacing(WeightUse):
    """Puts the stored weight where what was made of it would be multiplied with inputs."""

    def __init__(self, stored: Tensor, name: str, seen: dict[str, Tensor]) -> None:
        super().__init__([name])
        self._weight, self._name, self._seen = stored, name, seen
        self._known = name in seen

    @override
    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if name in PRODUCTS:
            start = 1 if name in SECOND_IS_WEIGHT else 0
            args = (*args[:start], *(self._replaced(value) for value in args[start:2]), *args[2:])
            kwargs = {key: self._replaced(value) if key == "weight" else value for key, value in kwargs.items()}
        return super().__torch_function__(func, types, args, kwargs)

    def _replaced(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.shape != self._weight.shape:
            return value
        if not {_INPUT}.isdisjoint(self._parts(value)):
            return value
        if self._known:
            return self._weight
        self._seen[self._name] = value.detach().clone()
        return value


def _storage(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr() or id(tensor)
    except (NotImplementedError, RuntimeError):  # of a tensor that has none
        return id(tensor)
