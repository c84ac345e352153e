"""The worst case: inside its bound, never above what chance finds, and the true minimum where that is known."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.datasets.base import ImageData, Split
from neft.devices import Rram1
from neft.errors import ConfigError, StoppedError
from neft.evaluation.adversary import Deviation, Found, Search, Victim, lagrangian, projected
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.search_settings import SearchSettings
from neft.evaluation.worst_case import WorstCase, search_worst_case, worst_case_table
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.backbones import BaseBackbone, Vgg8
from neft.networks.device_layers import device_weights
from neft.networks.network import Network, build_network, initialise
from neft.seeding import generator
from neft.training.loop import input_shape
from tests.input_shapes import data_for

LAW = ChipLaw(Rram1(), BitSlicing())
QUICK = SearchSettings(num_steps=6, num_restarts=3, num_multipliers=4, num_multiplier_steps=4, num_draws=3)
TH_GS = (0.0, 0.002, 0.01, 0.05)
ROUNDING = 1 + 1e-6


def made(backbone: BaseBackbone, data: ImageData) -> Network:
    """A network with BatchNorm statistics of its own, where it has any."""
    network = build_network(backbone, input_shape(data))
    initialise(network, generator(3, "initial_weights"))
    for number, module in enumerate(network.modules()):
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            rng = generator(4, "batchnorm", number)
            for tensor in (module.running_mean, module.running_var, module.weight.data, module.bias.data):
                assert tensor is not None
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=rng))
    return network.eval()


def labelled_by(network: nn.Module, data: ImageData) -> ImageData:
    """The data with what the clean network says as labels: all are right without deviations."""
    with torch.inference_mode():
        deployed = DeployedNetwork(network, LAW)
        deployed.program(sigma_d=0.0)
        said = deployed.logits(data.normalise(data.test.images)).argmax(dim=1)
    return replace(data, test=Split(images=data.test.images, labels=said.clone()))


@pytest.fixture(scope="module")
def inputs(backbone: BaseBackbone, few_digits: ImageData) -> ImageData:
    return data_for(backbone, few_digits)


@pytest.fixture(scope="module")
def network(backbone: BaseBackbone, inputs: ImageData) -> Network:
    return made(backbone, inputs)


@pytest.fixture(scope="module")
def learned(network: Network, inputs: ImageData) -> ImageData:
    return labelled_by(network, inputs)


@pytest.fixture(scope="module")
def found(network: Network, learned: ImageData) -> list[WorstCase]:
    return list(search_worst_case(network, learned, LAW, th_gs=TH_GS, settings=QUICK))


# ---------------------------------------------------------------- what is found
def test_no_weight_deviates_by_more_than_the_bound(found: list[WorstCase]) -> None:
    for one in found:
        assert max(float(delta.abs().max()) for delta in one.deviation.values()) <= one.th_g * ROUNDING


def test_the_accuracy_is_what_the_plain_network_does_under_the_deviation(
    network: Network, learned: ImageData, found: list[WorstCase]
) -> None:
    weights = device_weights(network)
    targets = LAW.deploy({name: weight.detach() for name, weight in weights.items()}).targets
    images = learned.normalise(learned.test.images)
    for one in found:
        chip = {name: targets[name] + one.deviation[name] * weights[name].abs().max() for name in weights}
        with torch.inference_mode():
            said = functional_call(network, {name: weight.detach() for name, weight in chip.items()}, (images,))
        assert (said.argmax(dim=1) == learned.test.labels).float().mean().item() == pytest.approx(one.accuracy)


def test_without_a_bound_to_use_it_is_the_clean_accuracy(
    network: Network, inputs: ImageData, found: list[WorstCase]
) -> None:
    clean = evaluate(network, inputs, LAW, sigma_ds=[0.0], num_instances=1, seed=0)[columns.ACCURACY].item()

    [one] = search_worst_case(network, inputs, LAW, th_gs=[0.0], settings=QUICK)

    assert one.accuracy == clean < 1
    assert one.found_by == found[0].found_by == "none"
    assert found[0].accuracy == 1
    numbers = {value for name, value in one.row.items() if name not in (columns.TH_G, columns.FOUND_BY)}
    assert numbers == {clean}


def test_a_larger_bound_never_ends_higher(found: list[WorstCase]) -> None:
    table = worst_case_table(found)
    for name in (columns.ACCURACY, columns.PROJECTED_ACCURACY, columns.LAGRANGIAN_ACCURACY):
        assert (np.diff(table[name].dropna()) <= 0).all()
    assert table[columns.ACCURACY].iloc[-1] < 0.5 < table[columns.ACCURACY].iloc[0]


def test_the_better_of_both_searches_is_reported(found: list[WorstCase]) -> None:
    for one in found:
        each = {
            "projected": one.row[columns.PROJECTED_ACCURACY],
            "lagrangian": one.row[columns.LAGRANGIAN_ACCURACY],
        }
        assert one.accuracy == np.nanmin(list(each.values()))
        if one.found_by != "none":
            assert each[one.found_by] == one.accuracy


def test_where_nothing_is_left_to_find_nothing_more_is_searched(network: Network, learned: ImageData) -> None:
    """With many steps no image stays right: the Lagrangian form is not tried there, nor anything at larger bounds."""
    thorough = QUICK.model_copy(update={"num_steps": 150})

    first, second = search_worst_case(network, learned, LAW, th_gs=[0.2, 0.3], settings=thorough)

    assert first.accuracy == second.accuracy == 0
    assert second.deviation is first.deviation
    assert np.isnan([first.row[columns.LAGRANGIAN_ACCURACY], second.row[columns.LAGRANGIAN_ACCURACY]]).all()


def test_no_random_deviation_beside_is_worse(found: list[WorstCase]) -> None:
    table = worst_case_table(found)
    for law in ((columns.UNIFORM_MIN, columns.UNIFORM_MEAN), (columns.GAUSSIAN_MIN, columns.GAUSSIAN_MEAN)):
        lowest, mean = (table[name] for name in law)
        assert (table[columns.ACCURACY] <= lowest).all()
        assert (lowest <= mean + 1e-12).all()


def test_th_g_comes_in_ascending_order_and_each_once(network: Network, learned: ImageData) -> None:
    found = search_worst_case(network, learned, LAW, th_gs=[0.01, 0.0, 0.01], settings=QUICK)
    assert [one.th_g for one in found] == [0.0, 0.01]


def test_the_same_seed_finds_the_same(network: Network, learned: ImageData, found: list[WorstCase]) -> None:
    again = list(search_worst_case(network, learned, LAW, th_gs=TH_GS, settings=QUICK))

    pd.testing.assert_frame_equal(worst_case_table(found), worst_case_table(again))
    for one, other in zip(found, again, strict=True):
        assert all(torch.equal(delta, other.deviation[name]) for name, delta in one.deviation.items())


def test_the_network_is_left_alone(few_digits: ImageData) -> None:
    network = made(Vgg8(width=1 / 32), few_digits).train()
    before = copy.deepcopy(network.state_dict())

    _ = list(search_worst_case(network, few_digits, LAW, th_gs=[0.02], settings=QUICK))

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert network.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_what_is_refused_says_what_is_allowed(network: Network, learned: ImageData) -> None:
    for wrong in ([], [-0.1], [0.1, 1.5]):
        with pytest.raises(ConfigError, match=r"numbers in \[0, 1\], at least one"):
            _ = next(search_worst_case(network, learned, LAW, th_gs=wrong, settings=QUICK))


# ---------------------------------------------------------------- watched and stopped
def test_progress_rises_to_its_total_and_stopping_stops(network: Network, learned: ImageData) -> None:
    seen: list[tuple[int, int]] = []

    for _ in search_worst_case(
        network, learned, LAW, th_gs=TH_GS, settings=QUICK, on_progress=lambda done, total: seen.append((done, total))
    ):
        pass

    done = [at for at, _ in seen]
    assert done == sorted(done)
    assert 0 == done[0] < done[-1] <= seen[0][1]
    assert len({total for _, total in seen}) == 1


def test_it_stops_before_the_next_pass_when_asked(network: Network, learned: ImageData) -> None:
    seen: list[int] = []
    with pytest.raises(StoppedError, match="Stopped after 1 of 4 values of th_g"):
        _ = list(
            search_worst_case(
                network,
                learned,
                LAW,
                th_gs=TH_GS,
                settings=QUICK,
                on_progress=lambda done, _total: seen.append(done),
                should_stop=lambda: len(seen) == 12,
            )
        )
    assert len(seen) == 12


# ---------------------------------------------------------------- the surrogate
@pytest.fixture(scope="module")
def exact(few_digits: ImageData) -> Victim:
    """A convolutional network with BatchNorm in double precision, its labels by no rule."""
    network = made(Vgg8(width=1 / 32), few_digits).double()
    images = few_digits.normalise(few_digits.test.images).double()
    return Victim(network, images, few_digits.test.labels, LAW)


def test_the_gradient_is_that_of_finite_differences(exact: Victim) -> None:
    rng = generator(0, "here")
    here = {name: 0.02 * delta for name, delta in exact.uniform(rng).items()}
    _, gradient = exact.gradient(here)
    for _ in range(3):
        way = exact.normals(rng)
        step = 1e-7
        ahead, behind = (
            exact.measure({name: delta + sign * step * way[name] for name, delta in here.items()}).surrogate
            for sign in (1, -1)
        )
        slope = sum(float((gradient[name] * way[name]).sum()) for name in way)
        assert (ahead - behind) / (2 * step) == pytest.approx(slope, rel=1e-4)


def test_leaving_out_the_wrong_images_leaves_the_gradient(exact: Victim) -> None:
    here = exact.nothing()
    exact._last_accuracy = 1.0
    all_of_them, gradient = exact.gradient(here)
    assert all_of_them.accuracy < 0.5  # so that the next one leaves them out

    some, same = exact.gradient(here)

    assert (some.accuracy, some.surrogate) == (all_of_them.accuracy, pytest.approx(all_of_them.surrogate))
    for name, slope in gradient.items():
        torch.testing.assert_close(same[name], slope)


def test_folding_leaves_accuracies(network: Network, learned: ImageData, found: list[WorstCase]) -> None:
    victim = Victim(network, learned.normalise(learned.test.images), learned.test.labels, LAW)
    for one in found:
        of_an_image = 1 / len(learned.test)
        assert victim.measure(one.deviation).accuracy == pytest.approx(one.accuracy, abs=1.01 * of_an_image)


# ---------------------------------------------------------------- where the minimum is known
@pytest.fixture(scope="module")
def linear(few_digits: ImageData) -> tuple[nn.Module, ImageData, Tensor]:
    """A linear network of two classes on images of one class, and the th_g at which each image falls.

    Pixels are not negative, so the worst deviation of every image at once takes th_g w_max from each weight of the
    right class and adds it to each of the other: an image's margin (W_0 - W_1) x falls by 2 th_g w_max sum(x).
    """
    rng = generator(5, "linear")
    layer = nn.Linear(64, 2, bias=False)
    layer.weight.data = torch.stack([0.1 + torch.rand(64, generator=rng), torch.rand(64, generator=rng) - 0.1])
    data = replace(few_digits, mean=(0.0,), std=(1.0,))
    images = data.normalise(data.test.images).flatten(1)
    target = LAW.deploy({"": layer.weight.detach()}).targets[""]
    falls_at = images @ (target[0] - target[1]) / (2 * target.abs().max() * images.sum(dim=1))
    assert (falls_at > 0).all()
    all_right = Split(images=data.test.images, labels=torch.zeros_like(data.test.labels))
    return nn.Sequential(nn.Flatten(), layer), replace(data, test=all_right), falls_at


def ended(search: Search) -> Found:
    """What a search finds."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("way", ["projected", "lagrangian"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_either_search_finds_a_linear_network_s_minimum(
    linear: tuple[nn.Module, ImageData, Tensor], way: str, share: float
) -> None:
    network, data, falls_at = linear
    ordered, _ = falls_at.sort()
    place = int(share * len(ordered))
    th_g = float(ordered[place - 1] + ordered[place]) / 2
    victim = Victim(network, data.normalise(data.test.images), data.test.labels, LAW)

    if way == "projected":
        found = ended(projected(victim, victim.nothing(), th_g=th_g, num_steps=10, stride=1.01))
    else:
        found = ended(lagrangian(victim, victim.nothing(), th_g=th_g, num_steps=20, num_multipliers=10, stride=2.0))

    assert victim.accuracy(found.deviation) == pytest.approx(1 - place / len(ordered), abs=1e-6)


