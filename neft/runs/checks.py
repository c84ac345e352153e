"""Whether a run's tables hold what they must, and say what its record says: what is stored may be a stranger's.

A table that is not as one that this package wrote is refused in a sentence, before anything is made of it.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pandas as pd
from pyarrow import types
from pyarrow.parquet import ParquetFile

from neft import columns
from neft.chip_statistics import STATISTICS, chip_statistics
from neft.errors import MOST_SHOWN, one_line
from neft.runs.records import FRACTIONS, MOST_CHIPS, MOST_EPOCHS, MetricSummary, RunRecord
from neft.sigma_d import same_sigma_d

MAX_CELLS = 20_000_000
"""The most numbers in a run's table of chips."""
MAX_COLUMNS = 200
CLOSE = 1e-6
"""What is recomputed from stored numbers agrees to so much, absolutely or relatively."""
CLOSE_IN_TEXT = 1e-5
"""The same of numbers of the history, which has six digits."""


class TableError(ValueError):
    """What is wrong with a table, in words that follow the run's name."""


@dataclass(frozen=True)
class Numbers:
    """What a column of numbers may hold."""

    least: float = 0.0
    most: float = 1e300
    is_whole: bool = False
    may_lack: bool = False
    """Whether a number may be missing."""
    may_be_infinite: bool = False
    is_needed: bool = True


TEXT = None
"""In the place of `Numbers`: a column of texts, none missing."""
_SHARE = Numbers(most=1 + CLOSE)
_OTHER_SHARE = Numbers(most=1 + CLOSE, may_lack=True, is_needed=False)
_OTHER = Numbers(may_lack=True, is_needed=False)
_EDGE = Numbers(least=-1e300, may_lack=True)
HELD: Mapping[str, Mapping[str, Numbers | None]] = {
    "history": {
        columns.EPOCH: Numbers(1, MOST_EPOCHS, is_whole=True),
        # a training that diverges still has a history
        columns.LOSS: Numbers(least=-1e300, may_lack=True, may_be_infinite=True),
        columns.TRAIN_ACCURACY: _SHARE,
        columns.VALIDATION_ACCURACY: _SHARE,
        columns.VALIDATION_CLEAN_ACCURACY: Numbers(most=1 + CLOSE, may_lack=True),
        columns.LEARNING_RATE: _OTHER,
        columns.SECONDS: _OTHER,
        columns.SIGMA_D: _OTHER_SHARE,
    },
    "instances": {
        columns.SIGMA_D: Numbers(most=1),
        columns.INSTANCE: Numbers(most=MOST_CHIPS, is_whole=True),
        columns.ACCURACY: _SHARE,
        columns.EKL: Numbers(most=1000, may_lack=True),
        columns.CALIBRATED_EKL: Numbers(most=1000, may_lack=True, is_needed=False),
        columns.CALIBRATION_TEMPERATURE: Numbers(most=1e9, may_lack=True, is_needed=False),
        **dict.fromkeys(sorted(FRACTIONS - {columns.ACCURACY}), _OTHER_SHARE),
    },
    "layers": {
        columns.LAYER: TEXT,
        columns.NUM_WEIGHTS: Numbers(least=1, most=1e12, is_whole=True),
        columns.W_MAX: Numbers(),
        columns.RMS_WEIGHT: Numbers(),
        columns.MIDDLE_SHARE: _SHARE,
        # of a layer without a weight beside 0 there is no std over w_max
        columns.REALISED_STD: Numbers(may_lack=True),
        columns.CLOSED_FORM_STD: Numbers(may_lack=True),
        columns.INPUT_RANGE: _OTHER,
        columns.OUTPUT_RANGE: _OTHER,
        columns.INPUT_USED: _OTHER,
        columns.OUTPUT_USED: _OTHER,
        columns.INPUT_CLIPPED: _OTHER_SHARE,
        columns.OUTPUT_CLIPPED: _OTHER_SHARE,
    },
    "deviations": {
        columns.LAYER: TEXT,
        columns.BIN_LEFT: _EDGE,
        columns.BIN_RIGHT: _EDGE,
        columns.DENSITY: Numbers(may_lack=True),
        columns.CLOSED_FORM_DENSITY: Numbers(may_lack=True),
    },
    "worst_case": {
        columns.TH_G: Numbers(most=1),
        columns.ACCURACY: _SHARE,
        columns.FOUND_BY: TEXT,
        columns.PROJECTED_ACCURACY: _OTHER_SHARE,
        columns.LAGRANGIAN_ACCURACY: _OTHER_SHARE,
        columns.UNIFORM_MEAN: _OTHER_SHARE,
        columns.UNIFORM_MIN: _OTHER_SHARE,
        columns.GAUSSIAN_MEAN: _OTHER_SHARE,
        columns.GAUSSIAN_MIN: _OTHER_SHARE,
    },
}
"""By table, what its columns hold; those that are not named here are read by nobody."""
FOUND_BY = frozenset({"projected", "lagrangian", "none"})


