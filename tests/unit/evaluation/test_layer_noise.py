"""The noise that a layer adds for each image has the very law that the weights of drawn chips give it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from neft.chips.sampling import TurnedStds
from neft.errors import NeftError
from neft.evaluation import layer_noise
from neft.evaluation.conditions import Conditions
from neft.evaluation.layer_noise import DrawnConv, LayerLaw, NoisyConv, NoisyLinear, layer_law, noisy_layer
from neft.evaluation.patches import JITTER, Patches, cholesky
from neft.mapping.rotation import Rotation

DRAWS = 10_000
SIGMA_D = 0.5
GEOMETRIES: dict[str, dict[str, Any]] = {
    "plain": {"kernel_size": 3, "padding": 1},
    "strided": {"kernel_size": 3, "padding": 1, "stride": 2},
    "projection": {"kernel_size": 1, "stride": 2},
    "dilated": {"kernel_size": 3, "padding": 2, "dilation": 2},
    "unequal": {"kernel_size": (3, 1), "padding": (1, 0), "stride": (1, 2)},
}


@pytest.mark.parametrize("size", [(2, 2), (5, 4)], ids=["as one matrix", "as a convolution"])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_patches_and_their_gram_matrix_are_those_of_the_convolution(name: str, size: tuple[int, int]) -> None:
    layer = nn.Conv2d(3, 6, **GEOMETRIES[name])
    features = torch.randn(7, 3, *size, generator=torch.Generator().manual_seed(0))
    geometry = Patches(layer.requires_grad_(requires_grad=False), size)
    pixels = features.permute(0, 2, 3, 1).contiguous()

    expected = layer(features)
    patches = nn.functional.unfold(features, **({"padding": 0} | GEOMETRIES[name]))

    assert geometry.output_size == expected.shape[2:]
    torch.testing.assert_close(geometry.means(pixels), expected.flatten(2).mT, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(geometry.gram(pixels), patches.mT @ patches, rtol=1e-4, atol=1e-4)
    found = geometry.patches(pixels)
    torch.testing.assert_close(found @ found.mT, patches.mT @ patches, rtol=1e-4, atol=1e-4)


def any_stds(weight: Tensor) -> Tensor:
    """One a weight, far apart."""
    return torch.rand(weight.shape, generator=torch.Generator().manual_seed(2)) * 1.5 + 0.1


def by_channel(weight: Tensor) -> Tensor:
    """One an output channel; signs are those of BatchNorm's factors and do not matter."""
    return torch.tensor([0.4, -1.0, 0.1, 0.7])[: len(weight)].view(-1, *[1] * (weight.dim() - 1))


def one(weight: Tensor) -> Tensor:
    """One for all."""
    return torch.full((1,) * weight.dim(), 0.6)


