"""Chips device by device against closed forms, and those against the fast path."""

from math import sqrt

import pytest
import torch
from torch import Tensor

from neft.chips.deployed import ChipLaw, draws_from
from neft.chips.device_by_device import DeviceByDevice, deploy_device_by_device
from neft.chips.sampling import deploy
from neft.component import build
from neft.devices import BaseDevice, Rram1, Rram4
from neft.effects import Effects
from neft.errors import ConfigError
from neft.mapping.stack import Mapping
from neft.options import make_config
from neft.programming import PROGRAMMINGS as SCHEMES
from neft.programming import Aim, BaseProgramming, OpenLoop, Residual, Selective, WriteVerify
from neft.seeding import generator

SIGMA_D = 0.15
STANDARD_ERRORS = 5
MAPPINGS = {
    "plain": Mapping(),
    "differential": Mapping(sign="differential"),
    "offset": Mapping(sign="offset"),
    "channel": Mapping(scale="channel"),
    "hadamard": Mapping(rotation="hadamard"),
    "base 2": Mapping(significance_base=2),
    "equal devices": Mapping(significance_base=1),
    "clipped": Mapping(clip_for=0.2),
    "on/off": Mapping(on_off_ratio=5),
    "copies": Mapping(copies=2),
    "all": Mapping(
        sign="differential",
        scale="channel",
        rotation="hadamard",
        significance_base=2,
        clip_for=0.1,
        on_off_ratio=10,
        copies=2,
    ),
}
PROGRAMMINGS: dict[str, BaseProgramming] = {
    "open loop": OpenLoop(),
    "write-verify": WriteVerify(tolerance=0.1),
    "selective": Selective(verified_share=0.4, chosen_by="magnitude"),
}
TOGETHER = [
    (mapping, programming)
    for mapping in MAPPINGS
    for programming in PROGRAMMINGS
    if MAPPINGS[mapping].rotation == "none" or programming != "selective"
]
"""All but those that are refused."""
EFFECTS = {
    "none": Effects(),
    "drift": Effects(drift_seconds=1e4),
    "drift of Hermes": Effects(drift_seconds=1e4, drift_law="hermes"),
    "retention": Effects(retention_seconds=100),
    "read noise": Effects(read_noise=0.05),
    "stuck": Effects(stuck_low=0.05, stuck_high=0.02),
    "level bias": Effects(level_bias=(0.01, -0.02, 0.02, -0.01)),
    "all": Effects(
        drift_seconds=1e3,
        retention_seconds=10,
        read_noise=0.02,
        stuck_low=0.02,
        stuck_high=0.01,
        level_bias=(0.0, 0.01, -0.01, 0.02),
    ),
}


def a_layer(rows: int = 60, inputs: int = 96) -> Tensor:
    return torch.randn((rows, inputs), generator=generator(1, "layer"))


def deployed(
    weight: Tensor,
    *,
    device: BaseDevice | None = None,
    mapping: Mapping | None = None,
    programming: BaseProgramming | None = None,
    effects: Effects | None = None,
) -> DeviceByDevice:
    scheme = programming or OpenLoop()
    return deploy_device_by_device(
        {"a": weight},
        device=device or Rram1(),
        mapping=mapping or Mapping(),
        programming=scheme,
        effects=effects or Effects(),
        quantise=True,
        verified=scheme.choose({"a": weight}, None),
    )


def missed(deployment: DeviceByDevice, *, sigma_d: float = SIGMA_D, chip: int = 0) -> Tensor:
    draws = deployment.draw(draws_from(0, "chip", chip))
    return (deployment.chip(draws, sigma_d=sigma_d)["a"] - deployment.targets["a"]).double()


def assert_asked_is_realised(deployment: DeviceByDevice) -> None:
    """Mean and variance over a layer lie within five standard errors of what the closed form asks."""
    moments = deployment.moments("a", sigma_d=SIGMA_D)
    assert moments is not None
    mean, variance = moments
    found = torch.cat([missed(deployment, chip=chip).flatten() for chip in range(2)])
    mean, variance = mean.flatten().repeat(2), variance.flatten().repeat(2)
    # weights of a turned row share its block's draws: their squares are not independent, their blocks are
    squares = (found - mean).square()
    error = squares.std() / sqrt(len(found))
    assert float((squares.mean() - variance.mean()).abs()) <= STANDARD_ERRORS * float(error)
    assert float((found - mean).mean().abs()) <= STANDARD_ERRORS * sqrt(float(variance.mean()) / len(found))


@pytest.mark.parametrize("device", [Rram1(), Rram4()], ids=["rram1", "rram4"])
@pytest.mark.parametrize(("mapping", "programming"), TOGETHER)
def test_every_mapping_and_programming_misses_by_what_is_asked(
    device: BaseDevice, mapping: str, programming: str
) -> None:
    assert_asked_is_realised(
        deployed(a_layer(), device=device, mapping=MAPPINGS[mapping], programming=PROGRAMMINGS[programming])
    )


