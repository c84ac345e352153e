"""Chips in fewer bits: what is rounded, what is not, and what is refused."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from neft.chips.arithmetic import check_arithmetic
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.config import RunConfig
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.evaluation.local_reparametrisation import refused_law
from neft.evaluation.monte_carlo import try_network
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.options import make_config
from neft.programming import Residual
from neft.runs.facts import chip_words, chips_key
from neft.seeding import generator

LAW = ChipLaw(Rram1(), BitSlicing())
LAWS = {"gaussian": LAW, "device_by_device": ChipLaw(Rram1(), Mapping(), programming=Residual())}


def a_network() -> nn.Sequential:
    rng = generator(3, "weights")
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            _ = parameter.copy_(torch.randn(parameter.shape, generator=rng))
    return network


IMAGES = torch.randn(30, 2, 6, 6, generator=generator(4, "images"))


@torch.inference_mode()
def weights_and_logits(law: ChipLaw) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Of chip 2, and its logits beside other chips, which are computed side by side."""
    deployed = DeployedNetwork(a_network(), law)
    deployed.draw(0, 2)
    deployed.program(sigma_d=0.1)
    held = {name: parameter.clone() for name, parameter in deployed.network.named_parameters()}
    logits = deployed.logits(IMAGES)
    deployed.place_many([deployed.normals(0, "chip", instance) for instance in (1, 2)])
    return held, logits, deployed.logits_of_many(IMAGES, sigma_d=0.1)[1]


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_bfloat16_rounds_the_chips_weights_and_what_layers_put_out(law: ChipLaw) -> None:
    held, logits, _ = weights_and_logits(law)
    rounded, found, beside = weights_and_logits(replace(law, arithmetic="bfloat16"))

    for name, weight in held.items():
        torch.testing.assert_close(rounded[name], weight.bfloat16(), rtol=0, atol=0)
    assert found.dtype == torch.float32
    assert torch.equal(found, found.bfloat16().float())
    scale = float(logits.abs().max())
    assert 1e-4 * scale < float((found - logits).abs().max()) < 0.03 * scale
    torch.testing.assert_close(beside, found, rtol=0, atol=0.02 * scale)


def test_bfloat16_sums_products_in_more_bits_than_it_keeps() -> None:
    layer = nn.Linear(4096, 1, bias=False)
    with torch.no_grad():
        _ = layer.weight.fill_(1.0)
    with torch.inference_mode():
        deployed = DeployedNetwork(layer, replace(LAW, arithmetic="bfloat16"))
        deployed.program(sigma_d=0.0)
        # 1 added to 256 is lost in bfloat16
        assert float(deployed.logits(torch.ones(2, 4096))[0, 0]) == 4096


def test_float32_is_the_usual_and_leaves_ids_alone() -> None:
    config = make_config({})
    assert config.evaluation.arithmetic == "float32"
    assert "arithmetic" not in config.decisive
    other = make_config({"arithmetic": "bfloat16"})
    assert other.run_id != config.run_id
    assert chip_words(config) == []
    assert chip_words(other) == ["computed in bfloat16"]
    assert chips_key(other) == "~arithmetic=bfloat16"


def test_tf32_is_no_processors() -> None:
    check_arithmetic("tf32", "cuda")
    with pytest.raises(ConfigError, match=r"tf32.*GPU.*'float32' or 'bfloat16'"):
        _ = DeployedNetwork(a_network(), replace(LAW, arithmetic="tf32"))


def test_a_network_of_ones_own_is_computed_as_it_was_given() -> None:
    batch = (IMAGES, torch.zeros(30, dtype=torch.long))
    with pytest.raises(ConfigError, match="as it was given"):
        _ = try_network(a_network(), [batch], sigma_ds=0.1, law=replace(LAW, arithmetic="bfloat16"))


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"adc_bits": 8}, "converters"),
        ({"read_noise_each": 0.1}, "read_noise_each"),
        ({"worst_case": "0.03"}, "worst_case"),
    ],
)
def test_what_has_bits_or_draws_of_its_own_is_refused(beside: dict[str, object], words: str) -> None:
    assert isinstance(make_config({"arithmetic": "bfloat16"}), RunConfig)
    with pytest.raises(ConfigError) as refused:
        _ = make_config({"arithmetic": "bfloat16"} | beside)
    assert words in str(refused.value)
    assert "must be 'float32'" in str(refused.value)


def test_a_preview_shares_chips_where_layers_round_what_they_put_out() -> None:
    assert refused_law(LAW) is None
    assert "bfloat16" in str(refused_law(replace(LAW, arithmetic="bfloat16")))
