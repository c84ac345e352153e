"""One chip's report, by hand: ranks, flips, confusion, block RMS; and its errors against the chip itself."""

import numpy as np
import pandas as pd
import pytest
import torch

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.chips.sampling import program
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.inspection import chip_errors, chip_report
from neft.inspection.image_outcomes import image_predictions
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.device_layers import device_weights
from neft.seeding import generator

LAW = ChipLaw(device=Rram1(), mapping=BitSlicing())


def logits_for(classes: list[int], num_classes: int = 3) -> torch.Tensor:
    """Outputs that say these classes; e to the 2 against 1s."""
    return 2.0 * torch.nn.functional.one_hot(torch.tensor(classes), num_classes).float()


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """Two layers, the second of them zeros."""
    first, second = torch.nn.Linear(5, 3), torch.nn.Linear(3, 2)
    with torch.no_grad():
        first.weight.copy_(torch.randn(3, 5, generator=generator(0, "test_chip_report")))
        second.weight.zero_()
    return torch.nn.Sequential(first, torch.nn.ReLU(), second)


@pytest.fixture(scope="module")
def said() -> pd.DataFrame:
    """Six images: two flipped 0 -> 1, one flipped 2 -> 0, one mended, one right and one wrong in both."""
    labels = torch.tensor([0, 0, 2, 1, 1, 2])
    clean = logits_for([0, 0, 2, 0, 1, 1])
    chip = logits_for([1, 1, 0, 1, 1, 0])
    return image_predictions(clean, chip, labels)


def test_chips_are_ranked_from_the_worst_and_ties_by_their_number() -> None:
    rows = pd.DataFrame({columns.INSTANCE: [0, 1, 2, 3], columns.ACCURACY: [0.9, 0.5, 0.9, 0.7]})

    ranked = chip_report.ranked(rows.iloc[::-1])

    assert ranked[columns.INSTANCE].tolist() == [1, 3, 0, 2]
    assert ranked[columns.RANK].tolist() == [1, 2, 3, 4]
    assert ranked[columns.SHARE].tolist() == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("percentile", "num_chips", "rank"),
    [(0, 200, 1), (1, 200, 2), (1, 50, 1), (5, 200, 10), (50, 200, 100), (50, 5, 3), (100, 7, 7), (1, 1, 1)],
)
def test_a_percentile_chip_is_the_nearest_rank(percentile: float, num_chips: int, rank: int) -> None:
    assert chip_report.percentile_rank(percentile, num_chips) == rank


@pytest.mark.parametrize(("percentile", "num_chips"), [(-1, 5), (101, 5), (50, 0)])
def test_a_percentile_that_cannot_be_is_refused(percentile: float, num_chips: int) -> None:
    with pytest.raises(ConfigError, match=r"must lie in \[0, 100\]"):
        chip_report.percentile_rank(percentile, num_chips)


def test_images_are_flipped_mended_or_kept(said: pd.DataFrame) -> None:
    assert said[columns.CHANGE].tolist() == ["flipped"] * 3 + ["mended", "kept", "kept"]
    assert chip_report.chip_accuracy(said) == pytest.approx(2 / 6)
    assert said[columns.CLEAN_CONFIDENCE].to_numpy() == pytest.approx(np.e**2 / (np.e**2 + 2))
    assert chip_report.commonest_flip(said) == (0, 1, 2)


def test_flipped_images_come_in_the_order_of_the_chips_sureness() -> None:
    labels = torch.tensor([0, 0])
    chip = torch.tensor([[0.0, 1.0], [0.0, 3.0]])

    flipped = chip_report.changed(image_predictions(-chip, chip, labels), "flipped")

    assert flipped[columns.IMAGE].tolist() == [1, 0]


def test_a_chip_that_flips_nothing_has_no_commonest_flip() -> None:
    same = logits_for([0, 1])
    assert chip_report.commonest_flip(image_predictions(same, same, torch.tensor([0, 1]))) is None