# ---------------------------------------------------------------- before a table is read
def check_parquet(file: ParquetFile) -> None:
    """A few bytes of parquet can hold any number of rows: numbers alone, and not too many.

    Raises:
        TableError: what is wrong.
    """
    schema, rows = file.schema_arrow, file.metadata.num_rows
    plain = all(types.is_integer(kind) or types.is_floating(kind) for kind in schema.types)
    if not plain or len(schema) > MAX_COLUMNS or rows * len(schema) > MAX_CELLS:
        message = f"must hold numbers alone, at most {MAX_CELLS:,}"
        raise TableError(message)
    if len({*schema.names}) < len(schema):
        message = "has two columns of one name"
        raise TableError(message)


def check_csv(content: bytes) -> None:
    """Whole columns of text are read at once, however many there are: not too many, and no more than have a name.

    Raises:
        TableError: what is wrong.
    """
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""))
    try:
        named, first = (len(next(rows, ())) for _ in range(2))
    except (csv.Error, UnicodeDecodeError):
        message = "is not a table"
        raise TableError(message) from None
    if named > MAX_COLUMNS or first > named:
        message = f"must have at most {MAX_COLUMNS} columns, each with a name"
        raise TableError(message)


# ---------------------------------------------------------------- a table by itself
def check_table(kind: str, table: pd.DataFrame, *, may_be_empty: bool = False) -> None:
    """Whether a table has the columns that it needs, each with what it may hold.

    Raises:
        TableError: what is wrong.
    """
    held = HELD[kind]
    missing = {name for name, numbers in held.items() if (numbers is None or numbers.is_needed) and name not in table}
    if missing:
        message = f"its {kind} lack the column '{min(missing)}'"
        raise TableError(message)
    if table.empty:
        if may_be_empty:
            return
        message = f"its {kind} have no row"
        raise TableError(message)
    for name, numbers in held.items():
        if name not in table:
            continue
        wrong = _text_fault(table[name]) if numbers is None else _number_fault(table[name], numbers)
        if wrong:
            message = f"'{name}' of its {kind} {wrong}"
            raise TableError(message)


def _text_fault(column: pd.Series) -> str:
    is_text = column.map(lambda value: isinstance(value, str) and value != "")
    return "" if is_text.all() else "must be texts, none missing"


def _number_fault(column: pd.Series, numbers: Numbers) -> str:
    if column.dtype.kind not in "iuf":
        # of a table of few rows all of which lack a number nothing tells that they would be numbers
        return "" if numbers.may_lack and column.isna().all() else "must be numbers"
    values = column.to_numpy(dtype=float, na_value=float("nan"))
    lacks = np.isnan(values)
    if lacks.any() and not numbers.may_lack:
        return "must be numbers, none missing"
    wrong = (values < numbers.least) | (values > numbers.most)
    if numbers.may_be_infinite:
        wrong &= ~np.isinf(values)
    if numbers.is_whole and column.dtype.kind == "f":
        wrong |= ~lacks & (values != np.floor(values))
    if not wrong.any():
        return ""
    whole = "whole numbers" if numbers.is_whole else "numbers"
    upper = f" to {numbers.most:g}" if numbers.most < 1e300 else ""
    lower = f" from {numbers.least:g}" if numbers.least > -1e300 else ""
    return f"must be {whole}{lower}{upper}; got {values[wrong][0]:g}"


# ---------------------------------------------------------------- tables and their record
def check_history(record: RunRecord, history: pd.DataFrame) -> None:
    """A row per epoch, and the selected one's accuracy.

    Raises:
        TableError: it is another.
    """
    summary = record.summary
    epochs = history[columns.EPOCH].to_numpy() if len(history) else np.array([])
    if not np.array_equal(epochs, np.arange(1, summary.num_epochs + 1)):
        message = f"its history must have the epochs 1 to {summary.num_epochs}, a row each"
        raise TableError(message)
    if summary.num_epochs and summary.validation_accuracy is not None:
        found = float(history[columns.VALIDATION_ACCURACY].iloc[summary.selected_epoch - 1])
        _compare("validation_accuracy", summary.validation_accuracy, found, "history", tolerance=CLOSE_IN_TEXT)


