"""Ids that stored runs carry. A change here orphans every stored run: never re-pin without a migration."""

import hashlib

import pytest

from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.constraints import Clip, NoConstraint
from neft.datasets.image_folder import ImageFolder
from neft.devices import Fefet6, Measured
from neft.experiments.first_look import first_look
from neft.methods import Irs, Ovf
from neft.networks.backbones import Mlp


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def test_default_config() -> None:
    # what is not a field's own default (the backbone's width is 1), sorted and without blanks
    departures = (
        '{"backbone":{"name":"vgg8","width":0.25},"dataset":{"name":"digits"},"device":{"name":"rram1"},'
        '"evaluation":{},"mapping":{},"method":{"name":"noise_injection"},"training":{}}'
    )

    assert RunConfig().key == digest(departures) == "dec10e9b"
    assert RunConfig().run_id == "digits-vgg8w4-noise_injection-s0.10-seed0-dec10e9b"


def test_config_with_settings_of_every_kind() -> None:
    config = RunConfig(
        backbone=Mlp(hidden_layers=2),
        device=Fefet6(),
        method=Ovf(num_feedback=2, decay="reversed", temperature=1.5),
        training=TrainingConfig(sigma_d=0.2, seed=3, quantise=True),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), device=Fefet6()),
    )
    departures = (
        '{"backbone":{"hidden_layers":2,"name":"mlp"},"dataset":{"name":"digits"},"device":{"name":"fefet6"},'
        '"evaluation":{"device":{"name":"fefet6"},"sigma_ds":[0.0,0.1]},"mapping":{},'
        '"method":{"decay":"reversed","name":"ovf","num_feedback":2,"temperature":1.5},'
        '"training":{"quantise":true,"seed":3,"sigma_d":0.2}}'
    )

    assert config.run_id == f"digits-mlp2x128-ovf-s0.20-seed3-{digest(departures)}"


def test_a_part_that_came_later_is_in_the_key_only_where_it_is_not_the_default() -> None:
    departures = (
        '{"backbone":{"name":"vgg8","width":0.25},"constraint":{"name":"clip"},"dataset":{"name":"digits"},'
        '"device":{"name":"rram1"},"evaluation":{},"mapping":{},"method":{"name":"noise_injection"},"training":{}}'
    )

    assert RunConfig(constraint=NoConstraint()).key == "dec10e9b"
    assert RunConfig(constraint=Clip()).key == digest(departures)


def test_device_of_ones_own_is_in_the_key_without_a_file_as_before() -> None:
    departures = (
        '{"backbone":{"name":"vgg8","width":0.25},"dataset":{"name":"digits"},'
        '"device":{"name":"measured","stds":[0.2,1.0,2.0,1.0],"title":"mine"},"evaluation":{},"mapping":{},'
        '"method":{"name":"noise_injection"},"training":{}}'
    )

    assert RunConfig(device=Measured(stds=(0.2, 1, 2, 1), title="mine")).key == digest(departures)


def test_run_without_noise_names_sigma_0() -> None:
    assert first_look()[0].config.run_id == "digits-mlp4x128-vanilla-s0.00-seed0-ea68ea91"


def test_first_look() -> None:
    ids = [planned.run_id for planned in first_look()]

    assert ids[1] == "digits-mlp4x128-vanilla-s0.00-seed1-ed182929"
    assert ids[-1] == "digits-vgg8w4-irs-s0.10-seed2-0188b15a"
    assert {
        "digits-mlp4x128-noise_injection-s0.20-seed0-858562f7",
        "digits-mlp4x128-ovf-s0.10-seed0-72356d4e",
        "digits-vgg8w4-noise_injection-s0.05-seed0-d0dbb92e",
        "digits-vgg8w4-ovf-s0.10-seed0-b234a80f",
    } <= set(ids)


def test_equal_numbers_are_one_setting() -> None:
    assert RunConfig(method=Irs(beta=-0.0)).key == RunConfig(method=Irs(beta=0.0)).key
    assert RunConfig(method=Irs(temperature=4)).key == RunConfig(method=Irs(temperature=4.0)).key


@pytest.mark.parametrize(
    ("dataset", "key"),
    [
        (ImageFolder(), "4463ef11"),
        (ImageFolder(path="data", channels=1, image_size=16), "c3e4ecd1"),
        (ImageFolder(path="/x y", max_train=50), "f046da76"),
    ],
)
def test_runs_on_own_images_from_before_their_content_was_known_keep_their_ids(dataset: ImageFolder, key: str) -> None:
    """Keys of the version that told images apart by their path alone."""
    assert RunConfig(dataset=dataset).key == key


def test_of_images_that_are_known_by_their_content_the_path_is_no_part_of_the_key() -> None:
    here, there = (ImageFolder(path=path, checksum="0123456789abcdef") for path in ("here", "there"))
    departures = (
        '{"backbone":{"name":"vgg8","width":0.25},"dataset":{"checksum":"0123456789abcdef","name":"image_folder"},'
        '"device":{"name":"rram1"},"evaluation":{},"mapping":{},"method":{"name":"noise_injection"},"training":{}}'
    )

    assert RunConfig(dataset=here).key == RunConfig(dataset=there).key == digest(departures)
