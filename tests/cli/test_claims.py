"""neft claims."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from neft.experiments.claim_list import CLAIMS, PLAIN
from neft.runs.plans import FOLDER
from neft.runs.store import INSTANCES, RunStore
from tests.cli.conftest import Neft
from tests.stored_experiments import Arm, an_experiment, store_experiment

TINY = (
    *("--backbone", "mlp", "--hidden-layers", "3", "--hidden-units", "16", "--max-train", "200", "--epochs", "2"),
    *("--validation-instances", "1", "--num-instances", "3", "--max-test", "50", "--seeds", "2"),
)


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


@pytest.fixture
def compared(own_store: RunStore) -> RunStore:
    """Two seeds, two chips: OVF 1, 2 points above noise injection on the one, 3, 4 on the other; 2.5 in the mean."""
    ours = Arm("ovf", "sigma_d_0.1", {0: [0.51, 0.72], 1: [0.53, 0.14]})
    theirs = Arm(PLAIN, "sigma_d_0.1", {0: [0.5, 0.7], 1: [0.5, 0.1]})
    store_experiment(own_store.root, *an_experiment("accuracy", ours, theirs))
    return own_store


def no_constant(name: str) -> None:
    pytest.fail(f"{name} is no JSON")


def claims_of(neft: Neft, *arguments: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(neft("claims", "--json", *arguments).out, parse_constant=no_constant)
    return {row["claim"]: row for row in rows}


def line_of(text: str, words: str) -> str:
    (line,) = [line for line in text.splitlines() if words in line]
    return line


def test_experiment_that_was_swept_decides_its_claim(neft: Neft, tmp_path: Path) -> None:
    neft("sweep", "classifier_noise", *TINY, "--workers", "1", "--store", str(tmp_path / "mine"))

    rows = claims_of(neft, "--store", str(tmp_path / "mine"))

    row = rows.pop("classifier_noise_helps")
    # two seeds, where the preset fixes three: at any number of seeds two say nothing
    assert (row["verdict"], row["anytime"], row["lower"]) == ("undecided", True, None)
    assert (row["num_seeds"], row["num_instances"]) == (2, 3)
    assert row["data"] == "Digits 8×8, MLP, 3 × 16"
    assert {other["verdict"] for other in rows.values()} == {"no runs"}


def test_every_claim_is_listed_with_its_verdict(neft: Neft, compared: RunStore) -> None:
    shown = neft("claims").out

    for claim in CLAIMS:
        # the store's metrics are all alike
        has_runs = claim.key in ("ovf_beats_noise_injection", "ovf_lowers_ekl", "ovf_calibrated_ekl")
        verdict = "undecided; " if has_runs else "no runs"
        assert verdict in line_of(shown, claim.words)


def test_effect_is_shown_with_its_interval_and_what_it_was_seen_on(neft: Neft, compared: RunStore) -> None:
    line = line_of(neft("claims").out, "OVF is more accurate than noise injection.")

    # half-width 14.2060 points, as worked out in test_claims.py of the tables
    assert "+2.5 (−11.7 to +16.7)" in line
    assert "± 0.5 points" in line
    assert "+0.02; at σ_d = 0.1, as ours; VGG-8 on MNIST, β = 0.001" in line
    assert "Digits 8×8, MLP, 4 × 128; σ_d = 0.1, β = 0.001; " in line
    assert re.search(r"; \d+ epochs? at learning rate 0\.\d+; 2 × 2", line)


def test_what_keeps_a_verdict_honest_stands_beside_it(neft: Neft, own_store: RunStore) -> None:
    # a preset of three seeds, run with five of which one fails
    theirs = {seed: [0.5 if seed < 4 else 0.1] * 2 for seed in range(5)}
    arms = (Arm("ovf", "sigma_d_0.1", {seed: [0.53] * 2 for seed in range(5)}), Arm(PLAIN, "sigma_d_0.1", theirs))
    store_experiment(own_store.root, *an_experiment("accuracy", *arms, fixed_seeds=3))

    line = line_of(neft("claims").out, "OVF is more accurate than noise injection.")

    assert "1 training failed, so seeds are not normal; median over seeds +3.0 (+3.0 to +43.0, 94 %)" in line
    assert "seeds not as many as the preset fixes" in line


def test_sum_of_the_answers_is_said_below(neft: Neft, own_store: RunStore) -> None:
    better = {seed: [0.53 + 0.0001 * seed] * 2 for seed in range(3)}
    arms = (Arm("ovf", "sigma_d_0.1", better), Arm(PLAIN, "sigma_d_0.1", {seed: [0.5] * 2 for seed in range(3)}))
    store_experiment(own_store.root, *an_experiment("accuracy", *arms))

    *_, last = neft("claims").err.strip().splitlines()

    # 3 points of accuracy; the same numbers as EKL are 1.06 times higher, which is within the margin
    assert last == (
        "1 of 3 effects are told from zero, each by itself: were none of them real, one would be told all the same, "
        "half of them as supported. All answers together hold for 1 of them (Holm)."
    )


def test_claim_without_runs_has_no_effect_to_show(neft: Neft) -> None:
    line = line_of(neft("claims").out, "IRS needs noise in its snapshot heads.")

    assert "no runs" in line
    assert "–" in line
    assert "nan" not in line


def test_json_holds_the_same_numbers(neft: Neft, compared: RunStore) -> None:
    rows = claims_of(neft)

    assert list(rows) == [claim.key for claim in CLAIMS]
    row = rows["ovf_beats_noise_injection"]
    assert row["estimate"] == pytest.approx(2.5)
    assert (row["plan"], row["unit"], row["verdict"]) == ("a_plan", "points", "undecided")
    assert rows["irs_beats_noise_injection"]["estimate"] is None


def test_interval_without_bounds_is_no_number_in_json(neft: Neft, own_store: RunStore) -> None:
    arms = (Arm("ovf", "sigma_d_0.1", {0: [0.6]}), Arm(PLAIN, "sigma_d_0.1", {0: [0.5]}))
    store_experiment(own_store.root, *an_experiment("accuracy", *arms))

    row = claims_of(neft)["ovf_beats_noise_injection"]

    assert row["estimate"] == pytest.approx(10)
    assert row["lower"] is row["upper"] is None
    assert row["verdict"] == "undecided"


def test_runs_that_ship_count_unless_a_store_is_named(
    neft: Neft, compared: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", compared.root)
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "another home"))
    (tmp_path / "empty").mkdir()

    assert claims_of(neft)["ovf_beats_noise_injection"]["verdict"] == "undecided"
    assert claims_of(neft, "--store", str(tmp_path / "empty"))["ovf_beats_noise_injection"]["verdict"] == "no runs"
    assert claims_of(neft, "--store", str(compared.root))["ovf_beats_noise_injection"]["verdict"] == "undecided"


def test_plan_that_cannot_be_read_is_named_and_hides_no_other(neft: Neft, compared: RunStore) -> None:
    (compared.root / FOLDER / "broken.json").write_text("{", encoding="utf-8")

    answer = neft("claims")

    assert answer.code == 0
    assert answer.err.startswith("broken: not a plan\n")
    assert "undecided" in line_of(answer.out, "OVF is more accurate than noise injection.")


def test_run_that_cannot_be_read_is_named_and_hides_no_other(neft: Neft, compared: RunStore) -> None:
    """Seed 1 of OVF is damaged; seed 0 is left."""
    damaged = compared.ids()[2]
    (compared.root / damaged / INSTANCES).write_bytes(b"nothing")

    answer = neft("claims")

    assert answer.code == 0
    assert f"{damaged}: Run '{damaged}' is corrupt: {INSTANCES} is not the file that was stored.\n" in answer.err
    assert "1 × 2" in line_of(answer.out, "OVF is more accurate than noise injection.")
