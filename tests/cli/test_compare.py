"""neft compare."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neft import columns
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft
from tests.cli.test_claims import no_constant
from tests.cli.test_wrong_input import the_error
from tests.stored_experiments import of_chips

A_RUN = "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


@pytest.fixture
def better(stored: RunRecord, own_store: RunStore) -> RunRecord:
    """The stored run on the same chips, 0.25 more accurate on the first and 0.15 on the third."""
    return a_copy(stored, own_store, gains=(0.25, 0.2, 0.15))


def a_copy(
    stored: RunRecord,
    store: RunStore,
    *,
    key: str = "00000001",
    gains: tuple[float, ...] = (0.0, 0.0, 0.0),
    at: dict[float, float] | None = None,
    **settings: Any,
) -> RunRecord:
    """A run like the stored one with other accuracies, at other sigma_d, or of another evaluation."""
    tables = store.tables(stored)
    instances = tables.instances
    instances[columns.ACCURACY] = 0.3 + 0.1 * instances[columns.INSTANCE] ** 2
    instances[columns.ACCURACY] += instances[columns.INSTANCE].map(dict(enumerate(gains)))
    instances[columns.SIGMA_D] = instances[columns.SIGMA_D].replace(at or {})
    config = {**stored.config, "evaluation": {**stored.config["evaluation"], **settings}}
    update = {"id": f"{stored.id[:-8]}{key}", "files": {}, "config": config}
    return store.save(of_chips(stored.model_copy(update=update), instances), tables)


def compared(neft: Neft, *arguments: str) -> dict[str, Any]:
    return json.loads(neft("compare", *arguments, "--json").out, parse_constant=no_constant)


def test_difference_is_shown_with_both_intervals_and_what_pairing_saved(
    neft: Neft, better: RunRecord, own_store: RunStore, stored: RunRecord
) -> None:
    plain = a_copy(stored, own_store, key="00000002")

    shown = neft("compare", plain.id, better.id, "--sigma-d", "0.1").out

    # accuracies 0.3, 0.4, 0.7 (var 0.0433333) and 0.55, 0.6, 0.85 (var 0.0258333): means 0.466667 and 0.666667;
    # differences 0.25, 0.2, 0.15: var 0.0025, t(2) 0.05/sqrt(3) = 0.124207; 3 * 0.0691667/0.0025 = 83 chips;
    # Welch: 3.7529 degrees of freedom, t 2.849998, sqrt(0.0691667/3) = 0.151841: 0.432747
    assert "46.67 ±" in shown
    assert "66.67 ±" in shown
    assert "+20.00 ± 12.42" in shown
    assert "± 43.2" in shown
    assert "3 chips did the work of 83" in shown
    assert plain.id in shown
    assert better.id in shown


def test_json_holds_fractions_and_no_infinity(
    neft: Neft, better: RunRecord, stored: RunRecord, own_store: RunStore
) -> None:
    plain = a_copy(stored, own_store, key="00000002")

    answer = compared(neft, plain.id, better.id, plain.id)

    assert (answer["metric"], answer["reference"], answer["unpaired"]) == ("accuracy", plain.id, {})
    rows = [row for row in answer["rows"] if row["sigma_d"] == 0.1]
    assert [row["run_id"] for row in rows] == [plain.id, better.id, plain.id]
    assert rows[0]["difference"] is None
    assert rows[1]["difference"] == pytest.approx(0.2)
    assert rows[1]["difference_ci95"] == pytest.approx(0.124207, abs=1e-6)
    assert rows[1]["num_independent"] == pytest.approx(83)
    assert (rows[2]["difference"], rows[2]["difference_ci95"], rows[2]["num_independent"]) == (0, 0, None)


def test_percentiles_stand_beside_the_means(
    neft: Neft, better: RunRecord, stored: RunRecord, own_store: RunStore
) -> None:
    plain = a_copy(stored, own_store, key="00000002")

    shown = neft("compare", plain.id, better.id, "--sigma-d", "0.1", "--percentile", "50").said

    # of three chips 0.3, 0.4, 0.7 the median is 0.4; neither the worst nor the best bounds it: 0.5^3 = 12.5 % > 5 %
    assert "50th percentile over chips" in shown
    assert "40.00" in shown
    assert "60.00" in shown
    assert "no lower limit: 3 chips, 5 are needed" in shown
    (first, second) = compared(neft, plain.id, better.id, "--sigma-d", "0.1")["rows"]
    assert (first["percentile"], first["percentile_value"]) == (1, pytest.approx(0.302))
    assert (first["percentile_lower"], first["percentile_upper"]) == (None, pytest.approx(0.302))
    assert (second["percentile_difference"], second["percentile_difference_lower"]) == (pytest.approx(0.249), None)


def test_percentile_of_what_is_worse_the_more_of_it_is_the_99th(neft: Neft, stored: RunRecord) -> None:
    assert "99th percentile over chips" in neft("compare", stored.id, stored.id, "--metric", "ekl").said


def test_difference_of_percentiles_is_shown_where_chips_bound_it(
    neft: Neft, stored: RunRecord, own_store: RunStore
) -> None:
    tables = own_store.tables(stored)
    first = tables.instances.iloc[:1].assign(sigma_d=0.1)
    many = pd.concat([first] * 400, ignore_index=True).assign(instance=range(400), accuracy=0.5 + np.arange(400) / 1000)
    runs: list[RunRecord] = []
    for number in range(2):
        chips = many.assign(accuracy=many["accuracy"] + number / 10)
        other = stored.model_copy(update={"id": f"{stored.id[:-8]}0000040{number}", "files": {}})
        runs.append(own_store.save(of_chips(other, chips), replace(tables, instances=chips)))

    shown = neft("compare", *(run.id for run in runs)).said

    # ranks 1 and 9 at 97.5 % each: 10 points, less and more by 0.8
    assert "difference of 1st percentiles" in shown
    assert "10.00 (9.20 to 10.80)" in shown
    assert "difference of 1st percentiles" not in neft("compare", stored.id, stored.id).said


def test_run_compared_with_itself_differs_by_nothing(neft: Neft, stored: RunRecord) -> None:
    answer = neft("compare", stored.id, stored.id)

    assert answer.code == 0
    assert "+0.00 ± 0.00" in answer.out


@pytest.mark.parametrize("metric", ["ekl", "mean_confidence", "calibration_error", "calibrated_ekl"])
def test_every_metric_can_be_compared(neft: Neft, stored: RunRecord, better: RunRecord, metric: str) -> None:
    rows = compared(neft, stored.id, better.id, "--metric", metric)["rows"]

    assert rows[0]["mean"] == stored.summary.test[0].metrics[metric].mean
    assert metric.replace("_", " ") in neft("compare", stored.id, better.id, "--metric", metric).said


def test_runs_on_other_chips_are_compared_unpaired_and_it_is_said_why(
    neft: Neft, stored: RunRecord, own_store: RunStore
) -> None:
    other = a_copy(stored, own_store, seed=7)

    shown = neft("compare", stored.id, other.id).said

    assert "unpaired" in shown
    assert "B met other chips than A, so no pairs are taken: evaluation.seed is 7, not 0." in shown
    reasons = compared(neft, stored.id, other.id)["unpaired"]
    assert reasons == {other.id: "evaluation.seed is 7, not 0"}


def test_runs_with_no_sigma_d_in_common_are_refused(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    other = a_copy(stored, own_store, at={0.0: 0.2, 0.1: 0.3})

    error = the_error(neft("compare", stored.id, other.id))

    assert error.startswith(f"The runs have no σ_d in common: {stored.id} was tested at 0, 0.1; {other.id} was tested")


def test_runs_on_other_images_are_refused(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    other = a_copy(stored, own_store, max_test=20)

    error = the_error(neft("compare", stored.id, other.id))

    assert error == (
        "Only runs that were tested on the same images can be compared: "
        f"evaluation.max_test is 20, not None in {other.id}."
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (A_RUN, "Name 2 to 26 runs to compare; got 1. See `neft runs` for those there are."),
        (f"{A_RUN} {A_RUN}", f"No run '{A_RUN}'. See `neft runs` for those there are."),
        ("", "Missing argument 'RUN_A RUN_B [RUN_C]...'."),
        (f"{A_RUN} {A_RUN} --metric ecl", "Unknown metric 'ecl'. Did you mean 'ekl'?"),
    ],
)
def test_wrong_call_is_one_line(neft: Neft, arguments: str, sentence: str) -> None:
    assert sentence in the_error(neft("compare", *arguments.split()))


@pytest.mark.parametrize(
    ("sigma_ds", "sentence"),
    [
        ("0.1;0.2", "--sigma-d (σ_d) must be like '0,0.1,0.2' or '0:0.4:0.05'"),
        ("0.1,0.3", "Not all runs were tested at σ_d 0.3; all of them at 0, 0.1."),
    ],
)
def test_wrong_sigma_d_is_one_line(neft: Neft, stored: RunRecord, sigma_ds: str, sentence: str) -> None:
    assert sentence in the_error(neft("compare", stored.id, stored.id, "--sigma-d", sigma_ds))
