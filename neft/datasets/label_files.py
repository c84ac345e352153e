"""Labels in a CSV file beside images: a row an image, with the columns file, label and, where needed, split."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neft.datasets.folder_layout import files_below, found_files, left_out_note
from neft.datasets.found_images import (
    MIN_CLASSES,
    MIN_PER_CLASS,
    FoundImages,
    class_order,
    named,
    settled_splits,
)
from neft.datasets.image_files import SUFFIXES
from neft.datasets.split_names import SplitName, split_of
from neft.errors import ConfigError, DataMissingError

OWNER = "ImageFolder"
FILE_COLUMNS = (
    "file",
    "filename",
    "file_name",
    "filepath",
    "path",
    "image",
    "image_name",
    "image_id",
    "img",
    "id",
    "name",
)
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category", "target", "y")
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "usage", "phase")
MAY_BE_SPLITS = ("fold", "dataset", "is_train", "is_test", "train", "test", "val", "is_val", "is_valid")
"""Columns that may tell splits, in ways that are not clear."""
DELIMITERS = ",;\t"
MIN_SPLITS = 2


@dataclass(frozen=True)
class LabelRow:
    """One row of the file."""

    file: str
    label: str
    split: str
    line: int


def find_by_labels(root: Path, labels: str) -> FoundImages:
    """The images below a folder that a file of labels names.

    Args:
        root: the images' folder.
        labels: the file, by its path from there or as it is.

    Raises:
        DataMissingError: the file or an image cannot be read, or an image that it names is not there.
        ConfigError: its columns are not clear, a value is missing, one image has two labels, or a class has too few.
    """
    path = label_path(root, labels)
    rows = read_label_rows(path)
    below = files_below(root)
    places = _places(rows, root, below.images, path)
    labelled = _without_repetitions(rows, places, path)
    class_names = class_order(row.label for row in labelled.values())
    in_order = sorted(labelled)
    _check_counts(Counter(row.label for row in labelled.values()), class_names, path)
    class_places = {name: place for place, name in enumerate(class_names)}
    classes = tuple(class_places[labelled[image].label] for image in in_order)
    splits, notes = settled_splits(
        (split_said(labelled[image].split, labelled[image].line, path) for image in in_order),
        classes,
        class_names,
        owner=OWNER,
    )
    doubts = () if splits else _folder_doubt(root, in_order, path)
    unlabelled = len(below.images) - len(in_order)
    said = (f"{unlabelled:,} images are not named in {path.name} and are left out.",) if unlabelled else ()
    others = below.left_out.copy()
    others[path.suffix.lower()] -= path.resolve().is_relative_to(root.resolve())
    left_out = left_out_note(+others)
    notes = (*notes, *said, *_unread_notes(path), *((left_out,) if left_out else ()))
    return found_files(root, in_order, classes, class_names, splits, notes, doubts)


def label_path(root: Path, labels: str, *, owner: str = OWNER) -> Path:
    """Where a file of labels is: below the images' folder, or where its own path leads.

    Raises:
        DataMissingError: it is at neither.
    """
    given = Path(labels).expanduser()
    for path in (root / given, given):
        if path.is_file():
            return path
    message = f"{owner}.labels (labels): there is no file {root / given}."
    raise DataMissingError(message)


def read_label_rows(path: Path) -> list[LabelRow]:
    """The rows of a CSV file of labels; separated by commas, semicolons or tabs.

    Raises:
        DataMissingError: it cannot be read as text.
        ConfigError: it is not clear which columns are meant, or a row lacks its file or label.
    """
    lines = read_cells(path)
    file, label, split, has_header = _columns(lines[0][1], path)
    rows: list[LabelRow] = []
    for number, cells in lines[has_header:]:
        values = [cells[place] if place is not None and place < len(cells) else "" for place in (file, label, split)]
        if not (values[0] and values[1]):
            message = f"The labels {path}: line {number} lacks its {'label' if values[0] else 'file'}."
            raise ConfigError(message)
        rows.append(LabelRow(*values, line=number))
    return rows


def read_cells(path: Path) -> list[tuple[int, list[str]]]:
    """Cells of a CSV file by line number; empty lines left out.

    Raises:
        DataMissingError: it cannot be read as text.
        ConfigError: it is empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"The labels {path} cannot be read as UTF-8 text ({error})."
        raise DataMissingError(message) from None
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    lines = [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1)
        if any(cell.strip() for cell in cells)
    ]
    if not lines:
        message = f"The labels {path} are empty."
        raise ConfigError(message)
    return lines


def refuse_unclear_splits(names: Sequence[str], path: Path) -> None:
    """Where no column is called like splits.

    Raises:
        ConfigError: one may tell them nevertheless.
    """
    unclear = [name for name in MAY_BE_SPLITS if name in names]
    if unclear:
        message = (
            f"The labels {path} have the column {named(unclear)}, which may tell splits. Call it 'split', with the "
            "values train, val and test, or remove it."
        )
        raise ConfigError(message)


