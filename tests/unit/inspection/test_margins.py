"""Margins beside their noise: a linear network whose noise is known in closed form, and tables by hand."""

from math import exp, sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from typing_extensions import override

from neft import columns as c
from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData, Split
from neft.devices import Rram1
from neft.errors import ConfigError, StoppedError
from neft.inspection.margin_tables import image_table, margin_bins, pull_table, summarise_margins
from neft.inspection.margins import image_margins
from neft.inspection.opened_chips import OpenedChips
from neft.mapping.bit_slicing import BitSlicing

W_MAX = 0.8
CHIPS = 400
SIGMA_D = 0.05
DEVIATION = 0.7776
"""Std of a weight's error over sigma_d w_max on RRAM1, 8 bits on 2-bit devices ([Qin2025], Eq. 5)."""


class Linear(nn.Module):
    """Two classes, one weight a pixel and class."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Linear(4, 2, bias=False)
        with torch.no_grad():
            self.only.weight.copy_(torch.tensor([[W_MAX, 0.4, -0.2, 0.0], [0.0, 0.4, 0.2, -0.4]]))

    @override
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.only(images.flatten(1))


def pixels() -> torch.Tensor:
    images = torch.tensor([[255, 0, 0, 0], [255, 255, 0, 0], [0, 0, 255, 255], [51, 0, 0, 0]], dtype=torch.uint8)
    return images.reshape(4, 1, 2, 2)


def data() -> ImageData:
    labels = torch.tensor([0, 0, 1, 1])
    split = Split(images=pixels(), labels=labels)
    return ImageData(
        train=split, validation=split, test=split, class_names=("left", "right"), mean=(0.0,), std=(1.0,), maximum=255
    )


def linear_chips() -> OpenedChips:
    law = ChipLaw(device=Rram1(), mapping=BitSlicing(weight_bits=8, device_bits=2), quantise=False)
    return OpenedChips(Linear(), data(), law, seed=3)


# ---------------------------------------------------------------- sampled
def test_noise_of_a_linear_networks_margin_is_that_of_the_closed_form() -> None:
    found = image_margins(linear_chips(), sigma_d=SIGMA_D, num_chips=CHIPS).images

    # m = (w_y - w_other) x: both rows of weights err independently, so std(m) = sqrt(2) std(w) |x|
    lengths = np.sqrt([1, 2, 2, 0.04])
    expected = sqrt(2) * DEVIATION * SIGMA_D * W_MAX * lengths
    # w_0 - w_1 = (0.8, 0, -0.4, 0.4); the third image's label is 1, and so is the fourth's
    clean = np.array([0.8, 0.8, 0.0, -0.16])
    assert found[c.CLEAN_MARGIN].to_numpy() == pytest.approx(clean, abs=1e-6)
    # five standard errors of a std over 400 chips are 5 / sqrt(2 * 399) = 18 %; of a mean 5 / sqrt(400) = 25 % of it
    assert found[c.NOISE].to_numpy() == pytest.approx(expected, rel=0.18)
    assert np.abs(found[c.MEAN_MARGIN].to_numpy() - clean).max() < 0.25 * expected.max()
    assert found[c.MARGIN_OVER_NOISE].to_numpy() == pytest.approx(clean / found[c.NOISE].to_numpy(), rel=1e-6)
    assert found[c.TRUE_CLASS].tolist() == [0, 0, 1, 1]
    # 20 stds from zero, 14, on the edge, 20 on the wrong side
    assert found[c.ACCURACY].to_numpy()[[0, 1, 3]].tolist() == [1.0, 1.0, 0.0]
    assert found[c.ACCURACY][2] == pytest.approx(0.5, abs=0.125)


def test_chips_are_those_of_the_seed_and_their_margins_scale_with_sigma_d() -> None:
    small, large = (image_margins(linear_chips(), sigma_d=at, num_chips=5).images for at in (0.01, 0.02))

    assert large[c.NOISE].to_numpy() == pytest.approx(2 * small[c.NOISE].to_numpy(), rel=1e-3)


def test_pull_is_one_less_the_labels_probability_at_each_temperature() -> None:
    # next to no variation: margins are 0.8, 0.8, about 0 and -0.16
    pulls = image_margins(linear_chips(), sigma_d=1e-6, num_chips=2, temperatures=(1.0, 4.0)).pulls

    for temperature, row in zip((1.0, 4.0), pulls.to_dict("records"), strict=True):
        sure = 1 / (1 + exp(0.8 / temperature))
        wrong = 1 / (1 + exp(-0.16 / temperature))
        # the third image, at 1/2 either way, falls to the right or to the wrong ones chip by chip
        shares = [(4 * sure + 0.5 * right, 2 * wrong + 0.5 * (2 - right)) for right in range(3)]
        assert row[c.TEMPERATURE] == temperature
        assert any(row[c.RIGHT_SHARE] == pytest.approx(a / (a + b), abs=1e-4) for a, b in shares)
        assert sure - 1e-4 <= row[c.RIGHT_PULL] <= 0.5
        assert 0.5 - 1e-4 <= row[c.WRONG_PULL] <= wrong + 1e-4


def test_progress_is_told_and_a_stop_is_obeyed() -> None:
    told: list[tuple[int, int]] = []

    with pytest.raises(StoppedError, match="Stopped after 2 of 5 chips"):
        image_margins(
            linear_chips(),
            sigma_d=0.1,
            num_chips=5,
            on_chip=lambda done, total: told.append((done, total)),
            should_stop=lambda: len(told) == 2,
        )

    assert told == [(1, 5), (2, 5)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sigma_d": 0.0}, r"sigma_d \(device variation\) must be above 0 .*; got 0.0"),
        ({"num_chips": 1}, r"num_chips \(chips\) must be 2 or more .*; got 1"),
        ({"temperatures": (0.0,)}, r"temperatures \(T\) must be above 0"),
        ({"temperatures": ()}, r"temperatures \(T\) must be above 0"),
    ],
)
def test_margins_without_noise_are_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        image_margins(linear_chips(), **{"sigma_d": 0.1, "num_chips": 2, **changed})  # pyright: ignore[reportArgumentType]


# ---------------------------------------------------------------- by hand
def images() -> pd.DataFrame:
    clean = np.array([4.0, -1.0, 3.0, 2.0])
    # stds of two chips: |difference| / sqrt(2) = 1, 2, 1, none
    half = sqrt(2) / 2
    each = np.array([[3 + half, -1 + 2 * half, 1 + half, 2.0], [3 - half, -1 - 2 * half, 1 - half, 2.0]])
    return image_table(clean, each, np.array([0, 1, 1, 0]))


def test_margins_are_set_beside_their_std_over_chips() -> None:
    found = images()

    assert found[c.NOISE].tolist() == pytest.approx([1, 2, 1, 0])
    assert found[c.MEAN_MARGIN].tolist() == pytest.approx([3, -1, 1, 2])
    assert found[c.MARGIN_OVER_NOISE].tolist() == pytest.approx([4, -0.5, 3, np.nan], nan_ok=True)
    assert found[c.CLEAN_RIGHT].tolist() == [True, False, True, True]
    # the second image: margins of 0.41 and -2.41
    assert found[c.ACCURACY].tolist() == [1.0, 0.5, 1.0, 1.0]


def test_summary_is_of_medians_and_shares() -> None:
    found = summarise_margins(images())

    assert (found.clean_margin, found.mean_margin, found.noise) == pytest.approx((2.5, 1.5, 1.0))
    # means over stds: 3, -0.5 and 1
    assert found.mean_margin_over_noise == pytest.approx(1.0)
    # 4, -0.5 and 3: two of three above 2; the image that no chip moves has none
    assert found.margin_over_noise == pytest.approx(3.0)
    assert found.safe_share == pytest.approx(2 / 3)
    assert found.accuracy == pytest.approx(3.5 / 4)


def test_bins_are_multiples_of_their_width_and_hold_every_image() -> None:
    frame = pd.DataFrame({c.MARGIN_OVER_NOISE: [-0.7, 0.0, 0.1, 0.5, 1.2, np.nan]})

    found = margin_bins(frame)

    assert found[c.BIN_LEFT].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert found[c.BIN_RIGHT].tolist() == [-0.5, 0.0, 0.5, 1.0, 1.5]
    # an edge counts below: 0 is wrong
    assert found[c.SHARE].tolist() == pytest.approx([0.2, 0.2, 0.4, 0.0, 0.2])


def test_pulls_are_means_over_the_answers_of_a_kind() -> None:
    found = pull_table((1.0, 4.0), np.array([[0.3, 1.8], [1.5, 1.0]]), num_right=6, num_wrong=2)

    assert found[c.RIGHT_PULL].tolist() == pytest.approx([0.05, 0.25])
    assert found[c.WRONG_PULL].tolist() == pytest.approx([0.9, 0.5])
    assert found[c.RIGHT_SHARE].tolist() == pytest.approx([1 / 7, 0.6])
    none_wrong = pull_table((1.0,), np.array([[0.3, 0.0]]), num_right=6, num_wrong=0)
    assert np.isnan(none_wrong[c.WRONG_PULL][0])
    assert none_wrong[c.RIGHT_SHARE][0] == 1.0
