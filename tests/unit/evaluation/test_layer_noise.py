"""The noise that a layer adds for each image has the very law that the weights of drawn chips give it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from neft.chips.sampling import TurnedStds
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


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_factor_and_leaves_others_theirs(odd: float) -> None:
    grams = torch.tensor([[[2.0, 1.0], [1.0, 3.0]], [[odd, 1.0], [1.0, 2.0]], [[1.0, 0.5], [0.5, 4.0]]])

    found, failed = cholesky(grams.clone())

    assert failed.tolist() == [False, True, False]
    assert torch.equal(found[[0, 2]], cholesky(grams[[0, 2]])[0])


def test_a_gram_matrix_that_rounding_leaves_a_negative_eigenvalue_is_said_to_have_no_factor() -> None:
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0))).Q
    low = turn @ torch.diag(torch.tensor([4.0, 1.0, -1e-3])) @ turn.T

    assert cholesky(torch.stack([torch.eye(3), low]))[1].tolist() == [False, True]


def test_images_without_a_factor_draw_weights_of_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second image's factor is taken away."""
    layer = LAYERS["long patches"][0]().requires_grad_(requires_grad=False)
    assert not Patches(layer, (3, 2)).prefer_weights if isinstance(layer, nn.Conv2d) else False
    std = by_channel(layer.weight)

    def every_second(gram: Tensor) -> tuple[Tensor, Tensor]:
        factor, _ = cholesky(gram)
        failed = torch.arange(len(gram)) % 2 == 1
        return factor.masked_fill(failed[:, None, None], float("nan")), failed

    monkeypatch.setattr(layer_noise, "cholesky", every_second)

    compare(layer, (12, 3, 2), layer_law(layer.weight, std), lambda normals: std.double() * normals)


def test_what_is_no_number_in_one_image_reaches_the_outputs_that_a_chip_would_lose() -> None:
    layer = nn.Conv2d(12, 3, 3, padding=1).requires_grad_(requires_grad=False)
    features = torch.randn(4, 12, 3, 3, generator=torch.Generator().manual_seed(0))
    features[1, 5, 0, 0] = float("nan")
    state = Conditions()
    state.begin(4, torch.Generator().manual_seed(1))
    state.sigma_ds = torch.tensor([[SIGMA_D]])

    found = noisy_layer(layer, state, 0, layer_law(layer.weight, one(layer.weight)), is_last=False)(features)

    assert not Patches(layer, (3, 3)).prefer_weights
    assert torch.equal(found.isnan(), layer(features).isnan())
    assert 0 < found.isnan().sum() == found[1].isnan().sum() < found[1].numel()


def test_where_weights_are_drawn_nothing_is_built_for_gram_matrices() -> None:
    """Which would take 128^2 x 64^2 x 4 bytes, 256 MiB, an axis here."""
    layer = nn.Conv2d(3, 2, 7, stride=2, padding=3).requires_grad_(requires_grad=False)
    geometry = Patches(layer, (128, 128))
    pixels = torch.randn(1, 128, 128, 3, generator=torch.Generator().manual_seed(0))

    _ = geometry.means(pixels), geometry.patches(pixels)

    assert geometry.prefer_weights
    assert "_maps" not in vars(geometry)
    small = Patches(layer, (5, 4))
    _ = small.gram(pixels[:, :5, :4])
    assert "_maps" in vars(small)


@pytest.mark.parametrize("stds", [by_channel, any_stds], ids=["one a channel", "one a weight"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_float64_meets_the_draws_of_one_in_float32(name: str, stds: Callable[[Tensor], Tensor]) -> None:
    make, shape = LAYERS[name]
    layer = make().requires_grad_(requires_grad=False)
    std = stds(layer.weight)
    features = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))

    def outputs(dtype: torch.dtype) -> Tensor:
        state = Conditions()
        state.begin(5, torch.Generator().manual_seed(1))
        state.sigma_ds = torch.tensor([[SIGMA_D]])
        law = layer_law(layer.weight.to(dtype), std.to(dtype))
        return noisy_layer(layer.to(dtype), state, 0, law, is_last=False)(features.to(dtype))

    single, double = outputs(torch.float32), outputs(torch.float64)

    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-3, atol=1e-3)
