"""One weight under several schemes: sampled as whole chips have it, and as the closed form says."""

import math
from dataclasses import replace

import pytest
import torch

from neft import columns as c
from neft.chips.deployed import ChipLaw, draws_from
from neft.component import component_text
from neft.devices import Rram1
from neft.inspection.scheme_microscope import NUM_CHIPS, weight_deviations
from neft.mapping.stack import Mapping
from neft.programming import BaseProgramming, OpenLoop, Residual, Selective, WriteVerify
from neft.seeding import generator

SIGMA_D = 0.1
WEIGHTS = {
    "first.weight": torch.randn((5, 3, 2, 2), generator=generator(1, "first")),
    "last.weight": torch.randn((4, 7), generator=generator(1, "last")),
}
SCHEMES: list[tuple[Mapping, BaseProgramming]] = [
    (Mapping(), OpenLoop()),
    (Mapping(scale="channel"), OpenLoop()),
    (Mapping(scale="channel", rotation="hadamard"), OpenLoop()),
    (Mapping(sign="offset"), OpenLoop()),
    (Mapping(sign="differential", copies=2), WriteVerify(tolerance=0.1)),
    (Mapping(), Selective(chosen_by="magnitude", verified_share=0.5)),
    (Mapping(), Residual()),
]


def law_of(mapping: Mapping, programming: BaseProgramming) -> ChipLaw:
    return ChipLaw(device=Rram1(), mapping=mapping, programming=programming)


@pytest.mark.parametrize(("mapping", "programming"), SCHEMES, ids=component_text)
def test_its_spread_is_that_of_whole_chips(mapping: Mapping, programming: BaseProgramming) -> None:
    law, layer, number, num_chips = law_of(mapping, programming), "first.weight", 17, 600
    found = weight_deviations(WEIGHTS, law, layer=layer, number=number, sigma_d=SIGMA_D)

    deployed = replace(law, device_by_device=True).deploy(WEIGHTS)
    chips = [deployed.draw(draws_from(5, "chip", chip)) for chip in range(num_chips)]
    missed = [
        float((deployed.layer(layer, chip, sigma_d=SIGMA_D) - deployed.targets[layer]).flatten()[number])  # pyright: ignore[reportArgumentType]
        for chip in chips
    ]
    values = torch.tensor(missed).double()
    std = float(values.std()) / float(WEIGHTS[layer].abs().amax())
    kurtosis = float(((values - values.mean()) / values.std()).pow(4).mean())
    # of n values a std errs by sqrt((kurtosis - 1) / n) / 2 of itself
    error = 5 * math.sqrt((kurtosis - 1) * (1 / num_chips + 1 / NUM_CHIPS)) / 2
    assert found[c.STD].iloc[0] == pytest.approx(std, rel=error)


@pytest.mark.parametrize(("mapping", "programming"), SCHEMES[:-1], ids=component_text)
def test_its_spread_is_that_of_the_closed_form(mapping: Mapping, programming: BaseProgramming) -> None:
    found = weight_deviations(WEIGHTS, law_of(mapping, programming), layer="last.weight", number=9, sigma_d=SIGMA_D)
    error = 5 / math.sqrt(2 * NUM_CHIPS)
    assert found[c.STD].iloc[0] == pytest.approx(found[c.CLOSED_FORM_STD].iloc[0], rel=error)


def test_where_only_sampling_tells_there_is_no_closed_form() -> None:
    found = weight_deviations(WEIGHTS, law_of(Mapping(), Residual()), layer="last.weight", number=9, sigma_d=SIGMA_D)
    assert found[[c.CLOSED_FORM_DENSITY, c.CLOSED_FORM_STD]].isna().all(axis=None)
    assert found[c.DENSITY].max() > 0


def test_densities_are_of_all_chips() -> None:
    found = weight_deviations(WEIGHTS, law_of(Mapping(), OpenLoop()), layer="last.weight", number=0, sigma_d=SIGMA_D)
    width = found[c.BIN_RIGHT] - found[c.BIN_LEFT]
    assert (found[c.DENSITY] * width).sum() == pytest.approx(1, abs=0.01)
    assert (found[c.CLOSED_FORM_DENSITY] * width).sum() == pytest.approx(1, abs=0.001)


def test_a_verified_weight_misses_by_less_than_another() -> None:
    law = law_of(Mapping(), Selective(chosen_by="magnitude", verified_share=0.3))
    order = WEIGHTS["last.weight"].abs().flatten().argsort()
    small, large = (
        weight_deviations(WEIGHTS, law, layer="last.weight", number=int(order[place]), sigma_d=0.2)[c.STD].iloc[0]
        for place in (0, -1)
    )
    assert large < small / 2