LAYERS: dict[str, tuple[Callable[[], nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(6, 4), (6,)),
    "linear at several positions": (lambda: nn.Linear(5, 3), (4, 5)),
    "convolution": (lambda: nn.Conv2d(2, 3, 3, padding=1), (2, 3, 3)),
    "long patches": (lambda: nn.Conv2d(12, 3, 3, padding=1), (12, 3, 2)),
    "few positions": (lambda: nn.Conv2d(4, 3, 3, padding=1), (4, 2, 2)),
    "one position": (lambda: nn.Conv2d(3, 4, 3, padding=1, stride=2), (3, 2, 2)),
    "groups": (lambda: nn.Conv2d(4, 4, 3, padding=1, groups=2), (4, 3, 2)),
    "other padding": (lambda: nn.Conv2d(2, 3, 3, padding="same", padding_mode="reflect"), (2, 3, 3)),
    "series": (lambda: nn.Conv1d(3, 4, 3, stride=2), (3, 8)),
    "volume": (lambda: nn.Conv3d(2, 2, 2), (2, 3, 2, 3)),
}


@pytest.fixture
def draws_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No image shares one, so that all images count."""
    monkeypatch.setattr(layer_noise, "IMAGES_A_DRAW", 1)


@pytest.mark.usefixtures("draws_of_their_own")
@pytest.mark.parametrize("stds", [one, by_channel, any_stds], ids=["one std", "one a channel", "one a weight"])
@pytest.mark.parametrize("name", LAYERS)
def test_deviations_have_the_mean_and_covariance_of_drawn_chips(name: str, stds: Callable[[Tensor], Tensor]) -> None:
    make, shape = LAYERS[name]
    layer = make().requires_grad_(requires_grad=False)
    std = stds(layer.weight)

    def deviation(normals: Tensor) -> Tensor:
        return std.double() * normals

    compare(layer, shape, layer_law(layer.weight, std), deviation)


@pytest.mark.usefixtures("draws_of_their_own")
@pytest.mark.parametrize("name", ["linear", "linear at several positions", "convolution", "one position", "groups"])
def test_so_they_have_where_devices_hold_a_turned_layer(name: str) -> None:
    make, shape = LAYERS[name]
    layer = make().requires_grad_(requires_grad=False)
    std = any_stds(layer.weight)
    turned = TurnedStds(Rotation(layer.weight[0].numel()), std)

    def deviation(normals: Tensor) -> Tensor:
        return turned.rotation.turned_back(std.double() * normals)

    compare(layer, shape, layer_law(layer.weight, std, turned), deviation)


def compare(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d,
    shape: tuple[int, ...],
    law: LayerLaw,
    deviation: Callable[[Tensor], Tensor],
) -> None:
    """Of 10,000 images, every mean and covariance lies within five standard errors of that of chips, in float64.

    What a chip's outputs miss by is linear in its normals: their covariance is J J^T, J's columns being the outputs of
    chips on which one normal is 1. Images that share a draw count, at the worst, as a single one.
    """
    features = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    state = Conditions()
    state.begin(DRAWS, torch.Generator().manual_seed(1))
    state.sigma_ds = torch.tensor([[SIGMA_D]])
    noisy = noisy_layer(layer, state, 0, law, is_last=False)
    precise = layer.double()

    def outputs(weight: Tensor) -> Tensor:
        return functional_call(precise, {"weight": weight}, (features.double(),)).flatten()

    clean = outputs(precise.weight)
    units = torch.eye(layer.weight.numel(), dtype=torch.float64).view(-1, *layer.weight.shape)
    columns = [outputs(precise.weight + SIGMA_D * deviation(unit)) - clean for unit in units]
    jacobian = torch.stack(columns, dim=1)
    expected = jacobian @ jacobian.T
    with torch.inference_mode():
        _ = layer.float()
        sampled = noisy(features.expand(DRAWS, *shape)).flatten(1).double() - clean

    variance = expected.diagonal()
    assert (variance > 0).any()
    slack = 2 * JITTER * variance.max()
    assert (sampled.mean(dim=0).abs() < 5 * (variance / DRAWS).sqrt() + 1e-6).all()
    alone = DRAWS if isinstance(noisy, NoisyConv) else DRAWS / layer_noise.IMAGES_A_DRAW
    errors = ((variance[:, None] * variance[None, :] + expected**2) / alone).sqrt()
    assert ((sampled.T @ sampled / DRAWS - expected).abs() < 5 * errors + slack).all()


SHARED = ("convolution", "groups", "linear at several positions", "series")


@pytest.mark.parametrize("name", SHARED)
def test_an_image_that_shares_a_draw_has_that_law_too(name: str) -> None:
    make, shape = LAYERS[name]
    layer = make().requires_grad_(requires_grad=False)
    std = any_stds(layer.weight)

    compare(layer, shape, layer_law(layer.weight, std), lambda normals: std.double() * normals)


@pytest.mark.parametrize("name", SHARED)
def test_what_images_that_share_a_draw_deviate_by_is_uncorrelated(name: str) -> None:
    """Of 2,000 draws for three images: every product of two images' deviations, within five standard errors of 0.

    Products of Gaussians of equal sizes have at most three times the variance of independent ones.
    """
    make, shape = LAYERS[name]
    layer = make().requires_grad_(requires_grad=False)
    draws = 2000
    features = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0)).repeat_interleave(draws, dim=0)
    state = Conditions()
    state.begin(len(features), torch.Generator().manual_seed(1))
    state.sigma_ds = torch.tensor([[SIGMA_D]])
    noisy = noisy_layer(layer, state, 0, layer_law(layer.weight, any_stds(layer.weight)), is_last=False)
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(layer_noise, "IMAGES_A_DRAW", 3)

        first, second, _ = (noisy(features) - layer(features)).flatten(1).double().split(draws)

    products = (first.T @ second) / draws
    sizes = (3 * first.square().mean(dim=0)[:, None] * second.square().mean(dim=0)[None, :] / draws).sqrt()
    assert (products.abs() < 5 * sizes).all()
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("prefer", [True, False], ids=["weights of its own", "gram matrix"])
def test_both_ways_to_draw_a_convolution_give_the_same_law(prefer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Conv2d(4, 2, 3, padding=1).requires_grad_(requires_grad=False)
    made = Patches.__init__

    def init(self: Patches, of: nn.Conv2d, size: tuple[int, int]) -> None:
        made(self, of, size)
        self.prefer_weights = prefer

    monkeypatch.setattr(Patches, "__init__", init)
    std = by_channel(layer.weight)

    compare(layer, (4, 3, 3), layer_law(layer.weight, std), lambda normals: std.double() * normals)


def test_images_whose_weights_do_not_fit_at_once_draw_them_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_noise, "NUMBERS_AT_ONCE", 64 * 37)
    for name, stds in (("convolution", any_stds), ("convolution", one), ("linear at several positions", one)):
        make, shape = LAYERS[name]
        layer = make().requires_grad_(requires_grad=False)
        std = stds(layer.weight)

        compare(layer, shape, layer_law(layer.weight, std), lambda normals, std=std: std.double() * normals)


@pytest.mark.parametrize(
    ("name", "stds", "kind"),
    [
        ("convolution", one, NoisyConv),
        ("convolution", by_channel, NoisyConv),
        ("convolution", any_stds, DrawnConv),
        ("groups", one, DrawnConv),
        ("other padding", one, DrawnConv),
        ("series", one, DrawnConv),
        ("linear", any_stds, NoisyLinear),
    ],
)
def test_patches_are_taken_where_a_channels_weights_miss_alike(
    name: str, stds: Callable[[Tensor], Tensor], kind: type
) -> None:
    layer = LAYERS[name][0]()
    law = layer_law(layer.weight, stds(layer.weight))

    assert type(noisy_layer(layer, Conditions(), 0, law, is_last=False)) is kind


def test_what_is_no_number_cannot_be_factored_and_says_so() -> None:
    with pytest.raises(NeftError, match="could not be factored"):
        cholesky(torch.full((1, 2, 2), float("nan")))
