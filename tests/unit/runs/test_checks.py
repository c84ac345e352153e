"""A record and its tables that are not as they are written are refused at import, and told of where they are read."""

import gzip
import hashlib
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neft import columns as c
from neft.errors import RunCorruptError
from neft.metrics import METRICS
from neft.metrics.balanced_accuracy import BALANCED_ACCURACY
from neft.runs import checks
from neft.runs.bundles import import_runs
from neft.runs.facts import run_facts, stored_config
from neft.runs.places import CACHED_RUNS
from neft.runs.records import FRACTIONS, RunRecord
from neft.runs.store import DEVIATIONS, HISTORY, INSTANCES, LAYERS, LIMITS, RECORD, RunStore, Stores, parse_record
from neft.tables import summarise

Raw = dict[str, Any]
SHIPPED = RunStore(CACHED_RUNS, read_only=True)
NOTHING = RunStore(Path("/nonexistent"), read_only=True)
AT = "summary.test.1.metrics.accuracy."


@pytest.fixture
def store(filled_store: RunStore, tmp_path: Path) -> RunStore:
    """A store with one run, to change at will."""
    return RunStore(Path(shutil.copytree(filled_store.root, tmp_path / "runs")))


@pytest.fixture
def folder(store: RunStore) -> Path:
    """Of its run."""
    return store.root / store.ids()[0]


def change_record(folder: Path, change: Callable[[Raw], object]) -> None:
    raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    change(raw)
    _ = (folder / RECORD).write_text(json.dumps(raw), encoding="utf-8")


def put(folder: Path, name: str, content: bytes) -> None:
    """Another file in the place of one, as the record says."""
    _ = (folder / name).write_bytes(content)
    described = {"sha256": hashlib.sha256(content).hexdigest(), "num_bytes": len(content)}
    change_record(folder, lambda raw: raw["files"].update({name: described}))