@pytest.mark.parametrize("mapping", ["plain", "differential", "on/off", "all"])
@pytest.mark.parametrize("programming", ["open loop", "write-verify"])
@pytest.mark.parametrize("effects", EFFECTS.values(), ids=EFFECTS)
def test_every_effect_does_what_is_asked(mapping: str, programming: str, effects: Effects) -> None:
    assert_asked_is_realised(
        deployed(a_layer(), mapping=MAPPINGS[mapping], programming=PROGRAMMINGS[programming], effects=effects)
    )


@pytest.mark.parametrize("device", [Rram1(), Rram4()], ids=["rram1", "rram4"])
@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
def test_one_gaussian_a_weight_has_the_variance_of_its_devices(device: BaseDevice, mapping: Mapping) -> None:
    weight = a_layer()
    fast = deploy({"a": weight}, device=device, mapping=mapping)
    moments = deployed(weight, device=device, mapping=mapping).moments("a", sigma_d=SIGMA_D)

    assert moments is not None
    asked = (SIGMA_D * fast.stds["a"]).double().square().expand_as(weight)
    torch.testing.assert_close(asked, moments[1], rtol=1e-4, atol=0)


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
def test_chip_without_variation_holds_what_it_aims_at(mapping: Mapping) -> None:
    assert float(missed(deployed(a_layer(), mapping=mapping), sigma_d=0.0).abs().max()) < 1e-5


def test_turned_layers_of_unequal_stds_miss_as_their_devices_do() -> None:
    weight = a_layer(4, 64)
    mapping = Mapping(rotation="hadamard")
    fast = deploy({"a": weight}, device=Rram4(), mapping=mapping)
    normals = torch.zeros(4, 64)
    normals[1, 3] = 1.0

    deviation = fast.turned["a"].deviation(normals)

    # one device set's error reaches every weight of its row, by its own std
    sent = fast.turned["a"].stds[1, 3] / 8
    torch.testing.assert_close(deviation[1].abs(), sent.expand(64))
    assert not bool(deviation[[0, 2, 3]].any())


# ---------------------------------------------------------------- programming
def test_verified_devices_are_all_within_the_tolerance() -> None:
    mapping = Mapping(weight_bits=2, device_bits=2)
    error = missed(deployed(a_layer(), mapping=mapping, programming=WriteVerify(tolerance=0.05)), sigma_d=0.4)

    assert float(error.abs().max()) <= 0.05 * float(a_layer().abs().max()) * (1 + 1e-5)


@pytest.mark.parametrize(("sigma_d", "pulses", "std"), [(0.1, 2.6, 0.028), (0.4, 10.1, 0.029)])
def test_verifying_takes_as_many_pulses_and_leaves_as_much_as_published(
    sigma_d: float, pulses: float, std: float
) -> None:
    # methods of [Yan2022b]: epsilon = 0.05
    scheme = WriteVerify(tolerance=0.05)
    laid = Mapping().lay(a_layer())
    effort = scheme.effort(Aim(Mapping(), torch.ones(4), laid.turned, laid.levels(0)), sigma_d=sigma_d)
    variance = scheme.level_variance(torch.ones(4), sigma_d=sigma_d, verified=True)

    assert effort.pulses / 4 == pytest.approx(pulses, abs=0.05)
    assert float(variance[0].sqrt()) == pytest.approx(std, abs=5e-4)


# RMS error over w_max of Gaussian weights on four 2-bit devices, sigma_d 0.1 … 0.4, without reading errors: our own
# trials, made independently of this code
RESIDUAL_ERRORS = {"one": (0.033, 0.090, 0.159, 0.231), "two": (0.0054, 0.040, 0.096, 0.160)}


@pytest.mark.parametrize(("sides", "errors"), RESIDUAL_ERRORS.items())
def test_residual_programming_leaves_the_errors_of_independent_trials(sides: str, errors: tuple[float, ...]) -> None:
    weight = torch.randn((400, 400), generator=generator(3, "layer"))
    scheme = Residual.model_validate({"sides": sides})
    deployment = deployed(weight, programming=scheme)

    found = [float(missed(deployment, sigma_d=sigma_d).square().mean().sqrt()) for sigma_d in (0.1, 0.2, 0.3, 0.4)]

    largest = float(weight.abs().max())
    assert [error / largest for error in found] == pytest.approx(errors, rel=0.08)


