"""neft worst-case: searched once, shown again, refused in a sentence."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch.func import functional_call

from neft import columns
from neft.chips.sampling import quantised
from neft.evaluation.search_settings import SearchSettings
from neft.pipeline import Settings, load_data, restore_network
from neft.runs import worst_cases
from neft.runs.facts import stored_config
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft
from tests.cli.test_wrong_input import the_error

QUICK = ("--steps", "5", "--restarts", "0", "--th-g", "0,0.02,0.1")


def test_it_is_searched_once_and_shown_again(neft: Neft, stored: RunRecord) -> None:
    first = neft("worst-case", stored.id, *QUICK)
    again = neft("worst-case", stored.id, *QUICK)

    assert (first.code, again.code) == (0, 0)
    assert re.search(r"Searched for \d+\.\d s and stored\.", first.err)
    assert "Stored before; not searched again." in again.err
    assert first.out == again.out
    assert "a better search may find lower" in first.err
    assert re.search(r"\n0\.1\t\d+\.\d\d\t\d+\.\d\d \(\d+\.\d\d\)\t", first.out)


def test_json_tells_all_and_what_is_stored_gives_its_accuracies(
    neft: Neft, stored: RunRecord, own_store: RunStore
) -> None:
    shown = json.loads(neft("worst-case", stored.id, *QUICK, "--seed", "3", "--json").out)

    assert [row["th_g"] for row in shown["rows"]] == [0.0, 0.02, 0.1]
    assert shown["settings"] == SearchSettings(num_steps=5, num_restarts=0, seed=3).model_dump()
    lowest = own_store.instances(stored).groupby(columns.SIGMA_D)[columns.ACCURACY].min()
    chips = {row["sigma_d"]: (row["accuracy"], row["num_instances"]) for row in shown["worst_chips"]}
    assert chips == {sigma_d: (accuracy, 3) for sigma_d, accuracy in lowest.items()}

    (record,) = worst_cases.listed(stored).records
    config = stored_config(stored)
    data = load_data(config, Settings(store=own_store))
    network = restore_network(config, data, own_store.weights(stored))
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    for row, deviation in zip(shown["rows"], worst_cases.load_deviations(record), strict=True):
        chip = {
            name: quantised(weight, config.mapping) + deviation.get(name, 0) * weight.abs().max()
            for name, weight in weights.items()
        }
        with torch.inference_mode():
            said = functional_call(network, chip, (data.normalise(data.test.images),)).argmax(dim=1)
        assert (said == data.test.labels).float().mean().item() == pytest.approx(row["accuracy"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--th-g", "0,2"), "every value must lie in [0, 1]; got '0,2'"),
        (("--th-g", "x"), "must be like"),
        (("--steps", "0"), "SearchSettings.num_steps (steps) must lie in [1, 10000]; got 0."),
        (("--restarts", "-1"), "SearchSettings.num_restarts (restarts) must lie in [0, 1000]; got -1."),
        (("--torch-device", "nowhere"), "torch cannot compute on 'nowhere' here"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    neft: Neft, stored: RunRecord, options: tuple[str, ...], words: str
) -> None:
    answer = neft("worst-case", stored.id, *options)

    assert answer.code == 2
    assert words in answer.err
    assert not (neft_home() / "worst_cases").exists()


def test_a_run_without_weights_is_refused_in_a_sentence(neft: Neft) -> None:
    answer = neft("worst-case", "digits-vgg8w8-vanilla-s0.00-seed0-33b1a5b1")

    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "was stored without its weights, so its worst case cannot be searched." in answer.err


def test_an_unknown_run_is_refused(neft: Neft) -> None:
    answer = neft("worst-case", "nowhere")

    assert (answer.code, answer.out) == (2, "")
    assert "No run 'nowhere'" in answer.err


def test_ctrl_c_ends_the_search_and_stores_nothing(stored: RunRecord) -> None:
    long = ("--steps", "10000", "--restarts", "1000", "--th-g", "0,0.001")
    process = subprocess.Popen(
        [sys.executable, "-m", "neft", "worst-case", stored.id, *long],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    seen = process.stderr.readline()  # once the data is loaded, the search begins
    assert "Loading" in seen
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert re.search(r"Stopped after [01] of 2 values of th_g; nothing is stored\.\s*$", err)
    assert out == ""
    assert not (neft_home() / "worst_cases").exists()


@pytest.mark.parametrize("said", ["nan", "inf", "1e999", "0,nan", "-0.1"])
def test_a_bound_that_cannot_be_is_refused(neft: Neft, stored: RunRecord, said: str) -> None:
    assert f"must lie in [0, 1]; got '{said}'" in the_error(neft("worst-case", stored.id, "--th-g", said))
