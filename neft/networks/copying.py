"""A copy of any network, which chips can be written into."""

import copy
import dis
import functools
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neft.errors import ConfigError

Function = types.FunctionType


def copied(network: nn.Module) -> nn.Module:
    """A copy that shares nothing with the network; what it keeps of an earlier pass is kept as plain values.

    A hook or another function that closes over parts of the network closes, in the copy, over the copy's.

    Raises:
        ConfigError: something in it cannot be copied, or reaches its parts in a way that no copy can follow.
    """
    kept: dict[int, Any] = {}
    for module in network.modules():
        for tensor in _tensors_in(vars(module)):
            if not tensor.is_leaf:  # which torch refuses to copy
                kept[id(tensor)] = tensor.detach().clone()
    functions = _functions_of(network)
    for function, cells in functions:
        kept[id(function)] = _with_cells(function, cells)
    try:
        with torch.no_grad():  # a scripted module's parameters would come out as results of a copy
            made = copy.deepcopy(network, kept)
    except Exception as failure:
        message = (
            f"{type(network).__name__} cannot be copied, and chips are written into a copy ({in_a_line(failure)}); "
            "take out of it what copy.deepcopy cannot copy."
        )
        raise ConfigError(message) from failure
    for function, cells in functions:
        _fill(function, kept[id(function)], cells, kept)
    return made


def in_a_line(failure: BaseException) -> str:
    """An exception's kind and the first line of what it says."""
    lines = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {lines[0]}" if lines else type(failure).__name__


def globals_read(function: Function) -> dict[str, Any]:
    """The global variables that a function's code reads, those of functions inside it, too."""
    names = dict.fromkeys(_global_names(function.__code__))
    return {name: function.__globals__[name] for name in names if name in function.__globals__}


def _global_names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _functions_of(network: nn.Module) -> list[tuple[Function, tuple[Any, ...]]]:
    """Functions that the network holds and that close over what is its own, each with those contents of its cells.

    Raises:
        ConfigError: one reads a part of the network from a global variable.
    """
    modules = list(network.modules())
    held = _Held(modules)
    own = held.own
    found: list[tuple[Function, tuple[Any, ...]]] = []
    for function in held.functions:
        for name, value in globals_read(function).items():
            if any(value is module for module in modules):
                message = (
                    f"The function {function.__qualname__} that the network holds reads the network from the global "
                    f"variable '{name}', where a chip's copy cannot be; let it close over the network, or be a method."
                )
                raise ConfigError(message)
        cells = tuple(cell if _reaches(cell, own) else None for cell in function.__closure__ or ())
        parts = (function.__defaults__, function.__kwdefaults__, vars(function))
        if any(cell is not None for cell in cells) or any(_reaches(part, own) for part in parts):
            found.append((function, cells))
    return found


class _Held:
    """All that modules hold beside parameters and modules: functions, and objects of their own."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self.functions: list[Function] = []
        self.own: set[int] = set()
        for module in modules:
            self.own.add(id(module))
        for module in modules:
            for part in _of_module(module):
                self._add(part)

    def _add(self, value: Any) -> None:
        if isinstance(value, Function):
            self._add_functions(value)
            return
        if isinstance(value, Tensor | list | dict | set | nn.Module) or _has_attributes(value):
            if id(value) in self.own:
                return
            self.own.add(id(value))
        for part in _of_module(value) if isinstance(value, nn.Module) else _parts_of(value):
            self._add(part)

    def _add_functions(self, value: Any) -> None:
        """Of what a function closes over, which need not be the network's own, functions alone."""
        if isinstance(value, Function):
            if all(value is not function for function in self.functions):
                self.functions.append(value)
                for part in _parts_of(value):
                    self._add_functions(part)
        elif isinstance(value, types.CellType | types.MethodType | functools.partial | tuple):
            for part in _parts_of(value):
                self._add_functions(part)


def _of_module(module: nn.Module) -> list[Any]:
    """What a copy of a module would go through: not what `torch.nn.Module.compile` made of it."""
    return [value for name, value in vars(module).items() if name != "_compiled_call_impl"]


def _parts_of(value: Any) -> list[Any]:
    """What a value is made of, or keeps, as far as a copy of it would go."""
    for kinds, inside in _INSIDE:
        if isinstance(value, kinds):
            return inside(value)
    return [vars(value)] if _has_attributes(value) else []


def _contents(cell: types.CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # an empty one
        return []


_INSIDE: tuple[tuple[Any, Callable[[Any], list[Any]]], ...] = (
    (Mapping, lambda found: [*found.values()]),
    ((list, tuple, set, frozenset), list[Any]),
    (types.CellType, _contents),
    (Function, lambda made: [*(made.__closure__ or ()), made.__defaults__, made.__kwdefaults__, vars(made)]),
    (types.MethodType, lambda method: [method.__self__, method.__func__]),
    (functools.partial, lambda call: [call.func, call.args, call.keywords]),
)
"""By kind, what a value is made of."""


def _has_attributes(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(
        value, type | types.ModuleType | Function | types.MethodType | nn.Module
    )


def _reaches(value: Any, own: set[int]) -> bool:
    """Whether a copy of a value would come upon something of the network's own."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if id(part) in own:
            return True
        if id(part) not in seen:
            seen.add(id(part))
            waiting += _of_module(part) if isinstance(part, nn.Module) else _parts_of(part)
    return False


def _with_cells(function: Function, cells: tuple[Any, ...]) -> Function:
    """The function with cells of its own, still empty, where it closes over what is the network's."""
    closure = tuple(
        theirs if cell is None else types.CellType()
        for theirs, cell in zip(function.__closure__ or (), cells, strict=True)
    )
    made = Function(function.__code__, function.__globals__, function.__name__, function.__defaults__, closure or None)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__qualname__, made.__module__, made.__doc__ = function.__qualname__, function.__module__, function.__doc__
    made.__annotations__ = function.__annotations__
    return made


def _fill(function: Function, made: Function, cells: tuple[Any, ...], kept: dict[int, Any]) -> None:
    """Let the function that was made close over copies."""

    def following(value: Any) -> Any:
        try:
            with torch.no_grad():
                return copy.deepcopy(value, kept)
        except Exception:  # noqa: BLE001 - whatever cannot be copied stays the network's own
            return value

    for mine, cell in zip(made.__closure__ or (), cells, strict=True):
        if cell is not None:
            mine.cell_contents = following(cell.cell_contents)
    made.__defaults__ = following(function.__defaults__)
    made.__kwdefaults__ = following(function.__kwdefaults__)
    vars(made).update(following(vars(function)))


def _tensors_in(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors_in(part)
