"""What every device must obey, under both samplers."""

from math import sqrt

import pytest
import torch
from torch import Tensor

from neft.chips.sampling import Sampler, deploy, program, quantised, rms, sample_slices
from neft.component import build
from neft.config import RunConfig
from neft.devices import PUBLISHED, BaseDevice, Measured, Rram1, device_from_text
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing
from neft.reference.citations import references
from neft.seeding import generator

MAPPING = BitSlicing()
SIGMA_D = 0.1
CODES = [0, 1, 21, 63, 64, 85, 128, 170, 191, 192, 234, 255]
"""All-outer and all-middle digits, and either side of every change of the most significant one."""
REPEATS = 4000


def closed_form_stds(device: BaseDevice, weight: Tensor, sampler: Sampler) -> Tensor:
    """std(W_p - W_d) / (sigma_d w_max) of each weight, spelt out from methods: Eq. 5 slice by slice, or one factor."""
    magnitudes = (weight.abs() / weight.abs().amax()).tolist()
    levels = device.level_stds(2).tolist()
    if sampler == "one_factor":
        factor = sqrt(4369) / 85
        return torch.tensor([factor * levels[min(int(4 * magnitude), 3)] for magnitude in magnitudes])
    stds: list[float] = []
    for magnitude in magnitudes:
        code = round(magnitude * 255)
        digits = [(code >> shift) & 3 for shift in (0, 2, 4, 6)]
        slices = [levels[digit] * 3 * 4**place for place, digit in enumerate(digits)]
        stds.append(sqrt(sum(std**2 for std in slices)) / 255)
    return torch.tensor(stds)


@pytest.mark.parametrize("sampler", ["exact", "one_factor"])
def test_chips_miss_as_far_as_the_closed_form_says(device: BaseDevice, sampler: Sampler) -> None:
    weight = torch.randn(20_000, generator=generator(3))
    weight = weight / weight.abs().amax()
    chip = program({"a": weight}, device=device, mapping=MAPPING, sigma_d=SIGMA_D, rng=generator(4), sampler=sampler)

    scores = (chip["a"] - quantised(weight, MAPPING)) / (SIGMA_D * closed_form_stds(device, weight, sampler))

    # n independent standard normals: the mean has a standard error of 1/sqrt(n), the std one of 1/sqrt(2n)
    n = len(weight)
    assert abs(float(scores.mean())) < 5 / sqrt(n)
    assert abs(float(scores.std()) - 1) < 5 / sqrt(2 * n)


def test_exact_sampler_has_the_law_of_the_slices_themselves(device: BaseDevice) -> None:
    """One normal a weight against one normal a device, for every class of code."""
    codes = torch.tensor(CODES, dtype=torch.float32).repeat_interleave(REPEATS)
    weight = codes / 255
    together = program({"a": weight}, device=device, mapping=MAPPING, sigma_d=SIGMA_D, rng=generator(5))["a"]
    slices = sample_slices(weight, device=device, mapping=MAPPING, sigma_d=SIGMA_D, rng=generator(6))
    literal = MAPPING.join_levels(slices) / 255
    stds = SIGMA_D * closed_form_stds(device, torch.tensor(CODES) / 255, "exact")

    for chip in (together, literal):
        deviations = (chip - weight).view(len(CODES), REPEATS)
        means, spreads = deviations.mean(dim=1), deviations.std(dim=1)
        # standard errors of a mean and of a std from n samples: std/sqrt(n), std/sqrt(2n)
        assert bool((means.abs() < 5 * stds / sqrt(REPEATS)).all())
        assert bool(((spreads - stds).abs() < 5 * stds / sqrt(2 * REPEATS)).all())


def test_slices_of_a_weight_miss_independently(device: BaseDevice) -> None:
    weight = torch.full((20_000,), 1.0)
    slices = sample_slices(weight, device=device, mapping=MAPPING, sigma_d=SIGMA_D, rng=generator(7))

    correlation = torch.corrcoef(slices) - torch.eye(4)

    assert float(correlation.abs().max()) < 5 / sqrt(20_000)


