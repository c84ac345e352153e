"""The preview of a network of one's own says what trying it on real chips says, or why it is not to be had."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from typing_extensions import override

import neft
from neft import columns
from neft.chips.deployed import ChipLaw
from neft.datasets.torchvision_import import import_torchvision
from neft.devices import Fefet2, Rram1
from neft.effects import Effects
from neft.errors import ConfigError
from neft.evaluation.layer_noise import NoisyLayer
from neft.evaluation.monte_carlo import try_network
from neft.evaluation.own_preview import PreviewedNetwork, preview_network
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.seeding import generator
from tests.conftest import UNEVEN

LAWS = {
    "one std": ChipLaw(Rram1(), BitSlicing()),
    "state-dependent": ChipLaw(Fefet2(), BitSlicing()),
    "measured, by channel": ChipLaw(UNEVEN, Mapping(scale="channel")),
}
CHIPS = 60
PASSES = 8
SIGMA_DS = (0.0, 0.2, 0.5)
NEAR_1 = 0.001


class Block(nn.Module):
    """A residual block with BatchNorm, and a projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        projection = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if stride == 1 and inputs == outputs else projection

    @override
    def forward(self, features: Tensor) -> Tensor:
        inside = torch.relu(self.first_norm(self.first(features)))
        return torch.relu(self.second_norm(self.second(inside)) + self.shortcut(features))


class Residual(nn.Module):
    """A small ResNet of one's own, whose layers no list names."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 12, 2))
        self.odd = nn.Conv2d(12, 12, 3, groups=3, padding="same", padding_mode="reflect")
        self.classify = nn.Linear(12, 6)

    @override
    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.odd(self.blocks(torch.relu(self.stem(images)))))
        return self.classify(features.mean(dim=(2, 3)))


class Mixer(nn.Module):
    """Linear layers at several positions, and a last one whose outputs are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.over_channels = nn.Linear(8, 16)
        self.over_positions = nn.Linear(8, 4)
        self.classify = nn.Linear(16, 5)

    @override
    def forward(self, images: Tensor) -> Tensor:
        tokens = torch.relu(self.over_channels(images.flatten(1, 2)))
        mixed = torch.relu(self.over_positions(tokens.mT)).mT
        return self.classify(mixed).mean(dim=1)


