"""Labels in a CSV file beside an array: a row an image, in the images' order or numbered."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neft.datasets.found_images import named
from neft.datasets.label_files import (
    FILE_COLUMNS,
    LABEL_COLUMNS,
    SPLIT_COLUMNS,
    read_cells,
    refuse_unclear_splits,
    split_said,
)
from neft.datasets.split_names import SplitName
from neft.errors import ConfigError

NUMBER_COLUMNS = frozenset({"", "index", "idx", "number", "no", "nr", "row", "unnamed:_0"})
"""Columns that number rows."""


@dataclass(frozen=True)
class LabelColumn:
    """What a file says of the images of an array, in the images' order."""

    labels: tuple[str, ...]
    splits: tuple[SplitName | None, ...]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read_label_column(path: Path) -> LabelColumn:
    """The labels of a CSV file: the column called label, or the only one, and the splits where a column tells them.

    A column that numbers the rows from 0 or 1 says which image each is of; one that names them in another way is
    refused, since the images of an array have no names.

    Raises:
        DataMissingError: it cannot be read as text.
        ConfigError: it is not clear which column or image is meant, or a row lacks its label.
    """
    lines = read_cells(path)
    header = [cell.lower().replace(" ", "_") for cell in lines[0][1]]
    called = next((name for name in LABEL_COLUMNS if name in header), None)
    if called is None:
        if len(header) > 1:
            message = f"The labels {path} have the columns {named(lines[0][1])}; one must be called 'label'."
            raise ConfigError(message)
        return LabelColumn(tuple(cells[0] for _, cells in lines), (None,) * len(lines))
    columns = _by_name(header, lines[1:], path)
    labels = columns.pop(called)
    if "" in labels:
        message = f"The labels {path}: line {lines[1 + labels.index('')][0]} lacks its label."
        raise ConfigError(message)
    if not any(name in columns for name in SPLIT_COLUMNS):
        refuse_unclear_splits(header, path)
    cells = next((columns.pop(name) for name in SPLIT_COLUMNS if name in columns), [""] * len(labels))
    splits: list[SplitName | None] = [
        split_said(cell, number, path) for cell, (number, _) in zip(cells, lines[1:], strict=True)
    ]
    order, numbered_by = _order(columns, len(labels), path)
    others = [name for name in columns if name not in numbered_by]
    return LabelColumn(
        tuple(labels[place] for place in order),
        tuple(splits[place] for place in order),
        notes=(f"Columns of {path.name} that are not read: {named(others)}.",) if others else (),
        doubts=_order_doubt(order, numbered_by, path),
    )


def _by_name(header: list[str], rows: list[tuple[int, list[str]]], path: Path) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for place, name in enumerate(header):
        if name in columns:
            message = f"The labels {path} have two columns called '{name}'; leave one."
            raise ConfigError(message)
        columns[name] = [cells[place] if place < len(cells) else "" for _, cells in rows]
    return columns


def _order(columns: dict[str, list[str]], count: int, path: Path) -> tuple[list[int], list[str]]:
    """The rows in the images' order, and the columns that number them.

    Raises:
        ConfigError: rows are told apart by something else, or numbered in two ways.
    """
    orders: dict[str, list[int]] = {}
    for name, cells in columns.items():
        order = _numbering(cells)
        if order is not None:
            orders[name] = order
        elif name in NUMBER_COLUMNS or name in FILE_COLUMNS or (count > 1 and len(set(cells)) == count):
            message = (
                f"The labels {path}: the column '{name}' tells rows apart, but the images of an array have no names. "
                "Remove it if the rows are in the images' order, or number them in it from 0."
            )
            raise ConfigError(message)
    found = list(orders.values())
    if any(order != found[0] for order in found):
        message = f"The labels {path}: the columns {named(orders)} number the rows in different ways; leave one."
        raise ConfigError(message)
    return (found[0] if found else list(range(count))), list(orders)


def _numbering(cells: Sequence[str]) -> list[int] | None:
    """The places of numbers in their order; None where they are not all from 0 or from 1 on."""
    if not all(cell.isdecimal() for cell in cells):
        return None
    numbers = [int(cell) for cell in cells]
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    ordered = [numbers[place] for place in order]
    return order if ordered in (list(range(len(order))), list(range(1, len(order) + 1))) else None


def _order_doubt(order: list[int], numbered_by: list[str], path: Path) -> tuple[str, ...]:
    if order == sorted(order):
        return ()
    said = (
        f"The rows of {path.name} are not in the order of their column '{numbered_by[0]}', and would be put in it. "
        "Remove the column if they are in the images' order."
    )
    return (said,)
