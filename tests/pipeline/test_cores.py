"""Over how many cores work is spread changes no number, to the last bit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from typing_extensions import override

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.config import RunConfig
from neft.datasets.base import ImageData, Split
from neft.devices import Rram1
from neft.effects import Effects
from neft.errors import StoppedError
from neft.evaluation import adversary
from neft.evaluation.bench import Row
from neft.evaluation.monte_carlo import CALIBRATION_INSTANCES, evaluate, try_network
from neft.evaluation.preview import Previewer
from neft.evaluation.search_settings import SearchSettings
from neft.evaluation.waterfall import Waterfall
from neft.evaluation.worst_case import search_worst_case, worst_case_table
from neft.inspection.opened_chips import OpenedChips
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.methods import NoiseInjection
from neft.networks.backbones import Vgg8
from neft.networks.network import Network, build_network, initialise
from neft.programming import Residual
from neft.seeding import generator
from neft.training.loop import input_shape, train

CORES = 3
SIGMA_DS = (0.0, 0.1, 0.3)
LAWS = {
    "gaussian": ChipLaw(Rram1(), BitSlicing()),
    "device_by_device": ChipLaw(Rram1(), Mapping(), programming=Residual()),
    "read_anew": ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise_each=0.02)),
    "turned": ChipLaw(Rram1(), Mapping(rotation="hadamard")),
}


@pytest.fixture(scope="module")
def network(few_digits: ImageData) -> Network:
    """With BatchNorm and convolutions."""
    found = build_network(Vgg8(width=1 / 32), input_shape(few_digits))
    initialise(found, generator(1, "initial_weights"))
    return found.eval()


@pytest.fixture(params=sorted(LAWS))
def law(request: pytest.FixtureRequest) -> ChipLaw:
    return LAWS[request.param]


def same(make: Callable[[int], pd.DataFrame]) -> bool:
    alone, spread = make(1), make(CORES)
    pd.testing.assert_frame_equal(alone, spread, check_exact=True)
    return len(alone) > 0


def test_evaluation(network: Network, few_digits: ImageData, law: ChipLaw) -> None:
    assert same(
        lambda cores: evaluate(network, few_digits, law, sigma_ds=SIGMA_DS, num_instances=7, seed=3, cores=cores)
    )


def test_evaluation_to_a_precision_tries_the_same_chips(network: Network, few_digits: ImageData) -> None:
    asked: dict[str, Any] = {
        "sigma_ds": SIGMA_DS,
        "num_instances": 60,
        "precision": 0.02,
        "min_instances": 5,
        "seed": 0,
    }
    made: list[pd.DataFrame] = []

    def tried(cores: int) -> pd.DataFrame:
        made.append(evaluate(network, few_digits, LAWS["gaussian"], cores=cores, **asked))
        return made[-1]

    assert same(tried)
    counts = made[0][columns.SIGMA_D].value_counts()
    assert counts.min() < counts.max()  # it ends earlier at one sigma_d than at another
    assert counts.min() < 60


def test_evaluation_that_was_stopped_goes_on_to_the_same_end(network: Network, few_digits: ImageData) -> None:
    asked: dict[str, Any] = {"sigma_ds": SIGMA_DS, "num_instances": 9, "seed": 0}
    kept: list[Row] = []
    done = 0

    def count(number: int, _accuracy: float) -> None:
        nonlocal done
        done = number

    with pytest.raises(StoppedError):
        evaluate(
            network,
            few_digits,
            LAWS["gaussian"],
            cores=CORES,
            on_instance=count,
            should_stop=lambda: done >= 4,
            keep=kept.extend,
            **asked,
        )
    chips = [row[columns.INSTANCE] for row in kept]
    assert chips == sorted(chips)
    assert 4 <= len(set(chips)) < 9

    rest = evaluate(network, few_digits, LAWS["gaussian"], cores=CORES, earlier=kept, **asked)
    whole = evaluate(network, few_digits, LAWS["gaussian"], **asked)
    pd.testing.assert_frame_equal(rest, whole, check_exact=True)


def test_chips_are_told_of_one_after_another(network: Network, few_digits: ImageData) -> None:
    told: list[int] = []

    evaluate(
        network,
        few_digits,
        LAWS["gaussian"],
        sigma_ds=(0.1,),
        num_instances=8,
        seed=0,
        cores=CORES,
        on_instance=lambda done, _accuracy: told.append(done),
    )

    assert told == list(range(1, 9))


def test_chips_side_by_side(network: Network, few_digits: ImageData) -> None:
    asked: dict[str, Any] = {"sigma_ds": SIGMA_DS, "num_instances": 7, "seed": 0, "chips_at_once": 2}
    assert same(lambda cores: evaluate(network, few_digits, LAWS["gaussian"], cores=cores, **asked))


def test_network_of_ones_own(network: Network, few_digits: ImageData) -> None:
    batches = [(few_digits.normalise(few_digits.test.images), few_digits.test.labels)]
    assert same(lambda c: try_network(network, batches, sigma_ds=SIGMA_DS, num_instances=6, cores=c).instances)


def test_network_that_is_computed_as_it_was_given(few_digits: ImageData) -> None:
    """It draws numbers of its own, by which threads would meet."""

    class Drawing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(64, 10)

        @override
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layer(images.flatten(1) + 0.1 * torch.randn(len(images), 64))

    batches = [(few_digits.normalise(few_digits.test.images), few_digits.test.labels)]
    own = Drawing().eval()
    assert same(lambda c: try_network(own, batches, sigma_ds=SIGMA_DS, num_instances=4, cores=c).instances)


def test_training(small_config: RunConfig, few_digits: ImageData) -> None:
    settings = small_config.training.model_copy(update={"validation_instances": 5, "sigma_d": 0.2})
    config = small_config.model_copy(update={"method": NoiseInjection(), "training": settings})
    alone, spread = (train(config, few_digits, cores=cores) for cores in (1, CORES))

    for name, tensor in alone.network.state_dict().items():
        assert torch.equal(tensor, spread.network.state_dict()[name])
    told = [[{**row, columns.SECONDS: 0} for row in one.history] for one in (alone, spread)]
    assert told[0] == told[1]


def test_waterfall(network: Network, few_digits: ImageData) -> None:
    law = ChipLaw(Rram1(), Mapping(), effects=Effects(drift_seconds=100.0, read_noise=0.02))
    down = Waterfall(network, few_digits, law, has_real_weights=True)

    alone, spread = (list(down.chips(sigma_d=0.2, num_instances=5, seed=0, cores=cores)) for cores in (1, CORES))

    assert len(alone) == 5
    assert alone == spread


def test_opened_chips(network: Network, few_digits: ImageData, law: ChipLaw) -> None:
    alone, spread = (
        list(OpenedChips(network, few_digits, law, seed=2, cores=cores).each(range(5), sigma_ds=SIGMA_DS))
        for cores in (1, CORES)
    )

    assert [chip for chip, _ in spread] == list(range(5))
    assert all(torch.equal(one, other) for (_, one), (_, other) in zip(alone, spread, strict=True))


def test_preview_on_chips_that_images_share(network: Network, few_digits: ImageData) -> None:
    def last(cores: int) -> pd.DataFrame:
        previewer = Previewer(network, few_digits, LAWS["device_by_device"], cores=cores)
        *_, found = previewer.curve(SIGMA_DS, seed=0, max_passes=3, disjoint=True)
        return found.curve

    assert same(last)


def test_worst_case_over_several_batches(
    network: Network, few_digits: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversary, "BATCH", 20)  # of 70 images
    with torch.inference_mode():
        deployed = DeployedNetwork(network, LAWS["gaussian"])
        deployed.program(sigma_d=0.0)
        said = deployed.logits(few_digits.normalise(few_digits.test.images)).argmax(dim=1)
    data = replace(few_digits, test=Split(images=few_digits.test.images, labels=said.clone()))
    quick = SearchSettings(num_steps=4, num_restarts=1, num_multipliers=2, num_multiplier_steps=3, num_draws=2)

    def searched(cores: int) -> pd.DataFrame:
        found = search_worst_case(network, data, LAWS["gaussian"], th_gs=(0.01, 0.03), settings=quick, cores=cores)
        return worst_case_table(list(found))

    assert same(searched)


def test_twin_has_a_network_of_its_own(network: Network, few_digits: ImageData, law: ChipLaw) -> None:
    images = few_digits.normalise(few_digits.test.images)
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law)
        twin = deployed.twin()
        for number, one in enumerate((deployed, twin)):
            one.draw(0, number)
            one.program(sigma_d=0.2)
        first, second = deployed.logits(images), twin.logits(images)
        deployed.draw(0, 1)
        deployed.program(sigma_d=0.2)

        assert torch.equal(deployed.logits(images), second)
        assert not torch.equal(first, second)


def test_there_are_no_more_networks_than_chips(
    network: Network, few_digits: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    twin = DeployedNetwork.twin

    def counted(self: DeployedNetwork) -> DeployedNetwork:
        made.append(1)
        return twin(self)

    monkeypatch.setattr(DeployedNetwork, "twin", counted)
    _ = evaluate(network, few_digits, LAWS["gaussian"], sigma_ds=(0.1,), num_instances=1, seed=0, cores=64)
    _ = Previewer(network, few_digits, LAWS["gaussian"], cores=64)

    assert len(made) < CALIBRATION_INSTANCES