def check_layers(record: RunRecord, layers: pd.DataFrame, deviations: pd.DataFrame) -> None:
    """Each layer once, deviations of these layers, and as many devices as their weights take.

    Raises:
        TableError: they are not.
    """
    names = layers[columns.LAYER]
    if not names.is_unique:
        message = f"its layers name '{one_line(str(names[names.duplicated()].iloc[0]), MOST_SHOWN)}' twice"
        raise TableError(message)
    if {*deviations[columns.LAYER]} != {*names}:
        message = "its deviations are not those of its layers"
        raise TableError(message)
    edges = deviations[[columns.BIN_LEFT, columns.BIN_RIGHT]].to_numpy(dtype=float)
    if (edges[:, 0] >= edges[:, 1]).any():
        message = "its deviations have a bin that ends before it begins"
        raise TableError(message)
    if record.summary.devices_a_weight is not None:
        found = float(layers[columns.NUM_WEIGHTS].sum()) * record.summary.devices_a_weight
        _compare("num_devices", record.summary.num_devices, found, "layers", tolerance=1e-9)


def check_worst_case(record: RunRecord, worst_case: pd.DataFrame | None) -> None:
    """The very worst cases of the summary.

    Raises:
        TableError: they are others.
    """
    said = [(row.th_g, row.accuracy) for row in record.summary.worst_case]
    found = np.zeros((0, 2)) if worst_case is None else worst_case[[columns.TH_G, columns.ACCURACY]].to_numpy()
    if found.shape != (len(said), 2) or not np.allclose(found, np.reshape(said, (-1, 2)), rtol=0, atol=CLOSE):
        message = "its worst cases are not those of its summary"
        raise TableError(message)
    if worst_case is not None and not {*worst_case[columns.FOUND_BY]} <= FOUND_BY:
        message = f"'{columns.FOUND_BY}' of its worst_case must be one of {', '.join(sorted(FOUND_BY))}"
        raise TableError(message)


def check_chips(record: RunRecord, instances: pd.DataFrame) -> None:
    """Every chip once, at the σ_d of the summary, whose numbers are theirs.

    Raises:
        TableError: they are not.
    """
    rows = sorted(record.summary.test, key=lambda row: row.sigma_d)
    said = [row.sigma_d for row in rows]
    found, place = np.unique(instances[columns.SIGMA_D].to_numpy(dtype=float), return_inverse=True)
    if len(found) != len(said) or not same_sigma_d(found, said).all():
        message = "the σ_d of its chips are not those of its summary"
        raise TableError(message)
    keys = place * (MOST_CHIPS + 1) + instances[columns.INSTANCE].to_numpy(dtype=np.int64)
    if len(np.unique(keys)) < len(keys):
        message = "a chip is there twice"
        raise TableError(message)
    names = sorted({name for row in rows for name in row.metrics})
    absent = next((name for name in names if name not in instances), None)
    if absent is not None:
        message = f"its instances lack the column '{one_line(absent, MOST_SHOWN)}'"
        raise TableError(message)
    values = instances[names].to_numpy(dtype=float, na_value=float("nan")).T
    for index, row in enumerate(rows):
        held = [name in row.metrics for name in names]
        _check_summary(row.sigma_d, row.metrics, list(compress(names, held)), values[held][:, place == index])


def _check_summary(
    sigma_d: float, metrics: Mapping[str, MetricSummary], names: Sequence[str], values: np.ndarray
) -> None:
    said = np.array([[getattr(metrics[name], one) for one in STATISTICS] for name in names], dtype=float)
    found = chip_statistics(values)
    agree = np.abs(said - found) <= CLOSE * (1 + np.abs(found))
    apart = ~(agree | (np.isnan(said) & np.isnan(found)))
    if apart.any():
        metric, statistic = np.argwhere(apart)[0]
        words = f"{STATISTICS[statistic]} of {one_line(names[int(metric)], MOST_SHOWN)} at σ_d {sigma_d:g}"
        _compare(words, float(said[metric, statistic]), float(found[metric, statistic]), "chips", tolerance=0.0)


def _compare(what: str, said: float, found: float, where: str, *, tolerance: float) -> None:
    if not abs(said - found) <= tolerance * max(1.0, abs(found)):  # nor where either is no number
        message = f"its summary's {what} is {said:g}; its {where} give {found:g}"
        raise TableError(message)
