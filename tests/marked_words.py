"""Words of others with every mark that could become a link, an image, a tag or a formula, in every place of theirs.

Markdown comes in many spellings: each of them names a host of its own below `.evil`, so that what is live says how.
"""

import csv
import gzip
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard import address
from neft.runs.store import DEVIATIONS, LAYERS, RECORD

SPELLINGS = (
    "[m](//m.evil)",
    "![i](//i.evil/i)",
    "www.w.evil",
    "www&#46;d.evil",
    "https&colon;//n.evil",
    "<img src=//s.evil>",
    "`k`",
    r"$\href{//f.evil}{f}$",
    "<https://h.evil>",
    "mailto:o@o.evil",
    "j&#64;j.evil",
    "<a href=//a.evil>",
)
MARKS = (" ".join(SPELLINGS), " ".join(reversed(SPELLINGS)))
"""Both ways round, as long texts are cut; neither is cut where records are read."""
LABELS = ("dataset_label", "backbone_label", "device_label", "chips_label", "method_label", "label", "constraint_label")
NO_ID = "digits-![i](evil)-s0.10-seed0-1a2b3c4d"
ODD_FOLDER = "a` ![x](https&colon;&sol;&sol;i.evil&sol;z.png) `b"
ADDRESSES = {key: value for key, value in vars(address).items() if key.isupper() and isinstance(value, str)}
"""Every parameter that pages share, by its name in the code."""


def mark_runs(root: Path) -> None:
    """Make every word of every run of a store, and of its plans, someone else's; keys stay, so that all is found."""
    for number, path in enumerate(sorted(root.glob(f"*/{RECORD}"))):
        _mark_run(path, MARKS[number % 2], number)
    for path in sorted(root.glob("plans/*.json")):
        plan = json.loads(path.read_text(encoding="utf-8"))
        keys = {entry[name] for entry in plan["entries"] for name in ("series", "setting")}
        plan |= {"words": dict.fromkeys(sorted(keys), MARKS[0]), "preset": MARKS[0], "command": MARKS[1]}
        _write(path, plan)


def _mark_run(path: Path, marks: str, number: int) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    facts, provenance = record["facts"], record["provenance"]
    for name in LABELS:
        # of some runs the mark alone, as a name that is cut may end before it
        if name in facts:
            facts[name] = marks if number % 3 else f"{facts[name]} {marks}"
    facts |= {"decay": marks} if facts.get("decay") else {}
    facts |= {"chips": marks} if number % 4 == 3 else {}
    provenance |= dict.fromkeys(("machine", "git_revision", "torch_device", "preset"), marks)
    provenance["versions"] = {marks: marks}
    if number % 5 == 4:
        record["config"][marks] = marks
    for name in (LAYERS, DEVIATIONS):
        if name in record["files"]:
            _mark_layers(path.with_name(name), marks)
            content = path.with_name(name).read_bytes()
            record["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "num_bytes": len(content)}
    _write(path, record)


def _mark_layers(path: Path, marks: str) -> None:
    content = path.read_bytes()
    packed = path.suffix == ".gz"
    rows = list(csv.DictReader(io.StringIO((gzip.decompress(content) if packed else content).decode())))
    told = io.StringIO()
    table = csv.DictWriter(told, list(rows[0]))
    table.writeheader()
    table.writerows({**row, "layer": f"{row['layer']} {marks}"} for row in rows)
    text = told.getvalue().encode()
    path.unlink()  # it may be a link to the one that was copied
    path.write_bytes(gzip.compress(text) if packed else text)


def mark_home(home: Path, run_ids: Sequence[str]) -> None:
    """Write one of everything that a home holds beside whole runs, its words someone else's.

    Args:
        home: NEFT_HOME.
        run_ids: runs that are stored elsewhere, at least three.
    """
    first, second, third = run_ids[:3]
    note = {"text": MARKS[0], "tags": [mark[:32].strip() for mark in SPELLINGS], "updated": "2026-01-01"}
    _write(home / "notes" / f"{first}.json", note)
    _write(home / "notes" / f"{second}.json", note | {"updated": SPELLINGS[1]})
    own = home / "runs"
    _write(own / "plans" / "[p](https:evil).json", {"name": MARKS[0]})
    _write(own / "plans" / "marked.json", {"plan_version": 3, "name": MARKS[0], "entries": MARKS[1], MARKS[0]: 1})
    _write(own / NO_ID / RECORD, {"schema_version": MARKS[0]})
    _write(own / "digits-mlp2x16-ovf-s0.10-seed0-1a2b3c4d" / RECORD, {"schema_version": 7, "id": MARKS[0]})
    _write(home / "races" / third / "0123456789abcdef.json", {"version": 2, "created": MARKS[0], MARKS[1]: 1})
    _write(home / "waterfalls" / third / "0123456789abcdef.json", {"version": 1, "created": MARKS[0]})
    _write(home / "searches" / "![i](evil).json", {"version": 1, "created": MARKS[0]})
    _write(home / "searches" / "01234567.json", {"version": 1, "key": MARKS[0], MARKS[1]: 1})
    _write(home / "worst_cases" / third / "0123456789abcdef.safetensors", MARKS[0])
    for number, events in enumerate(_JOBS):
        _write_job(home / "jobs" / f"20260101-00000{number}-000000-aaaaaa", events, number)


_RUN = {"run_id": MARKS[0][:60], "seconds": 1.0, "error": MARKS[1]}
_JOBS: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"event": "failed", "message": MARKS[0]},),
    ({"event": "stopped", "message": MARKS[1]},),
    ({"event": "finished", "message": MARKS[0], "run_id": MARKS[1]},),
    ({"event": "sweeping", "done": 1, "total": 2, "run": _RUN}, {"event": "finished", "message": MARKS[0]}),
    ({"event": "starting"},),
    ({"event": "loading", "message": MARKS[0]},),
)


def _write_job(folder: Path, events: Sequence[dict[str, Any]], number: int) -> None:
    marks = MARKS[number % 2]
    told = {"run_id": marks, "command": marks, "created": 1.7e9, "num_epochs": 2, "pid": 2**22 + 1}
    told |= {"process_created": 1.7e9, "name": marks if number % 2 else "", "sweep": marks if number == 3 else ""}
    _write(folder / "job.json", told)
    _write(folder / "config.json", {marks: marks})
    lines = "".join(json.dumps(event | {"time": time.time()}) + "\n" for event in events)
    _write(folder / "events.jsonl", lines)
    _write(folder / "log.txt", f"Error: {marks}\n")


def marked_bundle(root: Path, run_id: str) -> bytes:
    """A zip file of one sound run with a note of others' words, and folders of others' names that hold none."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path in (root / run_id).iterdir():
            file.write(path, f"{run_id}/{path.name}")
        file.writestr(f"{run_id}/note.json", json.dumps({"text": MARKS[0], "updated": SPELLINGS[1]}))
        file.writestr(f"{ODD_FOLDER}/{RECORD}", "{}")
        file.writestr(f"c/{RECORD}", json.dumps({"id": MARKS[1]}))
    return packed.getvalue()


def marked_table() -> bytes:
    """A laboratory's file with columns of others' names, and others' words in the cells of one."""
    names = [mark for mark in SPELLINGS if ";" not in mark]  # as columns may be parted by it
    head = ["level", "std", "wafer", *names]
    rows = [[str(level), "0.1", names[level], *("1" for _ in names)] for level in range(4)]
    told = io.StringIO()
    csv.writer(told).writerows([head, *rows])
    return told.getvalue().encode()


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