def test_samplers_agree_up_to_the_lower_slices(device: BaseDevice) -> None:
    """The approximation's bound, attained.

    One factor takes all four slices to be in the most significant one's state. That one carries
    64^2/(64^2 + 16^2 + 4^2 + 1) = 4096/4369 = 93.75 % of the variance. The lower three, in the state that misses the
    most or the least, differ from that by (std^2 - top^2) (16^2 + 4^2 + 1) 3^2/255^2 = (std^2 - top^2) 273/7225.
    """
    exact = closed_form_stds(device, torch.arange(256) / 255, "exact").double()
    one_factor = closed_form_stds(device, torch.arange(256) / 255, "one_factor").double()
    squares = device.level_stds(2).double().square()

    difference = (exact.square() - one_factor.square()).view(4, 64)

    torch.testing.assert_close(device.code_stds(MAPPING).double(), exact, rtol=1e-6, atol=0)
    for end, reached in ((squares.max(), difference.amax(dim=1)), (squares.min(), difference.amin(dim=1))):
        torch.testing.assert_close(reached, (end - squares) * 273 / 7225, rtol=1e-5, atol=1e-7)


def test_samplers_inject_the_same_rms_where_all_codes_are_equally_common(device: BaseDevice) -> None:
    """Half of each slice's levels are middle ones, as half of the weights are: the averages meet."""
    weight = torch.arange(256) / 255
    spread = {
        sampler: deploy({"a": weight}, device=device, mapping=MAPPING, sampler=sampler).stds["a"].expand(256)
        for sampler in ("exact", "one_factor")
    }

    assert rms([spread["exact"]]) == pytest.approx(rms([spread["one_factor"]]), rel=1e-5)


def test_samplers_are_one_where_levels_miss_alike() -> None:
    weight = torch.randn(1000, generator=generator(0))
    chips = [
        program({"a": weight}, device=Rram1(), mapping=MAPPING, sigma_d=0.2, rng=generator(1), sampler=sampler)["a"]
        for sampler in ("exact", "one_factor")
    ]

    torch.testing.assert_close(chips[0], chips[1])


def test_deviation_does_not_depend_on_the_sign(device: BaseDevice) -> None:
    weight = torch.rand(1000, generator=generator(0))

    stds = deploy({"a": torch.cat([weight, -weight])}, device=device, mapping=MAPPING).stds["a"].expand(2000)

    assert torch.equal(stds[:1000], stds[1000:])


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"rram1"}))
@pytest.mark.parametrize("device_bits", [1, 4, 8])
def test_state_dependent_devices_need_two_bits(name: str, device_bits: int) -> None:
    with pytest.raises(
        ConfigError, match=rf"device_bits \(K\) must be 2; got {device_bits}\. For other K choose a device"
    ):
        PUBLISHED[name]().level_stds(device_bits)
    with pytest.raises(ConfigError, match=rf"device_bits \(K\) must be 2; got {device_bits}"):
        RunConfig.make(device={"name": name}, mapping={"weight_bits": 8, "device_bits": device_bits})


@pytest.mark.parametrize("device_bits", [1, 2, 4, 8])
def test_uniform_device_takes_any_bits(device_bits: int) -> None:
    assert Rram1().level_stds(device_bits).tolist() == [1.0] * 2**device_bits


def test_device_says_where_it_is_from(device: BaseDevice) -> None:
    assert "doi 10." in "".join(references(device.source))
    assert build(type(device), device.model_dump()) == device


def test_short_name_makes_the_device_again(device: BaseDevice) -> None:
    assert device_from_text(device.short_name) == device


# ---------------------------------------------------------------- a device of one's own
@pytest.mark.parametrize("title", ["", "HfO2: batch 3"])
@pytest.mark.parametrize("checksum", ["", "0123456789abcdef" * 4])
def test_short_name_keeps_title_and_checksum(title: str, checksum: str) -> None:
    own = Measured(stds=(1.0, 2.0), title=title, file_sha256=checksum)

    assert device_from_text(own.short_name) == own


