"""neft devices: technologies with sources, one in full, and its converter."""

import json
import shlex

from neft.devices.presets import PRESETS
from neft.inspection.device_cards import card_names
from neft.options import make_config
from tests.cli.conftest import Neft


def test_it_lists_every_technology_with_its_source(neft: Neft) -> None:
    answer = neft("devices")

    assert answer.code == 0
    assert all(name in answer.out for name in card_names())
    assert "Joshi et al. 2020, Fig. 3b" in answer.out


def test_one_is_shown_with_formula_range_and_samples(neft: Neft) -> None:
    answer = neft("devices", "rram_milo")

    assert answer.code == 0
    assert "Formula  σ(g) = 4.782321 − 0.009107 g" in answer.out
    assert "Range    50–225 µS" in answer.out
    assert "sampled" in answer.out


def test_the_printed_command_makes_the_device(neft: Neft) -> None:
    out = neft("devices", "rram_milo", "--device-bits", "1").out
    words = shlex.split(next(line for line in out.splitlines() if line.startswith("Train")))[3:]

    flags = [word.removeprefix("--").replace("-", "_") for word in words[::2]]
    config = make_config(dict(zip(flags, words[1::2], strict=True)))

    assert (config.training.sigma_d, config.device) == PRESETS["rram_milo"].device(1)
    assert (config.mapping.device_bits, config.mapping.on_off_ratio) == (1, 4.5)


def test_a_conductance_outside_the_range_is_warned_of(neft: Neft) -> None:
    answer = neft("devices", "rram_milo", "--at", "100", "--at", "300")

    assert answer.code == 0
    assert "g = 100 µS: σ = 3.872 µS" in answer.out
    assert answer.err.count("Warning") == 1
    assert "300 µS lies outside 50 to 225 µS" in answer.err


def test_stds_are_converted(neft: Neft) -> None:
    # 5 % of 175 µS are 8.75 µS, 0.03889 of 225
    found = json.loads(neft("devices", "rram_milo", "--convert", "5 %", "--json").out)["conversions"]

    assert len(found) == 1
    assert round(found[0]["microsiemens"], 6) == 8.75
    assert round(found[0]["sigma_d"], 6) == 0.038889


def test_what_there_is_not_is_refused(neft: Neft) -> None:
    assert "Did you mean 'pcm_joshi'" in neft("devices", "pcm_josh").err
    assert "need a technology" in neft("devices", "--convert", "1 %").err
    assert "tells no conductances in µS" in neft("devices", "nvm_verified", "--convert", "1 µS").err
    assert "stds of its levels alone" in neft("devices", "rram1", "--at", "1").err
