"""Which images a folder holds, of which class and split: read off its sub-folders, or refused where they are unclear.

Two layouts: `CLASS/…` and `train/CLASS/…` with `val` and `test` beside it (or `CLASS/train/…`). A split is never
learned as a class.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neft.datasets.doubts import split_doubt
from neft.datasets.found_images import MIN_CLASSES, MIN_PER_CLASS, FoundImages, file_checksum, named, settled_splits
from neft.datasets.image_files import SUFFIXES
from neft.datasets.split_names import SplitName, is_fold, split_of
from neft.errors import ConfigError, DataMissingError

OWNER = "ImageFolder"
NOT_DATA = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
"""Folders that systems put beside files, with copies and thumbnails of them."""
LINKED = "folders that are links"


@dataclass(frozen=True)
class FolderFiles:
    """The files below a folder, hidden ones aside."""

    images: tuple[Path, ...]
    left_out: Counter[str] = field(default_factory=Counter)
    """By kind: the suffix of a name."""


@dataclass(frozen=True)
class _Labelled:
    path: Path
    label: str
    split: SplitName | None = None
    inside: str = ""
    """The folder within the class's that it lies in, where that is no split's."""


def files_below(folder: Path) -> FolderFiles:
    """Every image below a folder, sorted, so that the splits are the same on every machine; the rest is counted.

    Raises:
        DataMissingError: a folder cannot be read.
    """
    images: list[Path] = []
    left_out: Counter[str] = Counter()
    for place, folders, files in os.walk(folder, onerror=_refuse_unreadable):
        links = [name for name in folders if Path(place, name).is_symlink()]
        left_out.update({LINKED: len(links)} if links else {})
        folders[:] = [name for name in folders if not _is_hidden(name) and name not in links]
        for name in files:
            if _is_hidden(name):
                continue
            suffix = Path(name).suffix.lower()
            if suffix in SUFFIXES:
                images.append(Path(place, name))
            else:
                left_out[suffix or "without a suffix"] += 1
    return FolderFiles(tuple(sorted(images)), left_out)


def left_out_note(left_out: Counter[str]) -> str:
    """How many files of which kinds are not read; empty for none."""
    if not left_out:
        return ""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(left_out.items()))
    total = sum(left_out.values())
    return f"{total:,} {'is' if total == 1 else 'are'} left out, being no image that is read: {kinds}."


def find_by_folders(root: Path) -> FoundImages:
    """The images of a folder, by its sub-folders.

    Raises:
        DataMissingError: a file or folder cannot be read.
        ConfigError: too few classes, a class with too few images, or folders of which it is unclear whether they are
            classes or splits.
    """
    folders = _sub_folders(root)
    splits = _splits(folders)
    if splits and (len(splits) == len(folders) or any(_sub_folders(folder) for folder in splits)):
        labelled = _by_splits(root, folders, splits)
    else:
        _refuse_few_classes(root, folders)
        _refuse_folds(root, folders)
        labelled = _splits_within_classes(folders) or _by_classes(folders)
    class_names = tuple(sorted({one.label for one in labelled}))
    places = {name: place for place, name in enumerate(class_names)}
    labels = tuple(places[one.label] for one in labelled)
    settled, notes = settled_splits((one.split for one in labelled), labels, class_names, owner=OWNER)
    doubts = split_doubt(class_names) or _inside_doubt(labelled)
    notes = (*notes, *_beside_notes(root, labelled))
    paths = [one.path for one in labelled]
    return found_files(root, paths, labels, class_names, settled, notes, doubts)


def found_files(
    root: Path,
    paths: Sequence[Path],
    labels: tuple[int, ...],
    class_names: tuple[str, ...],
    splits: tuple[SplitName, ...] | None,
    notes: tuple[str, ...],
    doubts: tuple[str, ...],
) -> FoundImages:
    """Image files as they are kept in mind, by their paths below a folder.

    Raises:
        DataMissingError: naming every file that cannot be read.
    """
    checksums: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            checksums.append(file_checksum(path))
        except OSError as error:
            problems.append(f"{path} ({error.strerror})")
    if problems:
        message = f"{len(problems):,} images cannot be read: {named(problems)}. Repair or remove them."
        raise DataMissingError(message)
    names = tuple(path.relative_to(root).as_posix() for path in paths)
    return FoundImages(names, labels, class_names, splits, tuple(checksums), notes, doubts)


def _by_classes(folders: list[Path]) -> list[_Labelled]:
    found: list[_Labelled] = []
    for folder in folders:
        files = files_below(folder)
        if len(files.images) < MIN_PER_CLASS:
            beside = left_out_note(files.left_out)
            message = (
                f"ImageFolder: each class needs at least {MIN_PER_CLASS} images ({', '.join(sorted(SUFFIXES))}); "
                f"{folder} holds {len(files.images)}. {beside}".rstrip()
            )
            raise ConfigError(message)
        found += [_Labelled(path, folder.name, inside=_inside(path, folder)) for path in files.images]
    return found


def _by_splits(root: Path, folders: list[Path], splits: dict[Path, SplitName]) -> list[_Labelled]:
    """`train/CLASS/…`."""
    said = ", ".join(f"'{folder.name}'" for folder in splits)
    others = [folder for folder in folders if folder not in splits and files_below(folder).images]
    if others:
        message = (
            f"ImageFolder: {said} in {root} look like splits, and beside them lie {named(one.name for one in others)}. "
            "Move away what is no split; if these are all classes, rename those that are called like a split."
        )
        raise ConfigError(message)
    twice = [split for split, count in Counter(splits.values()).items() if count > 1]
    if twice:
        message = f"ImageFolder: several of {said} in {root} look like the {twice[0]} split; leave one of them."
        raise ConfigError(message)
    found: list[_Labelled] = []
    for folder, split in splits.items():
        classes = [one for one in _sub_folders(folder) if files_below(one).images]
        if not classes:
            message = (
                f"ImageFolder: {said} in {root} look like splits, but '{folder.name}' "
                "holds no sub-folders of images for the classes. Images without classes are moved away or named in a "
                "CSV file (--labels); if these are the classes, rename them."
            )
            raise ConfigError(message)
        found += [
            _Labelled(path, one.name, split, _inside(path, one)) for one in classes for path in files_below(one).images
        ]
    _refuse_few_classes(root, sorted({one.label for one in found}))
    return found


def _splits_within_classes(folders: list[Path]) -> list[_Labelled]:
    """`CLASS/train/…`; empty where no class has sub-folders called like splits."""
    inner = [one for folder in folders for one in _sub_folders(folder)]
    splits = _splits(inner)
    if not splits:
        return []
    found = [
        _Labelled(path, one.parent.name, split) for one, split in splits.items() for path in files_below(one).images
    ]
    elsewhere = [path for folder in folders for path in files_below(folder).images]
    if len(found) != len(elsewhere):
        message = (
            f"ImageFolder: some classes hold sub-folders called like splits, as {next(iter(splits))}, but "
            f"{len(elsewhere) - len(found):,} images lie beside such folders: in which split they are is not clear."
        )
        raise ConfigError(message)
    return found


def _splits(folders: list[Path]) -> dict[Path, SplitName]:
    """Those called like a split, and which."""
    splits: dict[Path, SplitName] = {}
    for folder in folders:
        split = split_of(folder.name)
        if split is not None:
            splits[folder] = split
    return splits


def _refuse_few_classes(root: Path, classes: Sequence[object]) -> None:
    if len(classes) >= MIN_CLASSES:
        return
    within = [one for one in _sub_folders(root) if len(_sub_folders(one)) >= MIN_CLASSES]
    hint = f" Did you mean {within[0]}?" if len(classes) == len(within) == 1 else ""
    message = (
        f"ImageFolder.path (folder) must hold at least {MIN_CLASSES} sub-folders, one for each class; "
        f"{root} holds {len(classes)}.{hint}"
    )
    raise ConfigError(message)


def _refuse_folds(root: Path, folders: list[Path]) -> None:
    if all(is_fold(folder.name) for folder in folders):
        message = (
            f"ImageFolder: {named(one.name for one in folders)} in {root} look like parts of a data set, not like "
            "classes. Call them train, val and test; if they are classes, rename them."
        )
        raise ConfigError(message)


def _inside(path: Path, folder: Path) -> str:
    return next(iter(path.relative_to(folder).parts[:-1]), "")


def _inside_doubt(labelled: list[_Labelled]) -> tuple[str, ...]:
    """Classes that hold sub-folders of the same names may not be the classes, but these."""
    classes: dict[str, set[str]] = {}
    for one in labelled:
        if one.inside:
            classes.setdefault(one.inside, set()).add(one.label)
    shared = sorted(name for name, among in classes.items() if len(among) > 1)
    if len(shared) < MIN_CLASSES:
        return ()
    outer = named(sorted(set().union(*(classes[name] for name in shared))))
    return (f"{outer} would be the classes, though several of them hold the same sub-folders: {named(shared)}.",)


def _beside_notes(root: Path, labelled: list[_Labelled]) -> tuple[str, ...]:
    """What else lies in a folder than the images that are read."""
    read = {one.path for one in labelled}
    everything = files_below(root)
    left_out = everything.left_out.copy()
    used = {parent for path in read for parent in path.parents if root in parent.parents}
    for link in (folder for folder in used if folder.is_symlink()):
        left_out += files_below(link).left_out
        left_out[LINKED] -= 1
    said = left_out_note(+left_out)
    return (*((said,) if said else ()), *_loose_note(set(everything.images) - read))


def _loose_note(loose: set[Path]) -> tuple[str, ...]:
    if not loose:
        return ()
    few = named(path.name for path in sorted(loose)[:3]) + (", …" if len(loose) > 3 else "")
    what = (
        "1 image lies in no class's folder and is"
        if len(loose) == 1
        else f"{len(loose):,} images lie in no class's folder and are"
    )
    return (f"{what} left out ({few}).",)


def _sub_folders(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir() and not _is_hidden(child.name))
    except OSError as error:
        _refuse_unreadable(error)
        return []


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in NOT_DATA


def _refuse_unreadable(error: OSError) -> None:
    message = f"The folder {error.filename} cannot be read: {error.strerror}."
    raise DataMissingError(message)
