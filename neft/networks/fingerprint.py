"""All that decides what a network computes, in one checksum: its code and whatever its modules and functions hold.

Two networks with the same fingerprint hold the same numbers and run the same code; a network whose fingerprint is
another one after a pass has kept something of it.
"""

import dis
import functools
import hashlib
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, jit, nn

from neft.networks.copying import Function, globals_read

NOT_OF_FORWARD = frozenset(
    {
        *("training", "_compiled_call_impl", "_is_full_backward_hook", "_backward_hooks", "_backward_pre_hooks"),
        *("_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
        *("_non_persistent_buffers_set", "_forward_hooks_always_called", "_version", "_graph", "_tracer_cls"),
        *("dynamo_ctx", "compiler_config", "get_compiler_config", "_torchdynamo_wrapper_id"),
    }
)
"""What modules hold that no evaluation depends on, or, of traced and compiled ones, what their code says as well."""
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Where Python's own and installed code lies, which is told by its name."""
DEEPEST = 40
"""How many containers inside each other are looked into."""
LARGE = 4096
"""Numbers of a tensor."""
MOST = 200_000
"""Parts that are looked at; a network that holds more, as a data set, is told by the first."""


def fingerprint(*things: Any) -> str:
    """A checksum of networks, functions and plain values, which does not depend on where they lie in memory."""
    return _walked(_Walk(by_version=False), things)


def state_of(network: nn.Module) -> str:
    """A checksum that stays as long as nothing is written into what the network holds; cheap, for it alone.

    Of large tensors it takes torch's count of what was written into them; `.data` is written into uncounted.
    """
    return _walked(_Walk(by_version=True), [network])


def _walked(walk: "_Walk", things: Iterable[Any]) -> str:
    for thing in things:
        walk.add(thing)
    return walk.digest.hexdigest()


class _Walk:
    def __init__(self, *, by_version: bool) -> None:
        self.digest = hashlib.sha256()
        self._by_version = by_version
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []
        self._left = MOST
        self._depth = 0

    def _say(self, *words: object) -> None:
        self.digest.update(f"{words!r} ".encode())

    def add(self, value: Any) -> None:
        """Take a value, and all it is made of, into the checksum."""
        self._left -= 1
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            self._say(type(value).__name__, value)
        elif id(value) in self._seen:  # shared, as tied weights are, or part of itself
            self._say("again", self._seen[id(value)])
        elif self._left > 0 and self._depth < DEEPEST:
            self._take(value)
            self._depth += 1
            self._whole(value)
            self._depth -= 1
            if not isinstance(value, _SHARED):  # a copy may hold it twice, and be no other for that
                del self._seen[id(value)]

    def _take(self, value: Any) -> None:
        self._seen[id(value)] = len(self._alive) if isinstance(value, _SHARED) else -1
        self._alive.append(value)  # whose place in memory no other may take

    def _whole(self, value: Any) -> None:
        for kinds, add in _KINDS:
            if isinstance(value, kinds):
                return add(self, value)
        return self._object(value)

    def _all(self, kind: str, values: Iterable[Any]) -> None:
        self._say(kind)
        for value in values:
            self.add(value)
        self._say("end")

    def inside(self, value: Any) -> None:
        """Containers, and what is made of functions."""
        self._all(
            type(value).__qualname__, next(inside(value) for kinds, inside in _INSIDE if isinstance(value, kinds))
        )

    def builtin(self, function: Any) -> None:
        """A function of no Python code, with what it is bound to."""
        held = getattr(function, "__self__", None)
        self._all(function.__qualname__, [] if isinstance(held, types.ModuleType | type) else [held])

    def members(self, values: Any) -> None:
        """A set, in any order."""
        self._say(type(values).__qualname__, sorted(fingerprint(value) for value in values))

    def named(self, value: Any) -> None:
        """What its name tells."""
        self._say(type(value).__name__, getattr(value, "__name__", str(value)))

    def _object(self, value: Any) -> None:
        """An object of any other kind: what it holds, or what it would be made of again."""
        self.add(type(value))
        if isinstance(value, torch.Generator):
            return self.add(value.get_state().numpy().tobytes())
        if isinstance(value, np.random.Generator):
            return self.add(value.bit_generator.state)
        if hasattr(value, "__dict__"):
            return self.add({name: part for name, part in vars(value).items() if not name.startswith("__")})
        try:
            made = value.__reduce_ex__(2)
        except Exception:  # noqa: BLE001 - of what cannot be taken apart, its kind is all there is to tell
            return None
        return self._all("made", made[1:3]) if isinstance(made, tuple) else None

    def tensor(self, tensor: Tensor) -> None:
        """A tensor's numbers, and what was hung on it."""
        self._say("tensor", str(tensor.dtype), tuple(tensor.shape))
        if self._by_version and tensor.numel() > LARGE and not tensor.is_inference():
            return self._say(tensor._version, id(tensor))  # noqa: SLF001 - torch's own count, which autograd documents
        plain = tensor.detach()
        if plain.is_quantized:
            plain = plain.dequantize()
        if plain.layout != torch.strided:
            plain = plain.to_dense()
        if plain.is_meta:
            return None
        plain = plain.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        if plain.numel():
            self.digest.update(plain.view(torch.uint8).numpy().data)
        return self.add(vars(tensor)) if vars(tensor) else None

    def array(self, array: Any) -> None:
        """A NumPy array's."""
        self._say("array", str(array.dtype), array.shape)
        if array.dtype.hasobject:
            self.add(array.tolist())
        else:
            self.digest.update(np.ascontiguousarray(array).tobytes())

    def module(self, module: nn.Module) -> None:
        """A module and all inside it."""
        if isinstance(module, jit.ScriptModule):
            return self._all("scripted", [str(getattr(module, "code", "")), dict(module.state_dict())])
        inside = [one for one in module.modules() if one is module or id(one) not in self._seen]
        for one in inside[1:]:  # a row, however deep they lie in each other
            self._take(one)
        for one in inside:
            self._layer(one)
        return None

    def _layer(self, module: nn.Module) -> None:
        if isinstance(module, jit.ScriptModule):
            return self._all("scripted", [str(getattr(module, "code", "")), dict(module.state_dict())])
        self.add(module.code if isinstance(module, fx.GraphModule) else type(module))
        held = {name: value for name, value in vars(module).items() if name not in NOT_OF_FORWARD}
        for name in ("_forward_hooks", "_forward_pre_hooks"):  # whose keys count all hooks there ever were
            held[name] = [*held.get(name, {}).values()]
        for name in ("_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs"):
            held[name] = len(held.get(name, {}))
        return self._all("module", [part for item in held.items() for part in item])

    def kind(self, kind: type) -> None:
        """A class: its name, and its own code."""
        self._say("class", kind.__qualname__)
        if _of_library(kind.__module__):
            return
        for base in kind.__mro__:
            if not _of_library(base.__module__):
                own = {name: part for name, part in vars(base).items() if not name.startswith("__") or callable(part)}
                self._all(base.__qualname__, [part for item in own.items() for part in item])

    def function(self, function: Function) -> None:
        """A function: its code, what it closes over and the global variables it reads."""
        self._say("function", function.__qualname__)
        written_in = str(function.__globals__.get("__name__", ""))
        if written_in.startswith(
            "torch._dynamo"
        ):  # of a compiled function, whose state says nothing of what it computes
            return self.add(vars(function).get("_torchdynamo_orig_callable"))
        if _of_library(written_in):  # which may wrap a function that is not
            return self._all("closes over", function.__closure__ or ())
        self.add(function.__code__)
        parts = [function.__defaults__, function.__kwdefaults__, *(function.__closure__ or ())]
        self._all("closes over", parts)
        return self._all("reads", [part for item in globals_read(function).items() for part in item])

    def code(self, code: types.CodeType) -> None:
        """Code, whatever lines it stands on."""
        steps = [(step.opname, step.arg) for step in dis.get_instructions(code)]
        self._say("code", steps, code.co_names, code.co_varnames)
        self._all("constants", code.co_consts)


@functools.cache
def _of_library(name: str) -> bool:
    """Whether a module of this name is Python's, installed, or of this package."""
    if name.partition(".")[0] in (__name__.partition(".")[0], "builtins"):
        return True
    place = getattr(sys.modules.get(name), "__file__", None)
    return (place is None and name in sys.builtin_module_names) or str(place).startswith(LIBRARIES)


_SHARED = (Tensor, nn.Module, type, Function, types.CodeType, types.ModuleType)


def _contents(cell: types.CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # an empty one
        return []


_INSIDE: tuple[tuple[tuple[Any, ...], Callable[[Any], Iterable[Any]]], ...] = (
    ((Mapping,), lambda found: [part for item in found.items() for part in item]),
    ((list, tuple), list[Any]),
    ((types.CellType,), _contents),
    ((types.MethodType,), lambda method: [method.__func__, method.__self__]),
    ((functools.partial,), lambda call: [call.func, call.args, call.keywords]),
    ((property,), lambda found: [found.fget]),
    ((staticmethod, classmethod), lambda method: [method.__func__]),
)
"""By kind, what a value is made of."""
_KINDS: tuple[tuple[tuple[Any, ...], Callable[[_Walk, Any], None]], ...] = (
    ((Tensor,), _Walk.tensor),
    ((np.ndarray,), _Walk.array),
    ((nn.Module,), _Walk.module),
    ((type,), _Walk.kind),
    ((Function,), _Walk.function),
    ((types.CodeType,), _Walk.code),
    ((types.ModuleType, Enum, torch.dtype, torch.device, torch.Size, np.generic, range, slice), _Walk.named),
    ((set, frozenset), _Walk.members),
    ((types.BuiltinFunctionType,), _Walk.builtin),
    (tuple(kind for kinds, _ in _INSIDE for kind in kinds), _Walk.inside),
)
"""By kind, how a value is taken."""