def test_residual_programming_leaves_the_last_slices_error_while_nothing_saturates() -> None:
    weight = a_layer(200, 200)
    error = missed(deployed(weight, programming=Residual()), sigma_d=0.02)

    asked = 3 / 255 * 0.02 * float(weight.abs().max())
    step = float(weight.abs().max()) / 255  # what is left is written in whole levels
    assert float(error.square().mean().sqrt()) == pytest.approx(sqrt(asked**2 + step**2 / 12), rel=0.25)


def test_reading_errors_make_residual_programming_worse() -> None:
    errors = [
        float(missed(deployed(a_layer(), programming=Residual(read_error=error))).square().mean())
        for error in (0.0, 0.05, 0.1)
    ]

    assert errors == sorted(errors)


@pytest.mark.parametrize("chosen_by", ["magnitude", "random"])
def test_so_many_weights_are_verified_as_asked(chosen_by: str) -> None:
    scheme = Selective.model_validate({"verified_share": 0.3, "chosen_by": chosen_by})
    weights = {"a": a_layer(), "b": 10 * a_layer(10, 10)}

    chosen = scheme.choose(weights, None)

    assert sum(int(mask.sum()) for mask in chosen.values()) == round(0.3 * (60 * 96 + 100))


def test_largest_magnitudes_of_the_whole_network_are_verified() -> None:
    weights = {"a": a_layer(), "b": 10 * a_layer(10, 10)}
    chosen = Selective(verified_share=0.01, chosen_by="magnitude").choose(weights, None)

    limit = min(float(weights[name][mask].abs().min()) for name, mask in chosen.items() if bool(mask.any()))
    assert all(float(weights[name][~mask].abs().max()) <= limit for name, mask in chosen.items())


def test_equal_scores_leave_the_choice_to_the_magnitude() -> None:
    weights = {"a": a_layer()}
    by_scores = Selective(verified_share=0.2).choose(weights, {"a": torch.ones(60, 96)})

    assert torch.equal(by_scores["a"], Selective(verified_share=0.2, chosen_by="magnitude").choose(weights, None)["a"])


# ---------------------------------------------------------------- effects
def test_switching_an_effect_on_changes_no_other_draw() -> None:
    one, both = Effects(read_noise=0.1), Effects(read_noise=0.1, retention_seconds=10)
    draws = [deployed(a_layer(), effects=effects).draw(draws_from(0, "chip", 5)) for effects in (one, both)]

    assert torch.equal(draws[0].errors["a"], draws[1].errors["a"])
    assert torch.equal(draws[0].effects["read_noise"]["a"], draws[1].effects["read_noise"]["a"])


def test_compensated_layers_conduct_what_they_did() -> None:
    drifting = Effects(drift_seconds=1e6)
    weight = a_layer().abs()
    mapping = Mapping(sign="unipolar")
    fallen, brought_back = (
        float((missed(deployed(weight, mapping=mapping, effects=effects), sigma_d=0.0)).mean() / weight.mean())
        for effects in (drifting, drifting.model_copy(update={"drift_compensation": True}))
    )

    assert fallen < -0.3
    # significances weigh devices otherwise than their sum does
    assert abs(brought_back) < 0.05


def test_all_devices_of_a_chip_share_the_whole_error_where_it_is_common() -> None:
    weight = a_layer().abs()
    mapping = Mapping(sign="unipolar", weight_bits=2, device_bits=2)
    error = missed(deployed(weight, mapping=mapping, effects=Effects(common_mode=1.0)))

    assert float(error.std()) < 1e-6
    assert float(error.abs().max()) > 0


def test_half_the_variance_is_common_at_one_half() -> None:
    weight = a_layer().abs()
    mapping = Mapping(sign="unipolar", weight_bits=2, device_bits=2)
    law = deployed(weight, mapping=mapping, effects=Effects(common_mode=0.5))
    alone = SIGMA_D * float(weight.abs().max())

    within = torch.stack([missed(law, chip=chip).std() for chip in range(5)]).mean()

    assert float(within) == pytest.approx(alone * sqrt(0.5), rel=0.03)


def test_stuck_devices_are_so_many() -> None:
    mapping = Mapping(sign="unipolar", weight_bits=2, device_bits=2)
    weight = torch.full((200, 200), 1.0)
    error = missed(deployed(weight, mapping=mapping, effects=Effects(stuck_low=0.02)), sigma_d=0.0)

    share = float((error < -0.5).double().mean())
    assert share == pytest.approx(0.02, abs=STANDARD_ERRORS * sqrt(0.02 * 0.98 / 40_000))


@pytest.mark.parametrize(
    "law",
    [
        ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise=0.1)),
        ChipLaw(Rram1(), Mapping(), programming=Residual()),
    ],
    ids=["effect", "programming"],
)
def test_what_no_gaussian_stands_for_is_drawn_device_by_device(law: ChipLaw) -> None:
    assert isinstance(law.deploy({"a": a_layer()}), DeviceByDevice)


