"""The build backend: setuptools' own, but for what a wheel holds beside the package (PEP 517).

- The dashboard, as `neft/_app/dashboard`. In a source tree it is a folder of that name, but a top-level package
  `dashboard` in everybody's environment could be anybody's: pip lets one package overwrite another's files without a
  word. `neft dashboard` puts `_app` in front of its own process's path alone.
- A few of the cached runs, as `neft/cached_runs` (`wheel_runs.py` has the rule, `wheel_runs.json` its list). All but a
  few of them leave their weights, and then their record does not list them either: they read as a run does that was
  stored without.
- The README without its pictures, unless NEFT_PICTURES names where they lie on the web: a package index shows no
  other ones. `NEFT_PICTURES=https://example.org/neft/ pip wheel .` puts that in front of their paths.

A source distribution holds what a wheel is built from, so that both ways give the same wheel. Both take what is named,
never what merely lies there: modules, the data files that `pyproject.toml` declares (`package-data`), and of a run its
record and the files that it lists. Notes, credentials and what an earlier build has left stay where they are:
nothing is built in the source tree.
"""

import contextlib
import glob
import json
import os
import re
import shutil
import tempfile
import tomllib
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Generator, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from setuptools import build_meta

ROOT = Path(__file__).resolve().parents[1]
PICTURES = "NEFT_PICTURES"
APP = "neft/_app/dashboard"
RUNS = "neft/cached_runs"
PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>[^):]*)\)\n*")
"""In the README, of the source tree's own."""
BUILD = (".ci/build_backend.py", ".ci/wheel_runs.json", "LICENSE", "pyproject.toml")
"""Beside the packages, the runs and the README, what a build reads."""
RECORD = "run.json"
WEIGHTS = "weights.safetensors"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""What the time of a file in an archive can be: the same tree makes the same wheel at any time."""
READABLE = 0o100644 << 16

build_editable = build_meta.build_editable
get_requires_for_build_editable = build_meta.get_requires_for_build_editable
get_requires_for_build_sdist = build_meta.get_requires_for_build_sdist
get_requires_for_build_wheel = build_meta.get_requires_for_build_wheel
prepare_metadata_for_build_editable = build_meta.prepare_metadata_for_build_editable


def build_wheel(
    wheel_directory: str, config_settings: Mapping[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel; returns its name."""
    del metadata_directory  # nothing was prepared: there is no such hook here, as the wheel is built in no time
    with tempfile.TemporaryDirectory() as folder:
        with _staged(*_files("neft")):
            name = build_meta.build_wheel(folder, config_settings)
        with zipfile.ZipFile(Path(folder, name)) as plain:
            whole = {entry: plain.read(entry) for entry in plain.namelist()}
    for path in _files("dashboard"):
        whole[f"{APP}/{path.removeprefix('dashboard/')}"] = (ROOT / path).read_bytes()
    whole |= {f"{RUNS}/{path}": content for path, content in _cached_runs()}
    _write(Path(wheel_directory, name), whole)
    return name


def build_sdist(sdist_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Build a source distribution; returns its name."""
    with _staged(*_files("neft"), *_files("dashboard")) as stage:
        for path, content in _cached_runs():
            target = stage / "cached_runs" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _ = target.write_bytes(content)
        manifest = "".join(f"graft {name}\n" for name in ("neft", "dashboard", ".ci", "cached_runs"))
        _ = (stage / "MANIFEST.in").write_text(manifest, encoding="utf-8")
        return build_meta.build_sdist(sdist_directory, config_settings)


@contextlib.contextmanager
def _staged(*paths: str) -> Generator[Path]:
    """A copy of these files, and of what a build reads, as the current folder: all that setuptools sees."""
    with tempfile.TemporaryDirectory() as place:
        stage = Path(place)
        for path in (*BUILD, *paths):
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            _ = shutil.copyfile(ROOT / path, stage / path)
        readme = _readme((ROOT / "README.md").read_text(encoding="utf-8"), os.environ.get(PICTURES, ""))
        _ = (stage / "README.md").write_text(readme, encoding="utf-8")
        before = Path.cwd()
        os.chdir(stage)
        try:
            yield stage
        finally:
            os.chdir(before)  # before the copy goes: a folder that is stood in cannot be removed everywhere


def _readme(text: str, address: str) -> str:
    """The README with its pictures at an address of the web, or without them."""
    if not address:
        return PICTURE.sub("", text)
    if not address.startswith("https://"):
        message = f"{PICTURES} must begin with https://, as a package index shows no other pictures; got '{address}'."
        raise ValueError(message)
    return PICTURE.sub(
        lambda found: found[0].replace(f"]({found['path']})", f"]({address.rstrip('/')}/{found['path']})"), text
    )


def _files(package: str) -> list[str]:
    """A package's modules, and its data files as `pyproject.toml` declares them; relative to the source tree."""
    folder = ROOT / package
    modules = (path.relative_to(folder) for path in folder.rglob("*.py"))
    taken = {path.as_posix() for path in modules if all(part.isidentifier() for part in path.parent.parts)}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    for pattern in declared[package]:
        # as setuptools reads a pattern; a Path's finds hidden files too
        found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
        taken |= {Path(path).as_posix() for path in found if (folder / path).is_file()}
    return [f"{package}/{path}" for path in sorted(taken)]


def _cached_runs() -> Iterator[tuple[str, bytes]]:
    """What the records list of the runs that a wheel takes, and the plans that name them: path in a store, content."""
    chosen = json.loads(Path(__file__).with_name("wheel_runs.json").read_text(encoding="utf-8"))
    weights = set(chosen["weights"])
    for name in chosen["plans"]:
        yield f"plans/{name}.json", (ROOT / "cached_runs" / "plans" / f"{name}.json").read_bytes()
    for run_id in chosen["runs"]:
        folder = ROOT / "cached_runs" / run_id
        content = (folder / RECORD).read_bytes()
        record = json.loads(content)
        if run_id not in weights and record["files"].pop(WEIGHTS, None) is not None:
            content = f"{json.dumps(record, ensure_ascii=False, indent=1)}\n".encode()
        yield f"{run_id}/{RECORD}", content
        for name in sorted(record["files"]):
            yield f"{run_id}/{name}", (folder / name).read_bytes()


def _write(wheel: Path, whole: dict[str, bytes]) -> None:
    """Write a wheel whose list of contents (RECORD) is that of all its files."""
    (record,) = (name for name in whole if name.endswith(".dist-info/RECORD"))
    rows = [f"{name},{_described(content)}\n" for name, content in whole.items() if name != record]
    whole[record] = "".join([*rows, f"{record},,\n"]).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in whole.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr, entry.compress_type = READABLE, zipfile.ZIP_DEFLATED
            file.writestr(entry, content, compresslevel=9)


def _described(content: bytes) -> str:
    return f"sha256={urlsafe_b64encode(sha256(content).digest()).rstrip(b'=').decode()},{len(content)}"