def test_the_search_finds_a_linear_network_s_minimum(linear: tuple[nn.Module, ImageData, Tensor]) -> None:
    network, data, falls_at = linear
    bounds = falls_at.quantile(torch.tensor([0.1, 0.35, 0.6, 0.99])).tolist()

    found = list(search_worst_case(network, data, LAW, th_gs=bounds, settings=QUICK))

    assert [one.accuracy for one in found] == pytest.approx(
        [float((falls_at > th_g).float().mean()) for th_g in bounds]
    )


def test_the_lagrangian_s_c_brings_the_largest_deviation_to_the_bound(
    linear: tuple[nn.Module, ImageData, Tensor],
) -> None:
    """What it keeps lies in the box, and close to its wall: a smaller c would have left accuracy on the table."""
    network, data, falls_at = linear
    th_g = float(falls_at.median())
    victim = Victim(network, data.normalise(data.test.images), data.test.labels, LAW)

    found = ended(lagrangian(victim, victim.nothing(), th_g=th_g, num_steps=20, num_multipliers=10, stride=2.0))

    reach = max(float(delta.abs().max()) for delta in found.deviation.values())
    assert 0.7 * th_g < reach <= th_g * ROUNDING


def same(one: Deviation, other: Deviation) -> bool:
    return all(torch.equal(delta, other[name]) for name, delta in one.items())


def test_random_deviations_at_two_bounds_are_the_same_scaled(network: Network, learned: ImageData) -> None:
    victim = Victim(network, learned.normalise(learned.test.images), learned.test.labels, LAW)
    first, again = (victim.uniform(generator(7, "draw")) for _ in range(2))
    assert same(first, again)
    assert max(float(delta.abs().max()) for delta in first.values()) <= 1
