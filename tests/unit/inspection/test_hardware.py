"""Stored runs' networks as they lie on a chip, read from their settings alone."""

from typing import Any

import pytest

from neft.errors import ConfigError, DataMissingError
from neft.hardware.constants import load_constants
from neft.hardware.costs import Deployed, LayerShape, size_of
from neft.inspection.hardware import deployed_of, deployed_of_each
from neft.options import make_config
from neft.runs.records import RunRecord
from tests.stored_experiments import a_record

SMALL = {"backbone": "mlp", "hidden_layers": 1, "hidden_units": 16}


def a_run(number: int = 0, **settings: Any) -> RunRecord:
    config = make_config(SMALL | settings).model_dump(mode="json")
    return a_record(f"digits-mlp1x16-x-seed0-{number:08x}").model_copy(update={"config": config})


def test_layers_are_those_of_the_deployed_network_without_heads() -> None:
    """8 x 8 pixels, 16 units, 10 classes; IRS trains heads that no chip has."""
    found = deployed_of(a_run(method="irs", num_feedback=1))

    assert found.layers == (LayerShape("stages.0.1", 16, 64, 1), LayerShape("classifier", 10, 16, 1))


def test_the_mapping_is_that_of_the_test_chips() -> None:
    run = a_run()
    run.config["evaluation"]["mapping"] = {"sign": "offset", "copies": 3}
    layout = deployed_of(run).layout

    assert (layout.copies, layout.devices_a_magnitude, layout.subtracts) == (3, 1, True)


def test_networks_that_lie_unipolar_have_layers_of_one_sign() -> None:
    """Half the columns of a pair and no subtractor: about half the energy."""
    found = deployed_of(a_run(sign="unipolar"))
    size = size_of(found, load_constants())

    assert all(layer.is_one_sign for layer in found.layers)
    assert size.totals.subtractors == 0
    assert size.energy_share < 0.55


def test_runs_of_one_network_are_read_once_and_what_is_not_known_is_said() -> None:
    known, again, gone = a_run(1), a_run(2, seed=3), a_run(3)
    gone.config["backbone"] = {"name": "own_network", "checksum": "0123456789abcdef"}

    found = deployed_of_each([known, again, gone])

    assert isinstance(found[known.id], Deployed)
    assert found[known.id] is found[again.id]
    assert isinstance(found[gone.id], ConfigError)
    assert "was given by a program and is not kept" in str(found[gone.id])


def test_images_of_ones_own_need_not_be_there_where_the_settings_tell_their_shape() -> None:
    """3 channels of 64 x 64 pixels, as the settings have them."""
    run = a_run()
    run.config["dataset"] = {"name": "image_folder", "path": "/no/such/folder"}
    try:
        found = deployed_of(run)
    except DataMissingError:
        pytest.fail("looked for images")

    assert found.layers[0].num_inputs == 3 * 64 * 64


def test_converters_and_shared_ranges_of_the_run_are_priced() -> None:
    named = deployed_of(a_run(dac_bits=6, adc_bits=4, scaling="uniform")).converters
    by_layer = deployed_of(a_run(dac_bits=6, adc_bits=4)).converters

    assert (named.dac_bits, named.adc_bits, named.shared, named.is_assumed) == (6, 4, True, False)
    assert not by_layer.shared


def test_only_layers_of_one_sign_take_half_where_the_mapping_goes_by_layer() -> None:
    """64 x 16 weights of one sign and 16 x 10 of both, of four slices each."""
    run = a_run(sign="by_layer", constraint="unipolar", signs="+b")
    found = deployed_of(run)

    assert [layer.is_one_sign for layer in found.layers] == [True, False]
    assert size_of(found, load_constants()).totals.devices == 4 * (64 * 16 + 2 * 16 * 10)


def test_runs_that_differ_in_signs_or_converters_are_read_apart() -> None:
    plain, signed = a_run(1, sign="by_layer"), a_run(2, sign="by_layer", constraint="unipolar")
    shared = a_run(3, sign="by_layer", adc_bits=8, scaling="uniform")

    found = deployed_of_each([plain, signed, shared])

    assert len({repr(one) for one in found.values()}) == 3
