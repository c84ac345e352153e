"""neft evaluate --percentile: raced once, shown again, refused in a sentence."""

import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from neft import columns
from neft.pipeline import Settings, reevaluate
from neft.runs.facts import stored_config
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.tables.percentiles import percentile_with_limits
from tests.cli.conftest import Neft
from tests.cli.test_wrong_input import the_error

FEW = ("--percentile", "1", "--num-instances", "300")


def test_it_is_raced_once_and_shown_again(neft: Neft, stored: RunRecord) -> None:
    first = neft("evaluate", stored.id, *FEW)
    again = neft("evaluate", stored.id, *FEW)

    assert (first.code, again.code) == (0, 0)
    assert re.search(r"Raced for \d+\.\d s and stored\.", first.err)
    assert "Stored before; not raced again." in again.err
    assert first.out == again.out
    assert re.search(
        r"1st percentile: \d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\) %, one-sided 95 % limits over 300 chips\. \d+ chips met "
        r"all 397 images: \d+\.\d % of the whole evaluation's passes\. Its answer would be another in "
        r"at most 1 of 100 races\.",
        first.err,
    )
    assert re.search(r"\n1\t\d+\t\d+\.\d\d\n", first.out)


def test_json_tells_what_evaluating_all_chips_tells(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    shown = json.loads(neft("evaluate", stored.id, *FEW, "--test-sigma-d", "0.1,0.2", "--json").out)

    config = stored_config(stored)
    evaluation = config.evaluation.model_copy(update={"sigma_ds": (0.1, 0.2), "num_instances": 300})
    stores = Stores(own=own_store, shipped=own_store)
    whole = reevaluate(
        stored,
        config.model_copy(update={"evaluation": evaluation}),
        Settings(store=own_store, pretrained_stores=stores),
    )
    chips = own_store.instances(whole)
    assert [one["sigma_d"] for one in shown["races"]] == [0.1, 0.2]
    for one in shown["races"]:
        accuracies = chips[np.isclose(chips[columns.SIGMA_D], one["sigma_d"])].set_index(columns.INSTANCE)["accuracy"]
        assert (one["value"], one["lower"], one["upper"]) == percentile_with_limits(accuracies.to_numpy(), 0.01)
        assert one["chips"][0]["accuracy"] == accuracies.min()
        assert all(accuracies[chip["instance"]] == chip["accuracy"] for chip in one["chips"])
        assert one["cost"] == one["passes"] / (300 * 397)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--percentile", "1", "--num-instances", "298"), "needs 299 chips; these are 298"),
        (("--percentile", "5", "--num-instances", "58"), "needs 59 chips; these are 58"),
        ((*FEW, "--precision", "0.01"), "--precision goes with an evaluation of all chips, not with --percentile"),
        ((*FEW, "--min-instances", "30"), "--min-instances goes with an evaluation of all chips"),
        ((*FEW, "--worst-case", "0.01"), "--worst-case goes with an evaluation of all chips"),
        ((*FEW, "--threads", "2"), "--threads goes with an evaluation of all chips"),
        ((*FEW, "--test-sigma-d", "0"), "all chips are one"),
        ((*FEW, "--read-noise-each", "0.01"), "no outcome of their own"),
    ],
)
def test_what_cannot_be_raced_is_refused(neft: Neft, stored: RunRecord, options: tuple[str, ...], said: str) -> None:
    assert said in the_error(neft("evaluate", stored.id, *options))
    assert not (neft_home() / "races").exists()


@pytest.mark.parametrize("percentile", ["0", "51", "one"])
def test_a_percentile_that_is_none_is_refused(neft: Neft, stored: RunRecord, percentile: str) -> None:
    assert "--percentile" in the_error(neft("evaluate", stored.id, "--percentile", percentile))


def test_ctrl_c_stops_it_and_nothing_is_stored(stored: RunRecord) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "neft", "evaluate", stored.id, "--percentile", "1", "--num-instances", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    _ = process.stderr.readline()  # it loads
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert re.search(r"Stopped after about \d+ of 100000 chips; nothing is stored of the race that ran\.\s*$", err)
    assert out == ""
    assert not (neft_home() / "races").exists()
