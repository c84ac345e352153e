"""Where things lie on a user's machine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from neft.errors import StoreError
from neft.runs.places import default_data_dir, neft_home

PLACES = [("NEFT_HOME", neft_home), ("NEFT_DATA_DIR", default_data_dir)]


@pytest.mark.parametrize(("variable", "place"), PLACES)
def test_a_place_is_the_folder_that_is_named_whole(
    variable: str, place: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, "mine")
    assert place() == tmp_path / "mine"


@pytest.mark.parametrize(("variable", "place"), PLACES)
@pytest.mark.parametrize("given", ["", "  ", "a_file", "/dev/null", "a" * 300, "a_loop"])
def test_what_can_be_no_folder_is_refused_before_anything_is_written(
    variable: str, place: Callable[[], Path], given: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").touch()
    (tmp_path / "a_loop").symlink_to("a_loop")
    monkeypatch.setenv(variable, given)
    with pytest.raises(StoreError, match=variable):
        _ = place()
