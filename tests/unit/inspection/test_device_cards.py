"""Cards of device technologies: complete, and what chips draw is what they say."""

from math import sqrt

import numpy as np
import pytest

from neft import columns
from neft.devices import PUBLISHED
from neft.devices.presets import PRESETS
from neft.errors import ConfigError
from neft.inspection.device_cards import USUAL_SIGMA_D, DeviceCard, card_names, device_card

COUNT = 1000


@pytest.fixture(params=card_names())
def card(request: pytest.FixtureRequest) -> DeviceCard:
    return device_card(request.param)


def test_there_is_a_card_of_every_technology() -> None:
    assert card_names() == (*PRESETS, *PUBLISHED)


def test_it_tells_source_formula_and_range(card: DeviceCard) -> None:
    assert card.label
    assert card.technology
    assert card.source
    assert "[" not in card.source
    assert card.equation
    assert card.text
    assert card.g_min < card.g_max
    assert card.train.startswith("neft train ")
    assert len(card.levels) == 2**card.device_bits


def test_sampled_devices_miss_as_the_formula_says(card: DeviceCard) -> None:
    found = card.sampled(num_devices=COUNT)

    asked, sampled = found[columns.STD].to_numpy(), found[columns.SAMPLED_STD].to_numpy()
    # five standard errors of a Gaussian's std, and the four digits that devices keep
    assert np.all(np.abs(sampled - asked) <= asked * (5 / sqrt(2 * COUNT) + 1e-3))
    assert np.all((found[columns.LOWER] <= sampled) & (sampled <= found[columns.UPPER]))


def test_the_range_share_is_over_the_range_not_the_maximal_conductance() -> None:
    # 4.326971 of 225 - 50 µS
    levels = device_card("rram_milo").levels

    assert levels[columns.RANGE_SHARE].iloc[0] == pytest.approx(4.326971 / 175)
    assert levels[columns.CONDUCTANCE].tolist() == pytest.approx([50, 108.33333, 166.66667, 225])


@pytest.mark.parametrize(
    ("name", "stds"),
    [
        # (1, s, s, 1) / sqrt(0.4 s^2 + 0.6)
        ("rram1", (1, 1, 1, 1)),
        ("fefet2", (0.674200, 1.348400, 1.348400, 0.674200)),
        ("rram4", (0.377964, 1.511858, 1.511858, 0.377964)),
        ("fefet6", (0.258199, 1.549193, 1.549193, 0.258199)),
    ],
)
def test_published_devices_at_a_usual_sigma_d(name: str, stds: tuple[float, ...]) -> None:
    card = device_card(name)

    assert card.is_open
    assert card.text.endswith(f"s = {stds[1] / stds[0]:.3g}")
    assert (card.levels[columns.STD] / USUAL_SIGMA_D).tolist() == pytest.approx(stds, rel=1e-5)


def test_the_command_trains_with_the_range_s_on_off_ratio() -> None:
    assert "--on-off-ratio 4.5" in device_card("rram_milo").train
    assert "--on-off-ratio" not in device_card("pcm_joshi").train


def test_what_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Unknown device technology 'pcm_josh'\. Did you mean 'pcm_joshi'"):
        device_card("pcm_josh")
    with pytest.raises(ConfigError, match=r"device_bits \(K\) must lie in \[1, 4\] bits; got 5"):
        device_card("pcm_joshi", 5)
    with pytest.raises(ConfigError, match="defined for 4 levels"):
        device_card("fefet2", 3)
