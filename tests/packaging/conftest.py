"""The wheel, built as a user would, and installed in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.made_once import made_once

ROOT = Path(__file__).parents[2]
DECOYS = ("dashboard", "neft", "joblib", "streamlit", "torch", "psutil", "click")
"""What lies in the folder from which everything is started, under names that are imported."""
DECOY = "import pathlib\npathlib.Path(__file__).with_suffix('.was_run').touch()\nraise SystemExit('a decoy')\n"
SETTINGS = """[server]
baseUrlPath = "elsewhere"
enableXsrfProtection = false
[[theme.fontFaces]]
family = "theirs"
url = "http://127.0.0.2/theirs.woff2"
"""
"""Of another dashboard: under this one's addresses nothing would answer, and a page would ask another server."""


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel, and of this one all else."""

    folder: Path

    @property
    def wheel(self) -> Path:
        """The file that was installed."""
        (found,) = self.folder.glob("*.whl")
        return found

    @property
    def scripts(self) -> Path:
        """Where its commands are."""
        return self.folder / "env" / Path(sysconfig.get_path("scripts")).name

    @property
    def package(self) -> Path:
        """Where `neft` lies."""
        (found,) = (self.folder / "env").rglob("site-packages/neft")
        return found

    def environment(self, home: Path) -> dict[str, str]:
        """What its processes are told: a home, and nothing of the source tree."""
        ours = {"NEFT_CACHED_RUNS", "PYTHONPATH", "PYTHONSAFEPATH", "COVERAGE_PROCESS_START"}
        return {name: value for name, value in os.environ.items() if name not in ours} | {"NEFT_HOME": str(home)}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an empty environment.

    What it needs is not fetched again: the environment finds it where this one has it, but neither the links to the
    source tree that an editable installation made there, nor the source tree.
    """
    return Installed(made_once(tmp_path_factory, "wheel", _install))


def _install(folder: Path) -> None:
    build_wheel(ROOT, folder)
    made = Installed(folder)
    venv.create(folder / "env", with_pip=False)
    (packages,) = (folder / "env").rglob("site-packages")
    # a folder that a .pth file names is looked into, but its own .pth files are not read
    others = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    _ = (packages / "others.pth").write_text("\n".join(sorted(others)), encoding="utf-8")
    _pip("--python", str(made.scripts / "python"), "install", "--no-deps", "--no-index", str(made.wheel))


def build_wheel(source: Path, folder: Path) -> None:
    """Put the wheel of a source tree or a source distribution into a folder, by its own build backend."""
    _pip("wheel", str(source), "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        cwd="/",  # not the source tree
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    """A folder to start from; whatever it holds must not be run."""
    folder = tmp_path / "elsewhere"
    for name in DECOYS:
        (folder / name).mkdir(parents=True)
        for file in ("__init__.py", "__main__.py"):
            _ = (folder / name / file).write_text(DECOY, encoding="utf-8")
    (folder / ".streamlit").mkdir()
    _ = (folder / ".streamlit" / "config.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def run_decoys(folder: Path) -> list[str]:
    """Those that were."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.was_run"))
