"""What is asked of others that they do not promise to keep stands in one module each, and is there."""

import inspect
import os
import re
from pathlib import Path

import pytest
import streamlit
from streamlit import config

from dashboard import __main__
from dashboard.computing import one_worker
from dashboard.widgets import streamlit_names
from dashboard.widgets import streamlit_parts as parts

ROOT = Path(__file__).parents[2]
SHIPPED = Path(streamlit.__file__).parent / "static"
SOURCES = [path for name in ("neft", "dashboard") for path in sorted((ROOT / name).rglob("*.py"))]
MARK = re.compile(r"data-testid|testScriptState|test-script-state")
OF_JOBLIB = re.compile(r"\bjoblib\.(externals|_)")
OF_STREAMLIT = re.compile(r"(from|import) streamlit\.(?!components\.v2\b|starlette\b)\w+")
"""Modules of Streamlit's beside the two that its documentation has."""


@pytest.fixture(scope="module")
def scripts() -> str:
    """All that the browser runs of Streamlit."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(SHIPPED.rglob("*.js")))


@pytest.mark.parametrize("name", parts.PARTS)
def test_streamlit_still_calls_a_part_of_the_page_so(name: str, scripts: str) -> None:
    ((begins, mark),) = re.findall(r"(\^?)='(\w+)'", parts.PARTS[name])
    assert re.search(rf"[\"'`]{mark}" if begins else rf"[\"'`]{mark}[\"'`]", scripts), (
        f"Streamlit {streamlit.__version__} has no part '{mark}'. Find in the browser's inspector what {name} is "
        f"called now, and change it in {Path(parts.__file__).relative_to(ROOT)}; nothing else names it."
    )


def test_streamlit_still_says_when_a_page_is_drawn(scripts: str) -> None:
    missing = [word for word in ("data-test-script-state", parts.DRAWN) if word not in scripts]
    assert not missing, (
        f"Streamlit {streamlit.__version__} no longer says {missing}: find out how a page tells that it is drawn, "
        f"and change {Path(parts.__file__).relative_to(ROOT)} (STATE, DRAWN) and tests/browser/driver.py (IDLE)."
    )


def test_streamlit_still_finds_its_settings_by_the_function_that_is_replaced() -> None:
    assert "get_config_files(" in inspect.getsource(config.get_config_options), (
        f"Streamlit {streamlit.__version__} finds settings otherwise: see in its config.py how it comes to those of "
        f"the current folder and the home, and change _read_only_ours in {Path(__main__.__file__).relative_to(ROOT)}."
    )


def test_marks_of_streamlits_stand_in_one_module() -> None:
    named = {path for path in SOURCES if MARK.search(path.read_text(encoding="utf-8"))}
    assert named == {Path(parts.__file__)}


def test_private_modules_of_others_are_asked_in_one_module() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES}
    assert {path for path, text in texts.items() if OF_JOBLIB.search(text)} == {Path(one_worker.__file__)}
    assert {path for path, text in texts.items() if OF_STREAMLIT.search(text)} == {Path(streamlit_names.__file__)}
    assert not any("plotly._" in text for text in texts.values())


def test_a_container_and_a_page_of_streamlits_are_what_they_are_called() -> None:
    made = {"DeltaGenerator": streamlit.container(), "StreamlitPage": streamlit.Page(lambda: None, title="one")}
    named = {name: getattr(streamlit_names, name) for name in made}
    assert all(isinstance(made[name], kind) for name, kind in named.items()), streamlit_names.__doc__
    assert issubclass(streamlit_names.FragmentHandledException, Exception)


def test_the_pool_of_one_worker_is_still_where_it_was() -> None:
    try:
        pool = one_worker.one_worker(idle=5, initializer=int, initargs=(), env={"NEFT_ASKED": "1"})
    except ImportError as moved:
        pytest.fail(f"joblib has moved its loky ({moved}): {one_worker.__doc__}")
    try:
        assert pool.submit(os.getenv, "NEFT_ASKED").result(timeout=60) == "1"
    finally:
        pool.shutdown()