@pytest.mark.parametrize("checksum", ["0123", "X" * 64, "0" * 65])
def test_what_is_no_checksum_is_refused(checksum: str) -> None:
    with pytest.raises(ConfigError, match="checksum of the file"):
        build(Measured, {"file_sha256": checksum})


@pytest.mark.parametrize("name", sorted(PUBLISHED))
@pytest.mark.parametrize("sampler", ["exact", "one_factor"])
def test_own_device_with_a_published_ones_levels_is_that_device(name: str, sampler: Sampler) -> None:
    published = PUBLISHED[name]()
    own = Measured(stds=tuple(float(std) for std in published.level_stds(2)))
    weight = torch.randn(2000, generator=generator(0))

    chips = [
        program({"a": weight}, device=one, mapping=MAPPING, sigma_d=0.1, rng=generator(1), sampler=sampler)["a"]
        for one in (own, published)
    ]

    torch.testing.assert_close(chips[0], chips[1])


@pytest.mark.parametrize("device_bits", [1, 2, 3, 4, 8])
def test_own_device_of_any_bits_misses_level_by_level(device_bits: int) -> None:
    """Every code of one device: its level is the code, and its deviation has the level's std."""
    stds = tuple(float(level) for level in range(2**device_bits))
    mapping = BitSlicing(weight_bits=device_bits, device_bits=device_bits)

    table = Measured(stds=stds).code_stds(mapping)

    assert table.tolist() == pytest.approx(stds)


def test_own_device_needs_as_many_levels_as_the_mapping() -> None:
    with pytest.raises(ConfigError, match=r"level stds are 8, for device_bits \(K\) = 3; got K = 2. Give 4 level stds"):
        RunConfig.make(device={"name": "measured", "stds": [1] * 8})


@pytest.mark.parametrize(
    ("stds", "sentence"),
    [
        ([1, 2, 3], "one number a level, 2^K of them: 2, 4, 8, 16, 32, 64, 128 or 256; here are 3"),
        ([1], "here are 1"),
        ([1, -1], "every level's std must lie in [0, 1000]"),
        ([1, 1e9], "every level's std must lie in [0, 1000]"),
        ([1, float("nan")], "must be a finite number"),
        ([0, 0], "must have a level that misses"),
        (["a", 1], "must be a valid number"),
    ],
    ids=str,
)
def test_level_stds_that_cannot_be_are_refused(stds: list[object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.make(device={"name": "measured", "stds": stds})

    assert "Measured.stds (level stds)" in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rram", "Unknown device 'rram'. Did you mean 'rram4'?"),
        ("rram1:1,1", "Device 'rram1' takes nothing after a colon; got 'rram1:1,1'."),
        ("measured:1;2", "Level stds must be numbers separated by commas, as '1,1.8,1.8,1'; got '1;2'."),
        ("measured:1,2,3", "here are 3"),
        ("measured:1,2: x", "one line of plain text"),
        ("measured:1,2:" + "x" * 41, "at most 40 characters"),
    ],
)
def test_text_that_names_no_device_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        device_from_text(text)

    assert sentence in str(caught.value)


def test_own_device_is_called_by_its_title_or_its_levels() -> None:
    assert Measured(stds=(1, 1.8, 1.8, 1)).full_label == "Own device (1, 1.8, 1.8, 1)"
    assert Measured(title="HfO2, batch 3").full_label == "HfO2, batch 3"
    many = [Measured(stds=(*([1.0] * 15), last)).full_label for last in (1.0, 2.0)]
    assert all(label.startswith("Own device (16 levels, ") for label in many)
    assert len(set(many)) == 2


def test_level_that_never_misses_leaves_its_weights_where_they_aim() -> None:
    weight = torch.tensor([0.0, 0.0, 1.0])

    chip = program(
        {"a": weight}, device=Measured(stds=(0.0, 1.0, 1.0, 1.0)), mapping=MAPPING, sigma_d=0.1, rng=generator(0)
    )

    assert chip["a"][:2].tolist() == [0.0, 0.0]
    assert float(chip["a"][2]) != 1.0
