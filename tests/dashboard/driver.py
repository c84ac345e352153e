"""Words for what a user does and sees, and for the files that a job leaves."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft.runs.events import Event, EventFile, Training
from neft.runs.places import neft_home

ROOT = Path(__file__).parents[2]
APP = ROOT / "dashboard" / "app.py"
TIMEOUT = 60
TAG, CELL = re.compile(r"<[^>]*>"), re.compile(r"<t[hd][ >].*?</t[hd]>")
Traces = list[dict[str, Any]]


def open_page(page: Page = Page.EXPLORE, **address: str | list[str]) -> AppTest:
    """A page as it is after its first run, at this address."""
    return open_at(address, page)


def open_at(address: Mapping[str, str | list[str]], page: Page = Page.EXPLORE) -> AppTest:
    """Likewise, the address in one."""
    app = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    for key, value in address.items():
        app.query_params[key] = value
    if page is not Page.EXPLORE:
        app.switch_page(page.file)
    return app.run()


def chosen(app: AppTest, key: str) -> list[Any]:
    """What is on in a group of buttons."""
    value = app.sidebar.button_group(key=key).value
    return list(value) if isinstance(value, list) else [value]


def words(app: AppTest) -> str:
    """Everything that is written on the page."""
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.success, app.code)
    expanders = [expander.label for expander in app.expander]
    links = [link.proto.label for link in app.get("page_link")]
    tagged = [re.sub(r"<[^>]*>", " ", unescape(html.proto.body)) for html in app.get("html")]
    return "\n".join([*(str(element.value) for kind in kinds for element in kind), *expanders, *links, *tagged])


def method_numbers(app: AppTest) -> pd.DataFrame:
    """The small table of the methods' numbers, a row per label."""
    html = next(part.proto.body for part in app.get("html") if "<table" in part.proto.body)
    rows = [[TAG.sub("", cell) for cell in CELL.findall(row)] for row in html.split("</tr>")]
    head, *body = [[unescape(cell) for cell in row] for row in rows if row]
    return pd.DataFrame(body, columns=head).set_index("method")


def numbers_note(app: AppTest) -> str:
    """What stands under that table."""
    return next(part.proto.body for part in app.get("html") if "numbers_note" in part.proto.body).rpartition("<p")[2]


def charts(app: AppTest) -> list[str]:
    """The alternative texts of the page's charts."""
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def traces(app: AppTest, alt: str, *, index: int = 0) -> Traces:
    """The traces of the chart whose alternative text begins so (of several, the first), arrays as lists.

    Labels at the ends of lines are left out.
    """
    spec = [chart.proto.spec for chart in app.get("plotly_chart") if chart.proto.alt.startswith(alt)][index]
    drawn = [trace for trace in json.loads(spec)["data"] if trace.get("mode") != "text"]
    return [{key: _unpacked(value) for key, value in trace.items()} for trace in drawn]


def axis_titles(app: AppTest, alt: str) -> list[str]:
    """The titles of the axes of the chart whose alternative text begins so, left to right."""
    spec = next(chart.proto.spec for chart in app.get("plotly_chart") if chart.proto.alt.startswith(alt))
    layout = json.loads(spec)["layout"]
    return [layout[name]["title"]["text"] for name in ("xaxis", "yaxis", "yaxis2") if name in layout]


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict) and "bdata" in value:
        return np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"]).tolist()
    if isinstance(value, dict):
        return {key: _unpacked(inner) for key, inner in value.items()}
    return value


# ---------------------------------------------------------------- jobs as files
def write_job(
    job_id: str,
    events: Sequence[Event | str],
    *,
    pid: int = 2**22 + 1,
    created: float = 1000.0,
    log: str = "",
    **changed: object,
) -> Path:
    """A job's folder with these events (texts as they stand); by default its process is no more.

    Events that were not given a time happened five seconds after it was created.
    """
    folder = neft_home() / "jobs" / job_id
    folder.mkdir(parents=True)
    facts = {
        "run_id": "digits-mlp2x16-ovf-s0.10-seed0-1a2b3c4d",
        "command": "neft train --method ovf",
        "created": created,
        "num_epochs": 9,
        "pid": pid,
        "process_created": created,
    } | changed
    path = folder / "events.jsonl"
    path.touch()
    for event in events:
        if isinstance(event, str):
            with path.open("a", encoding="utf-8") as file:
                file.write(event)
        else:
            is_timed = "time" in event.model_fields_set
            EventFile(path).write(event if is_timed else event.model_copy(update={"time": created + 5}))
    (folder / "log.txt").write_text(log, encoding="utf-8")
    (folder / "job.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def epoch(number: int, **changes: float) -> Training:
    """The event of an epoch that ended."""
    accuracies = {"train_accuracy": 0.5, "validation_accuracy": 0.4, "validation_clean_accuracy": 0.45}
    row = {"epoch": number, "loss": 1 / number, "learning_rate": 0.001, "seconds": 0.1, **accuracies}
    return Training.model_validate({"done": number, "total": 9, "row": row, **changes})
