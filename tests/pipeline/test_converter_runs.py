"""Runs between converters: one id, one set of numbers, and learned ranges that are never guessed anew."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from neft import columns
from neft.errors import ConfigError
from neft.methods import METHODS, TaughtMethod
from neft.options import as_of_test_chips, make_config
from neft.pipeline import Settings, reevaluate, run
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores

SMALL: dict[str, Any] = {
    "max_train": 100,
    "backbone": "vgg8",
    "width": 1 / 64,
    "epochs": 1,
    "validation_instances": 1,
    "test_sigma_d": (0.0, 0.1),
    "num_instances": 2,
    "max_test": 50,
}
FOUR = {"dac_bits": 4, "adc_bits": 4}
LEARNED = {**FOUR, "converter_ranges": "learned"}


def settings(folder: Path) -> Settings:
    stores = Stores(own=RunStore(folder / "runs"), shipped=RunStore(folder / "none", read_only=True))
    return Settings(store=stores.own, pretrained_stores=stores, unfinished_root=folder / "unfinished")


def trained(folder: Path, **values: Any) -> RunRecord:
    return run(make_config(SMALL | values), settings(folder))


def again(source: RunRecord, folder: Path, **values: Any) -> RunRecord:
    return reevaluate(source, make_config(values, stored_config(source)), settings(folder))


def numbers(record: RunRecord, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    store = settings(folder).store
    return store.instances(record), store.tables(record).layers


@pytest.mark.parametrize(
    ("training", "test"),
    [
        (FOUR, {"test_mapping": "weight_bits=2,device_bits=2"}),
        (FOUR, {"recalibrate_batchnorm": True}),
        ({}, {"test_converters": "dac_bits=4,adc_bits=4"}),
        (LEARNED, {"test_converters": "adc_bits=6"}),
        (LEARNED, {"recalibrate_batchnorm": True}),
    ],
)
def test_evaluated_anew_is_what_a_run_of_that_config_is(
    training: dict[str, Any], test: dict[str, Any], tmp_path: Path
) -> None:
    direct = trained(tmp_path / "direct", **training, **test)
    anew = again(trained(tmp_path / "anew", **training), tmp_path / "anew", **test)

    assert anew.id == direct.id
    for one, other in zip(numbers(anew, tmp_path / "anew"), numbers(direct, tmp_path / "direct"), strict=True):
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("method", sorted(name for name, kind in METHODS.items() if not issubclass(kind, TaughtMethod)))
def test_every_method_trains_between_learned_converters_that_all_layers_share(method: str, tmp_path: Path) -> None:
    """Also those that take gradients of passes of their own before the one that the step is made of."""
    small = {"backbone": "mlp", "width": None, "hidden_units": 8, "hidden_layers": 3, "method": method}

    found = trained(tmp_path, **small, **LEARNED, scaling="uniform", scaling_penalty=1.0)

    assert len(set(numbers(found, tmp_path)[1][columns.INPUT_RANGE])) == 1


def test_ranges_and_their_use_are_stored_by_layer(tmp_path: Path) -> None:
    layers = numbers(trained(tmp_path, adc_bits=4), tmp_path)[1]

    assert (layers[columns.OUTPUT_RANGE] > 0).all()
    assert layers[columns.OUTPUT_CLIPPED].between(0, 1).all()
    assert columns.INPUT_RANGE not in layers


def test_learned_ranges_that_are_gone_are_not_guessed(tmp_path: Path) -> None:
    source = again(trained(tmp_path, **LEARNED), tmp_path, test_converters="adc_bits=6")

    with pytest.raises(ConfigError, match="evaluate the run that was trained"):
        _ = again(source, tmp_path, test_converters="dac_bits=4,adc_bits=4,converter_ranges=learned", chip_seed=1)


def test_programming_by_second_derivatives_goes_with_converters(tmp_path: Path) -> None:
    found = trained(tmp_path, **FOUR, test_programming="selective")

    assert len(numbers(found, tmp_path)[0]) == 4


def test_a_teacher_between_learned_converters_teaches_as_it_was_trained(tmp_path: Path) -> None:
    teacher = trained(tmp_path, **LEARNED)
    pupil = trained(tmp_path, method="distillation", teacher_run=teacher.id)

    assert pupil.summary.num_epochs == 1


def test_other_bits_for_a_stored_run_are_calibrated_unless_told() -> None:
    base = make_config(SMALL | LEARNED)

    assert as_of_test_chips({"adc_bits": 6}, base) == {"test_converters": "dac_bits=4,adc_bits=6"}
    assert as_of_test_chips({"sign": "offset"}, base) == {"test_mapping": "sign=offset"}