def put_table(folder: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    if name == INSTANCES:
        table, packed = pd.read_parquet(folder / name), io.BytesIO()
        change(table).to_parquet(packed, index=False)
        put(folder, name, packed.getvalue())
        return
    table = change(pd.read_csv(folder / name, dtype={c.LAYER: str}))
    content = table.to_csv(index=False).encode()
    put(folder, name, gzip.compress(content) if name == DEVIATIONS else content)


def set_at(path: str, value: object) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        *parts, last = path.split(".")
        inner: Any = raw
        for part in parts:
            inner = inner[int(part) if isinstance(inner, list) else part]
        inner[int(last) if isinstance(inner, list) else last] = value

    return change


def imported(folder: Path, into: Path) -> str:
    """Why the run is refused as a bundle that was zipped by hand; empty where it is not."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    (found,) = import_runs(packed, Stores(own=RunStore(into), shipped=NOTHING))
    assert found.status in ("imported", "refused")
    return found.words if found.status == "refused" else ""


def is_a_sentence(words: str) -> bool:
    return 0 < len(words) <= 300 and words.isprintable() and words.endswith(".")


# ---------------------------------------------------------------- the record
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("summary.selected_epoch", -3),
        ("summary.selected_epoch", 3),
        ("summary.selected_epoch", 0),
        ("summary.num_epochs", 10**18),
        ("summary.num_epochs", -1),
        ("summary.num_parameters", 10**30),
        ("summary.num_parameters", 0),
        ("summary.num_devices", -1),
        ("summary.num_devices", 10**30),
        ("summary.devices_a_weight", 0),
        ("summary.devices_a_weight", 10**30),
        ("summary.validation_accuracy", 7),
        ("summary.validation_accuracy", -0.5),
        ("summary.test", []),
        ("summary.test.0.sigma_d", -1),
        ("summary.test.0.sigma_d", 0.05),
        ("summary.test.1.sigma_d", 0.0),
        (AT + "mean", 2.0),
        (AT + "mean", -0.5),
        (AT + "std", -1),
        (AT + "ci95", 10**9),
        (AT + "num_instances", -7),
        (AT + "num_instances", 10**12),
        (AT + "percentile_1", -0.1),
        (AT + "percentile_5", 1e300),
        ("summary.test.1.metrics.mean_confidence.mean", 1.5),
        ("summary.test.1.metrics.ekl.mean", -0.1),
        ("summary.test.0.effort", {"pulses": -1, "reads": 0}),
        ("summary.worst_case", [{"th_g": -0.1, "accuracy": 0.5}]),
        ("summary.worst_case", [{"th_g": 0.1, "accuracy": 1.5}]),
        ("facts.num_classes", 10**15),
        ("facts.temperature", -4),
        ("facts.beta", -1),
        ("facts.num_feedback", -1),
        ("facts.decay", "x" * 1000),
        ("facts.num_passes", 10**9),
        ("facts.rank", 10**40),
        ("facts.rank", -1),
        ("facts.train_sigma_d", -0.1),
        ("facts.seed", -1),
        ("facts.num_instances", 10**12),
        ("facts.num_test_images", 0),
        ("facts.sigma_ds", []),
        ("facts.sigma_ds", [0.1, 0.0]),
        ("provenance.created", "yesterday"),
        ("provenance.created", "2026-01-31T12:00:00+02:00"),
        ("provenance.created", "2026-01-31T12:00:00"),
        ("provenance.created", "2026-01-31"),
        ("provenance.created", "2026-13-45T12:00:00+00:00"),
        ("provenance.created", "0001-01-01T00:00:00+00:00"),
        ("provenance.threads", 0),
        ("provenance.threads", 10**12),
        ("provenance.training_seconds", 1e300),
        ("provenance.command", "neft " + "x" * 100_000),
        ("schema_version", -3),
    ],
)
def test_number_that_cannot_be_is_refused_and_hides_no_other_run(
    store: RunStore, folder: Path, tmp_path: Path, path: str, value: object
) -> None:
    other = f"{folder.name[:-8]}00000000"
    _ = shutil.copytree(folder, store.root / other)
    change_record(store.root / other, set_at("id", other))
    change_record(folder, set_at(path, value))

    listing = store.list()

    assert [record.id for record in listing.records] == [other]
    assert list(listing.problems) == [folder.name]
    assert is_a_sentence(listing.problems[folder.name])
    assert is_a_sentence(imported(folder, tmp_path / "imported"))


def test_a_sound_run_is_imported(folder: Path, tmp_path: Path) -> None:
    assert imported(folder, tmp_path / "imported") == ""


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("mean", 0.999), ("std", 0.3), ("ci95", 0.3), ("num_instances", 2), ("percentile_1", 0.0), ("percentile_5", 0.9)],
)
@pytest.mark.parametrize("metric", [c.ACCURACY, c.EKL, c.CALIBRATED_EKL])
def test_summary_that_is_not_that_of_its_chips_is_refused(
    store: RunStore, folder: Path, tmp_path: Path, metric: str, statistic: str, value: float
) -> None:
    change_record(folder, set_at(f"summary.test.1.metrics.{metric}.{statistic}", value))
    record = store.record(folder.name)

    with pytest.raises(RunCorruptError, match=rf"its summary's {statistic} of {metric} at σ_d 0\.\d+ is .*; its chips"):
        _ = store.instances(record)
    assert is_a_sentence(imported(folder, tmp_path / "imported"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label", "OVF"),
        ("method_label", "OVF"),
        ("dataset_label", "ImageNet"),
        ("backbone_label", "ResNet-18"),
        ("device_label", "FeFET6"),
        ("num_classes", 7),
        ("temperature", 4.0),
        ("has_feedback", True),
        ("is_control", True),
        ("uses_noise", False),
        ("rank", 3),
        ("num_passes", 4),
        ("num_test_images", 12),
        ("chips_label", "residual programming"),
    ],
)
def test_fact_that_does_not_follow_from_the_settings_is_refused(
    folder: Path, tmp_path: Path, name: str, value: object
) -> None:
    change_record(folder, set_at(f"facts.{name}", value))

    assert f"{name} does not follow from its settings" in imported(folder, tmp_path / "imported")


def test_more_epochs_than_were_asked_for_are_refused(store: RunStore, folder: Path, tmp_path: Path) -> None:
    put_table(folder, HISTORY, lambda table: pd.concat([table, table.tail(1).assign(epoch=len(table) + 1)]))
    change_record(folder, set_at("summary.num_epochs", 3))
    assert len(store.tables(store.record(folder.name)).history) == 3

    assert "3 epochs; its settings say 2" in imported(folder, tmp_path / "imported")


# ---------------------------------------------------------------- tables
Changed = Callable[[pd.DataFrame], pd.DataFrame]
TABLES: list[tuple[str, Changed, str]] = [
    (HISTORY, lambda t: t.assign(validation_accuracy=77.0), "must be numbers from 0 to 1"),
    (HISTORY, lambda t: t.assign(validation_accuracy="many"), "must be numbers"),
    (HISTORY, lambda t: t.assign(validation_accuracy=0.123), "validation_accuracy is"),
    (HISTORY, lambda t: t.assign(train_accuracy=float("nan")), "none missing"),
    (HISTORY, lambda t: t.assign(epoch=[1, 1]), "the epochs 1 to 2"),
    (HISTORY, lambda t: t.head(1), "the epochs 1 to 2"),
    (HISTORY, lambda t: t.head(0), "its history have no row"),
    (HISTORY, lambda t: t.assign(epoch=[1.5, 2]), "must be whole numbers"),
    (INSTANCES, lambda t: pd.concat([t, t]), "a chip is there twice"),
    (INSTANCES, lambda t: t.head(0), "its instances have no row"),
    (INSTANCES, lambda t: t.assign(accuracy=t.accuracy + 1), "must be numbers from 0 to 1"),
    (INSTANCES, lambda t: t.assign(accuracy=float("nan")), "none missing"),
    (INSTANCES, lambda t: t.assign(sigma_d=t.sigma_d - 1), "must be numbers from 0 to 1"),
    (INSTANCES, lambda t: t.assign(sigma_d=t.sigma_d + 0.05), "σ_d of its chips are not those of its summary"),
    (INSTANCES, lambda t: t.assign(instance=-1), "must be whole numbers from 0"),
    (INSTANCES, lambda t: t.assign(instance=10**12), "must be whole numbers from 0"),
    (INSTANCES, lambda t: t.assign(ekl=float("inf")), "must be numbers from 0"),
    (INSTANCES, lambda t: t.assign(mean_confidence=5.0), "must be numbers from 0 to 1"),
    (INSTANCES, lambda t: t.drop(columns="mean_confidence"), "lack the column 'mean_confidence'"),
    (LAYERS, lambda t: t.head(0), "its layers have no row"),
    (LAYERS, lambda t: pd.concat([t, t]), "twice"),
    (LAYERS, lambda t: t.assign(w_max="large"), "must be numbers"),
    (LAYERS, lambda t: t.assign(w_max=float("nan")), "none missing"),
    (LAYERS, lambda t: t.assign(w_max=-1.0), "must be numbers from 0"),
    (LAYERS, lambda t: t.assign(layer=None), "must be texts"),
    (LAYERS, lambda t: t.assign(num_weights=1), "num_devices"),
    (LAYERS, lambda t: t.tail(1), "deviations are not those of its layers"),
    (LAYERS, lambda t: t.drop(columns="w_max"), "lack the column 'w_max'"),
    (LAYERS, lambda t: t.drop(columns="middle_share"), "lack the column 'middle_share'"),
    (DEVIATIONS, lambda t: t.assign(density="much"), "must be numbers"),
    (DEVIATIONS, lambda t: t.assign(layer="other"), "deviations are not those of its layers"),
    (DEVIATIONS, lambda t: t.assign(bin_right=t.bin_left), "ends before it begins"),
    (DEVIATIONS, lambda t: t.head(0), "have no row"),
]
"""A file, what is changed in it, and what is said of it."""


@pytest.mark.parametrize(("name", "change", "why"), TABLES)
def test_table_that_cannot_be_is_refused_and_not_read(
    store: RunStore,
    folder: Path,
    tmp_path: Path,
    name: str,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    why: str,
) -> None:
    put_table(folder, name, change)

    with pytest.raises(RunCorruptError) as refused:
        _ = store.tables(store.record(folder.name))
    assert why in str(refused.value)
    assert is_a_sentence(str(refused.value))
    assert why in imported(folder, tmp_path / "imported")


@pytest.mark.parametrize(
    "rows",
    [[], [{"th_g": 0.1, "accuracy": 0.5, "found_by": "luck"}], [{"th_g": 0.2, "accuracy": 0.4, "found_by": "none"}]],
)
def test_worst_case_that_is_not_that_of_the_summary_is_refused(store: RunStore, folder: Path, rows: list[Raw]) -> None:
    change_record(folder, set_at("summary.worst_case", [{"th_g": 0.1, "accuracy": 0.5}]))
    if rows:
        put(folder, "worst_case.csv", pd.DataFrame(rows).to_csv(index=False).encode())

    with pytest.raises(RunCorruptError, match=r"worst cases are not those|must be one of lagrangian, none, projected"):
        _ = store.tables(store.record(folder.name))


def test_training_that_diverged_is_read(store: RunStore, folder: Path) -> None:
    put_table(folder, HISTORY, lambda table: table.assign(loss=[float("inf"), float("nan")]))

    assert len(store.tables(store.record(folder.name)).history) == 2


# ---------------------------------------------------------------- sizes, before anything is read
def test_local_table_of_too_many_numbers_is_refused_before_it_is_read(
    store: RunStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    zeros = pa.array(np.zeros(200_000))
    pq.write_table(pa.table({f"c{index}": zeros for index in range(150)}), packed)  # 30 M numbers
    assert len(packed.getvalue()) < 1_000_000
    put(folder, INSTANCES, packed.getvalue())

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", never)
    with pytest.raises(RunCorruptError, match=r"must hold numbers alone, at most 20,000,000"):
        _ = store.instances(store.record(folder.name))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b",".join(b"c%d" % index for index in range(100_000)), id="named"),
        pytest.param(b"layer,w_max\n" + b"," * 100_000, id="not named"),
        pytest.param(b'"layer\n' + b'",w_max,"\n' * 50_000, id="over lines"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
    ],
)
def test_csv_of_too_many_columns_is_refused_before_it_is_read(
    store: RunStore, folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    put(folder, LAYERS, content)
    plain, read = pd.read_csv, list[str]()

    def noted(source: io.BytesIO, **how: Any) -> pd.DataFrame:
        read.append(source.getvalue()[:5].decode(errors="replace"))
        return plain(source, **how)

    monkeypatch.setattr("neft.runs.store.pd.read_csv", noted)
    with pytest.raises(RunCorruptError, match=r"layers\.csv (must have at most 200 columns|is not a table)"):
        _ = store.tables(store.record(folder.name))
    assert read == ["epoch"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *((f"files.{name}", f"names no {name}") for name in (HISTORY, INSTANCES, LAYERS, DEVIATIONS)),
        *((f"config.{part}", f"lacks '{part}'") for part in ("dataset", "mapping", "method", "training", "evaluation")),
        *((f"config.training.{name}", f"lacks 'training.{name}'") for name in ("batch_size", "learning_rate")),
        ("summary.test.1.metrics.ekl", "has other metrics at σ_d 0.1 than at 0"),
        ("summary.test.0.metrics.ekl", "has other metrics at σ_d 0.1 than at 0"),
    ],
)
def test_record_that_lacks_what_every_run_has_is_refused(
    store: RunStore, folder: Path, tmp_path: Path, path: str, reason: str
) -> None:
    *parts, last = _split(path)

    def without(raw: Raw) -> None:
        inner: Any = raw
        for part in parts:
            inner = inner[int(part) if isinstance(inner, list) else part]
        del inner[last]

    change_record(folder, without)

    with pytest.raises(RunCorruptError) as caught:
        _ = store.record(folder.name)
    assert reason in str(caught.value)
    assert reason in store.list().problems[folder.name]
    assert reason in imported(folder, tmp_path / "imported")
    assert is_a_sentence(str(caught.value))


def _split(path: str) -> list[str]:
    """The parts of a path, of which the last of `files` is a file's name."""
    first, _, rest = path.partition(".")
    return [first, rest] if first == "files" else path.split(".")


@pytest.mark.parametrize("name", [RECORD, HISTORY, LAYERS])
def test_file_that_is_larger_than_any_is_not_read(
    store: RunStore, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    record = store.record(folder.name)
    monkeypatch.setitem(LIMITS, name, 10)

    with pytest.raises(RunCorruptError, match=rf"{name} has [\d,]+ bytes; at most 10 are read"):
        _ = store.record(folder.name) if name == RECORD else store.tables(record)


# ---------------------------------------------------------------- what is written is accepted
def test_fractions_are_the_metrics_that_are() -> None:
    both = (*METRICS.values(), BALANCED_ACCURACY)
    assert {metric.name for metric in both if metric.unit == "fraction"} == FRACTIONS


def frames() -> Iterator[pd.DataFrame]:
    """Chips of several σ_d, as many at each or not, some without a number."""
    rng = np.random.default_rng(0)
    for counts in ((1, 1), (2, 5), (40, 40), (7, 300), (3,)):
        sizes = dict(zip((0.0, 0.1, 0.25), counts, strict=False))
        frame = pd.concat([pd.DataFrame({c.SIGMA_D: at, c.INSTANCE: range(size)}) for at, size in sizes.items()])
        values = {name: rng.random(len(frame)) for name in METRICS}
        values[c.EKL][rng.random(len(frame)) < 0.3] = np.nan
        values[c.CALIBRATED_EKL][:] = np.nan
        yield frame.assign(**values).reset_index(drop=True)


def test_what_is_summarised_agrees_with_its_chips(folder: Path, store: RunStore) -> None:
    record = store.record(folder.name)
    for frame in frames():
        summary = record.summary.model_copy(update={"test": summarise(frame, METRICS)})
        checks.check_chips(record.model_copy(update={"summary": summary}), frame)


def cached(count: int) -> list[RunRecord]:
    ids = random.Random(0).sample(SHIPPED.ids(), count)  # noqa: S311 - not for secrets
    return [SHIPPED.record(run_id) for run_id in ids]


def test_cached_runs_are_sound_and_what_their_settings_say() -> None:
    for record in cached(25):
        _ = SHIPPED.tables(record)
        assert run_facts(stored_config(record), num_classes=record.facts.num_classes) == record.facts


def test_words_of_chips_of_before_they_were_recorded_are_those_of_the_key(tmp_path: Path) -> None:
    record = next(one for one in cached(60) if one.facts.chips and one.facts.chips_label)
    content = json.loads((CACHED_RUNS / record.id / RECORD).read_text(encoding="utf-8"))
    del content["facts"]["chips_label"]
    older = Path(shutil.copytree(CACHED_RUNS / record.id, tmp_path / "older"))
    _ = (older / RECORD).write_text(json.dumps(content), encoding="utf-8")

    assert parse_record(record.id, (older / RECORD).read_bytes()).facts.chips_label != record.facts.chips_label
    assert imported(older, tmp_path / "imported") == ""