def _columns(header: list[str], path: Path) -> tuple[int, int, int | None, bool]:
    """Where file, label and split stand, and whether the first line names them."""
    names = [cell.lower().replace(" ", "_") for cell in header]
    found = [
        [names.index(name) for name in known if name in names] for known in (FILE_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS)
    ]
    if found[0] and found[1] and not found[2]:
        refuse_unclear_splits(names, path)
    if found[0] and found[1]:
        return found[0][0], found[1][0], found[2][0] if found[2] else None, True
    if len(header) == 2 and Path(header[0]).suffix.lower() in SUFFIXES:
        return 0, 1, None, False
    message = (
        f"The labels {path} have the columns {named(header)}; one must be called 'file' and one 'label' "
        "(and, where there are splits, one 'split')."
    )
    raise ConfigError(message)


def _unread_notes(path: Path) -> tuple[str, ...]:
    """Columns that could have been meant as well as those that are read."""
    names = [cell.lower().replace(" ", "_") for cell in read_cells(path)[0][1]]
    notes: list[str] = []
    for known in (FILE_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS):
        read, *others = [name for name in known if name in names] or [""]
        if others:
            notes.append(f"Of {path.name} the column '{read}' is read, not {named(others)}.")
    return tuple(notes)


def _places(rows: Sequence[LabelRow], root: Path, images: Sequence[Path], path: Path) -> list[Path]:
    """The image of each row: by its path, with or without suffix, or by its name alone where only one is called so."""
    known: dict[str, set[Path]] = {}
    for image in images:
        whole = image.relative_to(root)
        for name in {whole.as_posix(), whole.with_suffix("").as_posix(), image.name, image.stem}:
            known.setdefault(_composed(name), set()).add(image)
    found: list[Path] = []
    absent: list[str] = []
    for row in rows:
        name = _composed(row.file.replace("\\", "/").removeprefix("./"))
        exact = root / name
        candidates = {exact} if exact in known.get(name, ()) else known.get(name, set())
        if len(candidates) > 1:
            message = (
                f"The labels {path}: line {row.line}: '{row.file}' may be {named(str(one) for one in candidates)}."
            )
            raise ConfigError(message)
        if candidates:
            found += candidates
        else:
            absent.append(row.file)
    if absent:
        message = f"The labels {path} name {len(absent):,} images that are not in {root}: {named(absent)}."
        raise DataMissingError(message)
    return found


def _composed(name: str) -> str:
    """With accents as part of their letters: some systems write them behind, in names of files."""
    return unicodedata.normalize("NFC", name)


def _without_repetitions(rows: Sequence[LabelRow], places: Sequence[Path], path: Path) -> dict[Path, LabelRow]:
    labelled: dict[Path, LabelRow] = {}
    for row, image in zip(rows, places, strict=True):
        earlier = labelled.setdefault(image, row)
        if (earlier.label, earlier.split) != (row.label, row.split):
            message = (
                f"The labels {path}: '{row.file}' is {earlier.label} {earlier.split}".rstrip()
                + f" in line {earlier.line} and {row.label} {row.split}".rstrip()
                + f" in line {row.line}."
            )
            raise ConfigError(message)
    return labelled


def _check_counts(counts: Counter[str], class_names: tuple[str, ...], path: Path) -> None:
    if len(class_names) < MIN_CLASSES:
        message = f"The labels {path} must name at least {MIN_CLASSES} classes; got {named(class_names)}."
        raise ConfigError(message)
    small = [f"{name} has {counts[name]}" for name in class_names if counts[name] < MIN_PER_CLASS]
    if small:
        message = f"The labels {path}: each class needs at least {MIN_PER_CLASS} images; {named(small)}."
        raise ConfigError(message)


def split_said(given: str, line: int, path: Path) -> SplitName | None:
    """The split that a cell means; None where it is empty.

    Raises:
        ConfigError: it means none.
    """
    if not given:
        return None
    found = split_of(given)
    if found is None:
        message = f"The labels {path}: line {line}: the split must be train, val or test; got '{given}'."
        raise ConfigError(message)
    return found


def _folder_doubt(root: Path, images: Sequence[Path], path: Path) -> tuple[str, ...]:
    """Images that lie in folders called like splits, though no column tells their splits."""
    parts = {part for image in images for part in image.relative_to(root).parts[:-1]}
    splits = sorted(part for part in parts if split_of(part))
    if len({split_of(part) for part in splits}) < MIN_SPLITS:
        return ()
    said = (
        f"The images lie in folders called like splits ({named(splits)}), but would be split anew: {path.name} has no "
        "column 'split'."
    )
    return (said,)