def test_added_confusion_is_the_chips_matrix_minus_the_clean_networks(said: pd.DataFrame) -> None:
    table = chip_report.confusion(said, num_classes=3)

    matrix = table.pivot_table(index=columns.TRUE_CLASS, columns=columns.PREDICTED_CLASS, values=columns.DIFFERENCE)
    # true 0: both leave 0 for 1; true 1: one comes from 0 to 1; true 2: one of 2 and one of 1 go to 0
    np.testing.assert_array_equal(matrix.to_numpy(), [[-2, 2, 0], [-1, 1, 0], [2, -1, -1]])
    assert table[columns.CLEAN_COUNT].sum() == table[columns.CHIP_COUNT].sum() == 6


def test_block_rms_by_hand() -> None:
    matrix = torch.tensor([[3.0, 4.0, 1.0], [0.0, 0.0, 7.0], [6.0, 8.0, -2.0]])

    blocks = chip_errors.block_rms(matrix, rows=2, inputs=2)

    expected = [[(25 / 4) ** 0.5, (50 / 2) ** 0.5], [(100 / 2) ** 0.5, 2.0]]
    torch.testing.assert_close(blocks, torch.tensor(expected))


def test_an_error_map_is_the_chips_weights_minus_their_targets(network: torch.nn.Module) -> None:
    weights = {name: weight.detach() for name, weight in device_weights(network).items()}
    chips = [
        program(weights, device=LAW.device, mapping=LAW.mapping, sigma_d=sigma_d, rng=generator(4, "chip", 9))
        for sigma_d in (0.0, 0.2)
    ]
    deviation = chips[1]["0.weight"] - chips[0]["0.weight"]

    found = chip_errors.error_map(network, LAW, layer="0", seed=4, instance=9, sigma_d=0.2)

    assert found.is_signed
    maximum = weights["0.weight"].abs().amax()
    np.testing.assert_allclose(found.cells.to_numpy(), (deviation / maximum).numpy(), rtol=1e-4, atol=1e-6)


def test_a_large_layer_is_summed_up_in_blocks_of_equal_power(network: torch.nn.Module) -> None:
    whole = chip_errors.error_map(network, LAW, layer="0", seed=0, instance=1, sigma_d=0.1, unit="rms")
    small = chip_errors.error_map(
        network, LAW, layer="0", seed=0, instance=1, sigma_d=0.1, unit="rms", max_cells=(1, 2)
    )

    assert small.block == (3, 3)
    assert list(small.cells.columns) == [0, 3]
    first = whole.cells.iloc[:, :3].to_numpy()
    assert small.cells.iloc[0, 0] == pytest.approx(float((first**2).mean() ** 0.5), rel=1e-5)


def test_layer_errors_are_those_of_the_chip_and_a_layer_of_zeros_misses_by_nothing(network: torch.nn.Module) -> None:
    first, zeros = chip_errors.layer_errors(network, LAW, seed=0, instance=1).to_dict("records")
    cells = chip_errors.error_map(network, LAW, layer="0", seed=0, instance=1, sigma_d=1.0).cells.to_numpy()

    assert first[columns.CLOSED_FORM_STD] == pytest.approx(LAW.mapping.closed_form_factor)
    assert first[columns.REALISED_STD] == pytest.approx(float((cells**2).mean() ** 0.5), rel=1e-5)
    assert zeros[columns.REALISED_STD] == zeros[columns.CLOSED_FORM_STD] == 0
    assert not chip_errors.error_map(network, LAW, layer="2", seed=0, instance=1, sigma_d=1.0).cells.to_numpy().any()


def test_an_unknown_layer_is_named(network: torch.nn.Module) -> None:
    with pytest.raises(ConfigError, match="Unknown layer '7'"):
        chip_errors.error_map(network, LAW, layer="7", seed=0, instance=0, sigma_d=0.1)