def test_equal_paths_draw_equal_chips() -> None:
    law = deployed(a_layer(), programming=Residual(read_error=0.1), effects=EFFECTS["all"])

    assert torch.equal(missed(law, chip=3), missed(law, chip=3))
    assert not torch.equal(missed(law, chip=3), missed(law, chip=4))


# ---------------------------------------------------------------- what goes with what
def test_nothing_is_brought_back_where_nothing_is_conducted() -> None:
    deployment = deployed(torch.zeros(4, 4), effects=Effects(drift_seconds=100, drift_compensation=True))

    assert not bool(missed(deployment, sigma_d=0.0).any())


def test_devices_that_miss_together_have_no_closed_form() -> None:
    assert deployed(a_layer(), effects=Effects(common_mode=0.5)).moments("a", sigma_d=SIGMA_D) is None


@pytest.mark.parametrize(
    ("law", "clean"),
    [
        (ChipLaw(Rram1(), Mapping(), programming=Residual()), True),
        (ChipLaw(Rram1(), Mapping(), programming=Residual(read_error=0.1)), False),
        (ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise=0.1)), False),
    ],
    ids=["residual", "misread", "effect"],
)
def test_chips_without_variation_are_alike_where_nothing_else_is_drawn(law: ChipLaw, *, clean: bool) -> None:
    deployment = law.deploy({"a": a_layer()})
    assert isinstance(deployment, DeviceByDevice)

    chips = [deployment.chip(deployment.draw(draws_from(0, "chip", chip)), sigma_d=0.0)["a"] for chip in (0, 1)]

    assert torch.equal(*chips) == clean == law.is_clean_at_zero


def test_weights_of_a_turned_layer_cannot_be_verified_one_by_one() -> None:
    law = ChipLaw(Rram1(), Mapping(rotation="hadamard"), programming=Selective(chosen_by="magnitude"))

    with pytest.raises(ConfigError, match="no weight can be verified alone"):
        _ = law.deploy({"a": a_layer()})


@pytest.mark.parametrize("settings", [{"drift_law": "hermes"}, {"common_to": "layer"}, {"drift_exponent": 0.2}])
def test_settings_of_effects_that_are_off_make_no_other_run(settings: dict[str, object]) -> None:
    assert make_config(settings).run_id == make_config({}).run_id


def test_drift_exponent_counts_where_it_is_given() -> None:
    given = {"drift_seconds": 10.0, "drift_law": "given"}

    assert make_config(given | {"drift_exponent": 0.2}).run_id != make_config(given).run_id


@pytest.mark.parametrize("name", ["write_verify", "selective"])
def test_a_tolerance_finer_than_devices_are_read_is_refused(name: str) -> None:
    assert build(SCHEMES[name], {"tolerance": 1e-4})
    for tolerance in (0, 1e-5, 9.9e-5):
        with pytest.raises(ConfigError, match=r"tolerance \(ε\) must lie in \[0.0001, 1\]; got"):
            build(SCHEMES[name], {"tolerance": tolerance})


def test_the_finest_tolerance_is_sampled_as_its_closed_form_says() -> None:
    scheme = WriteVerify(tolerance=1e-4)
    stds = torch.tensor([0.4])

    error = missed(deployed(a_layer(), mapping=Mapping(weight_bits=2), programming=scheme), sigma_d=0.4)
    error = error / a_layer().abs().max()

    variance = scheme.level_variance(stds, sigma_d=1.0, verified=True)
    assert float(error.abs().max()) <= 1e-4 * 1.001
    # nearly uniform: epsilon^2 / 3
    assert float(variance[0]) == pytest.approx(1e-8 / 3, rel=1e-3)


def test_a_given_retention_law_adds_to_what_is_programmed() -> None:
    # 3 % at 1 s and 1 % a decade: 5 % at 100 s; of that 3 % are programmed: sqrt(25 - 9) = 4 % are added
    law = Effects(retention_law="given", retention_std=0.03, retention_growth=0.01, retention_programmed=0.03)
    laid = Mapping(weight_bits=2)
    size = torch.ones(40_000)
    for seconds, asked in ((1.0, 0.03), (100.0, 0.05)):
        held = deployed(size, mapping=laid, effects=law.model_copy(update={"retention_seconds": seconds}))

        std = float(missed(held, sigma_d=0.03).std())

        assert abs(std / asked - 1) < STANDARD_ERRORS / sqrt(2 * len(size))


def test_a_given_law_needs_a_spread_and_embers_has_an_end() -> None:
    with pytest.raises(ConfigError, match="needs retention_std"):
        make_config({"retention_seconds": 10, "retention_law": "given"})
    with pytest.raises(ConfigError, match="known up to 100000 s"):
        make_config({"retention_seconds": 2e5})
    assert make_config({"retention_law": "given"}).run_id == make_config({}).run_id