class Masked(nn.Module):
    """One class cannot be: its logit is -infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.classify = nn.Linear(16, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        logits = self.classify(torch.relu(self.hidden(images.flatten(1))))
        return logits.masked_fill(torch.arange(4) == 2, float("-inf"))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual": Residual,
    "mixer": Mixer,
    "in a row": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Sequential(nn.Linear(24, 24), nn.ReLU()), nn.Linear(24, 4)
    ),
    "a convolution at the end": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 5, 3), nn.Flatten()
    ),
    "a yes or no": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 1)),
    "masked": Masked,
    "probabilities": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4), nn.Softmax(1)),
}


def made(name: str, count: int = 150) -> tuple[nn.Module, Tensor, Tensor]:
    """The network with numbers of its own, images, and what it says of them."""
    network = NETWORKS[name]()
    rng = generator(3, "own", name)
    with torch.no_grad():
        for parameter, tensor in network.named_parameters():
            fan = tensor[0].numel() if tensor.dim() > 1 else 100
            _ = tensor.copy_(torch.randn(tensor.shape, generator=rng) / fan**0.5 + ("norm.weight" in parameter))
        inputs = torch.randn(count, 1, 8, 8, generator=rng)
        said = network.eval()(inputs)
        if said.shape[1] == 1:
            _ = dict(network.named_parameters())["3.bias"].sub_(said.median())
            return network, inputs, (said > said.median()).long()
    return network, inputs, said.argmax(dim=1)


def batched(inputs: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(zip(inputs.split(64), labels.split(64), strict=True))


def agree(found: PreviewedNetwork, network: nn.Module, batches: Any, law: ChipLaw) -> None:
    """Within five standard errors of both estimates together, and half a point.

    Where nearly all is right, it is the one chip in fifty that fails which makes the mean: 60 may hold none, and do not
    show it in their spread.
    """
    tried = try_network(network, batches, sigma_ds=SIGMA_DS, law=law, num_instances=CHIPS)
    real = tried.instances.groupby(columns.SIGMA_D)[columns.ACCURACY]
    errors = (found.curve[columns.CI95].to_numpy() / 1.96) ** 2 + real.var().to_numpy() / CHIPS
    differences = found.curve[columns.MEAN].to_numpy() - real.mean().to_numpy()
    assert list(found.curve[columns.SIGMA_D]) == list(SIGMA_DS)
    assert (abs(differences) <= 5 * errors**0.5 + 5e-3).all()
    assert abs(differences[0]) < 1e-6
    assert found.curve[columns.MEAN].iloc[-1] < found.clean_accuracy - 0.01


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_mean_is_that_of_real_chips(name: str, law: str) -> None:
    network, inputs, labels = made(name)

    found = preview_network(
        network, batched(inputs, labels), sigma_ds=SIGMA_DS, law=LAWS[law], max_passes=PASSES, seed=4
    )

    assert found.refusal is None
    assert found.num_chips == found.num_images == PASSES * 100
    assert bool(found.unequal) == (law != "one std")
    agree(found, network, batched(inputs, labels), LAWS[law])


@pytest.mark.parametrize("law", LAWS)
def test_so_it_is_in_groups(law: str) -> None:
    network, inputs, labels = made("residual")

    found = preview_network(
        network, batched(inputs, labels), sigma_ds=SIGMA_DS, law=LAWS[law], max_passes=PASSES, disjoint=True
    )

    assert found.refusal == "It was asked for (disjoint)."
    assert found.num_chips < found.num_images
    agree(found, network, batched(inputs, labels), LAWS[law])


def test_torchvisions_resnet_is_previewed_layer_by_layer() -> None:
    """By 24 images and 16 chips: within five standard errors of both."""
    network = import_torchvision().models.resnet18(num_classes=10)
    rng = generator(0, "resnet")
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if tensor.dim() > 1:
                _ = tensor.copy_(torch.randn(tensor.shape, generator=rng) * (2 / tensor[0].numel()) ** 0.5)
            elif "bn" in name and name.endswith("weight"):
                _ = tensor.fill_(0.5)
        inputs = torch.randn(24, 3, 32, 32, generator=rng)
        labels = network.eval()(inputs).argmax(dim=1)
    law = LAWS["state-dependent"]

    found = preview_network(network, [(inputs, labels)], sigma_ds=[0.02], law=law, max_passes=4, images_a_pass=24)

    tried = try_network(network, [(inputs, labels)], sigma_ds=[0.02], law=law, num_instances=16)
    real = tried.instances[columns.ACCURACY]
    error = ((found.curve[columns.CI95][0] / 1.96) ** 2 + real.var() / len(real)) ** 0.5
    assert found.refusal is None
    assert len(found.unequal) == 21
    assert abs(found.curve[columns.MEAN][0] - real.mean()) < 5 * error
    assert 0.1 < found.curve[columns.MEAN][0] < 0.999


class Reads(nn.Module):
    """A layer's weight that is read, but by no layer of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 12)
        self.classify = nn.Linear(12, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        return self.classify(torch.relu(linear(images.flatten(1), self.hidden.weight)))


class Twice(nn.Module):
    """A layer that is run twice."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Linear(64, 64)
        self.classify = nn.Linear(64, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.again(images.flatten(1)))
        return self.classify(torch.relu(self.again(features)))


class Rows(nn.Module):
    """Rows of an image that lie in the batch's axis, as inputs do."""

    def __init__(self) -> None:
        super().__init__()
        self.of_rows = nn.Linear(8, 4)
        self.classify = nn.Linear(32, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        rows = torch.relu(self.of_rows(images.reshape(-1, 8)))
        return self.classify(rows.reshape(len(images), -1))


class Tied(nn.Module):
    """Two layers of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.second = nn.Linear(64, 64)
        self.second.weight = self.first.weight
        self.classify = nn.Linear(64, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        return self.classify(torch.relu(self.second(torch.relu(self.first(images.flatten(1))))))


def recurrent() -> nn.Module:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = nn.GRU(8, 12, batch_first=True)
            self.classify = nn.Linear(12, 4)

        @override
        def forward(self, images: Tensor) -> Tensor:
            return self.classify(self.cells(images.flatten(1, 2))[0][:, -1])

    return Recurrent()


def listened_to() -> nn.Module:
    hidden = nn.Linear(64, 12)
    _ = hidden.register_forward_hook(lambda _module, _inputs, outputs: cast("Tensor", outputs) * 2)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(12, 4))


OTHERS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "read elsewhere": (Reads, "raises AttributeError"),
    "run twice": (Twice, "A pass runs layer again 2 times"),
    "rows as inputs": (Rows, "Layer of_rows is given 24 rows of 3 inputs"),
    "tied": (Tied, "Several layers share the weight first"),
    "recurrent": (recurrent, "is no weight of a plain linear or convolution layer, but of a GRU"),
    "hooks": (listened_to, "Layer 1 has hooks"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_where_layers_cannot_be_drawn_by_themselves_inputs_share_chips_and_it_is_said_why(name: str) -> None:
    make, why = OTHERS[name]
    network = make().eval()
    rng = generator(2, name)
    with torch.no_grad():
        for tensor in network.parameters():
            _ = tensor.copy_(torch.randn(tensor.shape, generator=rng) / (tensor.shape[-1] ** 0.5))
        inputs = torch.randn(150, 1, 8, 8, generator=rng)
        labels = network(inputs).argmax(dim=1)

    found = preview_network(network, batched(inputs, labels), sigma_ds=SIGMA_DS, max_passes=PASSES)

    assert why in (found.refusal or "")
    assert found.num_chips < found.num_images
    agree(found, network, batched(inputs, labels), LAWS["one std"])


def test_chips_that_miss_by_no_gaussian_are_shared_and_it_is_said_why() -> None:
    network, inputs, labels = made("in a row")
    law = ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise=0.1))

    found = preview_network(network, batched(inputs, labels), sigma_ds=[0.1], law=law, max_passes=2)

    assert "no Gaussian" in (found.refusal or "")
    assert found.num_chips < found.num_images


def test_a_seed_gives_the_same_numbers_and_the_network_is_left_alone() -> None:
    network, inputs, labels = made("residual")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    first, again = (
        preview_network(network, batched(inputs, labels), sigma_ds=[0.1], seed=7, max_passes=2) for _ in range(2)
    )
    other = preview_network(network, batched(inputs, labels), sigma_ds=[0.1], seed=8, max_passes=2)

    assert first.curve.equals(again.curve)
    assert not first.curve.equals(other.curve)
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in before.items())


def test_it_ends_once_the_mean_is_known() -> None:
    network, inputs, labels = made("in a row")

    known = preview_network(network, batched(inputs, labels), sigma_ds=[0.1], precision=0.02, max_passes=200)
    least = preview_network(network, batched(inputs, labels), sigma_ds=[0.1], max_passes=known.num_passes - 1)

    assert 1 < known.num_passes < 200
    assert known.curve[columns.CI95][0] <= 0.02 < least.curve[columns.CI95][0]
    assert preview_network(network, batched(inputs, labels), sigma_ds=0.1, precision=1e-9, max_passes=3).num_passes == 3


def beside_real(network: nn.Module, inputs: Tensor, labels: Tensor, **asked: Any) -> PreviewedNetwork:
    """A preview layer by layer, which agrees with real chips."""
    found = preview_network(network, batched(inputs, labels), sigma_ds=SIGMA_DS, max_passes=PASSES, **asked)
    assert found.refusal is None
    agree(found, network, batched(inputs, labels), LAWS["one std"])
    return found


def test_a_class_that_cannot_be_may_be_barred_by_the_last_layer_itself() -> None:
    """Whose noise is integrated."""
    network, inputs, _ = made("in a row")
    with torch.no_grad():
        dict(network.named_parameters())["4.bias"][2] = float("-inf")
        labels = network(inputs).argmax(dim=1)
    labels[:20] = 2

    found = beside_real(network, inputs, labels)

    assert found.clean_accuracy == pytest.approx(130 / 150)


@pytest.mark.parametrize("name", ["in a row", "a convolution at the end"])
def test_a_network_in_float64_is_previewed_layer_by_layer(name: str) -> None:
    network, inputs, labels = made(name)

    found = beside_real(network.double(), inputs.double(), labels)

    single = preview_network(network.float(), batched(inputs, labels), sigma_ds=SIGMA_DS, max_passes=PASSES)
    assert (abs(found.curve[columns.MEAN] - single.curve[columns.MEAN]) < 0.01).all()


def test_what_a_network_raises_only_under_variation_is_why_chips_are_shared() -> None:
    network, inputs, labels = made("in a row")

    class Strict(nn.Module):
        """Raises once a noisy layer varies."""

        def __init__(self) -> None:
            super().__init__()
            self.inside = network

        @override
        def forward(self, images: Tensor) -> Tensor:
            layer = self.inside.get_submodule("1")
            if isinstance(layer, NoisyLayer) and layer._state.sigma_ds.any():
                message = "no variation, please"
                raise RuntimeError(message)
            return self.inside(images)

    found = preview_network(Strict(), batched(inputs, labels), sigma_ds=[0.1], max_passes=1)

    assert "no variation, please" in (found.refusal or "")


@pytest.mark.parametrize("name", ["residual", "in a row"])
@pytest.mark.parametrize("disjoint", [False, True])
def test_an_input_that_is_no_number_counts_as_wrong_and_is_noted(name: str, disjoint: bool) -> None:
    network, inputs, labels = made(name, 60)
    inputs[7, 0, 3, 3] = float("nan")
    batches = batched(inputs, labels)

    found = preview_network(network, batches, sigma_ds=SIGMA_DS, max_passes=2, disjoint=disjoint, images_a_pass=60)

    tried = try_network(network, batches, sigma_ds=SIGMA_DS, num_instances=2)
    seen = 60 if not disjoint else 60 // 12 * 12
    assert found.clean_accuracy == pytest.approx(tried.instances[columns.ACCURACY].iloc[0])
    assert f" of {2 * seen * 3} outputs were not finite" in found.notes[-1]
    assert found.notes[-1].startswith("6 of")
    assert any("not finite" in note for note in tried.notes)
    assert found.curve[columns.MEAN].notna().all()


def test_smooth_features_of_many_channels_need_no_factor() -> None:
    """512 channels that one number a pixel gives: rounding leaves their Gram matrices negative eigenvalues."""
    network = nn.Sequential(
        nn.Conv2d(1, 512, 1),
        nn.Conv2d(512, 8, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(7),
        nn.Flatten(),
        nn.Linear(128, 4),
    )
    rng = generator(3, "smooth")
    with torch.no_grad():
        for tensor in network.parameters():
            _ = tensor.copy_(torch.randn(tensor.shape, generator=rng) / (tensor[0].numel() ** 0.5))
        steps = torch.linspace(0, 3, 28)
        phases = 6 * torch.rand(8, 1, 1, 1, generator=rng)
        inputs = torch.sin(steps[:, None] + phases) * torch.cos(steps + 2 * phases)
        labels = network(inputs).argmax(dim=1)

    found = preview_network(network, [(inputs, labels)], sigma_ds=[0.1], max_passes=2, images_a_pass=8)

    tried = try_network(network, [(inputs, labels)], sigma_ds=[0.1], num_instances=16)
    real = tried.instances[columns.ACCURACY]
    error = ((found.curve[columns.CI95][0] / 1.96) ** 2 + real.var() / len(real)) ** 0.5
    assert found.refusal is None
    assert abs(found.curve[columns.MEAN][0] - real.mean()) < 5 * error


@pytest.mark.parametrize("disjoint", [False, True])
def test_near_an_accuracy_of_1_the_mean_is_known_as_well_as_it_says(disjoint: bool) -> None:
    """Of 24 previews that end by their precision, 20 or more hold the mean that 20,000 images on own chips have.

    Most see no loss on their first pass, whose spread is then 0: that alone would leave half of them outside.
    """
    network, inputs, labels = made("probabilities")
    asked: dict[str, Any] = {"sigma_ds": NEAR_1, "images_a_pass": 100}
    truth = preview_network(network, [(inputs, labels)], max_passes=200, seed=999, **asked).curve[columns.MEAN][0]
    assert 0.99 < truth < 0.999

    found = [
        preview_network(network, [(inputs, labels)], precision=0.004, seed=seed, disjoint=disjoint, **asked)
        for seed in range(24)
    ]

    assert all(one.curve[columns.CI95][0] > 0 for one in found)
    assert sum(abs(one.curve[columns.MEAN][0] - truth) <= one.curve[columns.CI95][0] for one in found) >= 20


def test_more_inputs_than_are_looked_at_are_stood_for_by_some_and_it_is_said() -> None:
    network, inputs, labels = made("in a row", 1300)
    labels[::5] = (labels[::5] + 1) % 4

    found = preview_network(network, batched(inputs, labels), sigma_ds=[0.0], max_passes=1)

    assert found.clean_accuracy != 0.8
    assert abs(found.clean_accuracy - 0.8) < 0.05
    assert "1000 of 1300 inputs, drawn at random, stand for all" in found.notes[-1]
    all_seen = preview_network(network, batched(inputs[:1000], labels[:1000]), sigma_ds=[0.0], max_passes=1)
    assert not any("stand for all" in note for note in all_seen.notes)


def test_labels_that_do_not_count_are_left_out() -> None:
    network, inputs, labels = made("in a row")
    some = labels.clone()
    some[::3] = -100

    found = preview_network(network, batched(inputs, some), sigma_ds=[0.1], max_passes=2)
    alone = preview_network(network, batched(inputs[some >= 0], some[some >= 0]), sigma_ds=[0.1], max_passes=2)

    assert found.curve.equals(alone.curve)
    assert any("do not count" in note for note in found.notes)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"max_passes": 0}, "max_passes must be at least 1; got 0"),
        ({"images_a_pass": 1}, "images_a_pass must be at least 2; got 1"),
        ({"precision": -0.1}, "precision must be a number above 0"),
        ({"sigma_ds": [-0.1]}, "none below 0"),
        ({"cores": 0}, "cores must be at least 1"),
        ({"in_devices": ["nothing"]}, "nothing"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(asked: dict[str, Any], words: str) -> None:
    network, inputs, labels = made("in a row", 20)

    with pytest.raises(ConfigError, match=words):
        _ = preview_network(network, [(inputs, labels)], **cast("Any", {"sigma_ds": [0.1]} | asked))


def test_what_a_preview_cannot_take_is_said_with_what_can() -> None:
    network, inputs, labels = made("in a row", 20)

    class OfTwo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = network

        @override
        def forward(self, images: Tensor, factor: Tensor) -> Tensor:
            return self.inside(images * factor)

    with pytest.raises(ConfigError, match=r"called with more than one tensor. neft.try_network"):
        _ = preview_network(OfTwo(), [((inputs, torch.ones(20, 1, 1, 1)), labels)], sigma_ds=[0.1])
    with pytest.raises(ConfigError, match=r"one label an input; got labels of shape \[20, 4\]"):
        _ = preview_network(network, [(inputs, torch.ones(20, 4, dtype=torch.long))], sigma_ds=[0.1])
    with pytest.raises(ConfigError, match="at least two inputs whose labels count; got 1"):
        _ = preview_network(network, [(inputs, labels.where(torch.arange(20) == 3, -100))], sigma_ds=[0.1])
    pooled = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)).eval()
    with pytest.raises(ConfigError, match=r"inputs of one shape; got \[1, 6, 6\], \[1, 8, 8\]"):
        _ = preview_network(pooled, [(inputs, labels), (inputs[:, :, 1:7, 1:7], labels)], sigma_ds=[0.1])


def test_it_is_a_public_name() -> None:
    assert neft.preview_network is preview_network
