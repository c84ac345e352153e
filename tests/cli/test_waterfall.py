"""neft waterfall: computed once, shown again, refused in a sentence."""

import json

import pytest

from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore
from tests.cli.conftest import Neft
from tests.cli.test_wrong_input import the_error

QUICK = ("--num-instances", "3")


def test_it_is_computed_once_and_shown_again(neft: Neft, stored: RunRecord) -> None:
    first, again = (neft("waterfall", stored.id, *QUICK) for _ in range(2))

    assert (first.code, again.code) == (0, 0)
    assert "s and stored." in first.err
    assert "Stored before; not computed again." in again.err
    assert first.out == again.out
    assert "The most is lost to " in first.err
    assert "+ variation in classifier" in first.out


def test_json_tells_every_step_and_the_costs_add_up(neft: Neft, stored: RunRecord) -> None:
    shown = json.loads(neft("waterfall", stored.id, *QUICK, "--json").out)

    steps = shown["steps"]
    assert [row["step"] for row in steps] == ["training_images", "test_images", "quantised", *["variation"] * 3]
    assert sum(row["cost"] for row in steps) == pytest.approx(1 - steps[-1]["accuracy"])
    assert (shown["sigma_d"], shown["num_instances"]) == (stored.facts.train_sigma_d, 3)


def test_what_chips_are_mapped_and_written_by_is_named(neft: Neft, stored: RunRecord) -> None:
    told = ("--programming", "residual", "--read-error", "0.3", "--scale", "channel", "--clip-for", "0.6")
    other = json.loads(neft("evaluate", stored.id, "--num-instances", "3", *told, "--json").out)["id"]

    shown = " ".join(neft("waterfall", other, *QUICK).said.split())

    assert "chips: RRAM1" in shown
    assert "residual programming" in shown
    assert shown.index("weights as codes") < shown.index("what devices aim at") < shown.index("+ misreading while")


def test_another_sigma_d_may_be_asked_for(neft: Neft, stored: RunRecord) -> None:
    assert json.loads(neft("waterfall", stored.id, *QUICK, "--sigma-d", "0.25", "--json").out)["sigma_d"] == 0.25


@pytest.mark.parametrize("said", ["0", "1.5", "inf", "nan", "1e999", "0.1,0.2", "much"])
def test_a_sigma_d_that_cannot_be_is_refused(neft: Neft, stored: RunRecord, said: str) -> None:
    assert "--sigma-d (σ_d) must" in the_error(neft("waterfall", stored.id, "--sigma-d", said))


def test_a_run_without_weights_is_refused(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    (own_store.root / stored.id / WEIGHTS).unlink()
    without = stored.model_copy(update={"files": {k: v for k, v in stored.files.items() if k != WEIGHTS}})
    _ = (own_store.root / stored.id / RECORD).write_text(without.model_dump_json())

    assert "was stored without its weights" in the_error(neft("waterfall", stored.id))
