"""Networks of one's own compute on chips what they compute themselves, however they are written.

What is right is worked out here by hand: a chip's weights are copied into the network, and its own forward is run.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.ao.quantization import quantize_dynamic  # pyright: ignore[reportDeprecated] - still in use
from torch.nn import functional as F  # noqa: N812 - torch's own name
from torch.nn.utils import prune, spectral_norm, weight_norm
from typing_extensions import override

import neft
from neft import columns
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.evaluation.monte_carlo import try_network
from neft.evaluation.own_batches import read_batches
from neft.evaluation.own_network import own_module
from neft.evaluation.own_trial import Tried
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.device_layers import device_weights, parameter_table
from neft.seeding import generator

SIGMA_D = 0.15
NUM_CHIPS = 2
NUM_CLASSES = 5


def images(count: int = 40, *, size: int = 10, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, size, size, generator=generator(seed, "images"))


def lived_in(network: nn.Module) -> nn.Module:
    """With weights of its own, and BatchNorm that is far from the identity."""
    rng = generator(0, "lived_in")
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.5 if parameter.dim() < 2 else parameter[0].numel() ** -0.5, generator=rng)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.5, generator=rng)
            module.running_var.uniform_(0.3, 2.0, generator=rng)  # pyright: ignore[reportOptionalMemberAccess]
            nn.init.uniform_(module.weight, -1.0, 1.5, generator=rng)
    return network.eval()


@torch.no_grad()
def by_hand(network: nn.Module, *inputs: Any, chip: int = 0, sigma_d: float = SIGMA_D, **named: Any) -> Any:
    """What the network puts out with this chip's weights."""
    own = copy.deepcopy(network).eval()
    weights = {name: weight.detach() for name, weight in device_weights(own).items()}
    rng = generator(0, "chip", chip)
    held = neft.program(weights, device=Rram1(), mapping=BitSlicing(), sigma_d=sigma_d, rng=rng)
    for name, weight in held.items():
        _ = own.get_parameter(name).copy_(weight)
    return own(*inputs, **named)


def accuracies(tried: Tried) -> list[float]:
    return tried.instances[columns.ACCURACY].tolist()


def shares_right(found: list[Tensor], labels: Tensor) -> list[float]:
    return [float((logits.argmax(dim=1) == labels).float().mean()) for logits in found]


def confidences(tried: Tried) -> list[float]:
    return tried.instances[columns.MEAN_CONFIDENCE].tolist()


def assert_right(network: nn.Module, inputs: Tensor, *, noted: bool) -> Tried:
    """Each chip is as sure, and as often right, as by hand; labels are what the network says without variation."""
    labels = by_hand(network, inputs, sigma_d=0.0).argmax(dim=1)
    tried = try_network(network, [(inputs, labels)], sigma_ds=[0.0, SIGMA_D], num_instances=NUM_CHIPS)
    chips = [
        by_hand(network, inputs, chip=chip, sigma_d=sigma_d) for sigma_d in (0.0, SIGMA_D) for chip in range(NUM_CHIPS)
    ]
    assert accuracies(tried) == pytest.approx(shares_right(chips, labels))
    sure = [float(logits.softmax(dim=1).amax(dim=1).mean()) for logits in chips]
    assert len(set(sure)) == 1 + NUM_CHIPS
    assert confidences(tried) == pytest.approx(sure, rel=1e-4)
    assert any("as the network was given" in note for note in tried.notes) == noted
    return tried


class Net(nn.Module):
    """A convolution, its BatchNorm and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, NUM_CLASSES)

    def pooled(self, features: Tensor) -> Tensor:
        return self.out(features.mean(dim=(2, 3)))

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return self.pooled(torch.relu(self.norm(self.conv(inputs))))


class Views(Net):
    """Flattens by `view`, which channels-last tensors have none of."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(8 * 64, NUM_CLASSES)

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        features = torch.relu(self.norm(self.conv(inputs)))
        return self.out(features.view(len(inputs), -1))


class Strides(Net):
    """Reads its features in the order in which they lie in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(8 * 64, NUM_CLASSES)

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        features = self.norm(self.conv(inputs))
        return self.out(features.as_strided((len(inputs), 8 * 64), (8 * 64, 1)))


class Gate(Net):
    """Reads an attribute of its BatchNorm."""

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        gate = (self.norm.weight > 0).float().view(1, -1, 1, 1)
        return self.pooled(self.norm(self.conv(inputs)) * gate)


class KindOfLayer(nn.Module):
    """Asks of what kind its layers are."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.MaxPool2d(2)])
        self.out = nn.Linear(8, NUM_CLASSES)

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        for layer in self.layers:
            inputs = layer(inputs)
            if isinstance(layer, nn.MaxPool2d):
                inputs = inputs.abs()
        return self.out(inputs.mean(dim=(2, 3)))


class OptionalSkip(Net):
    """A tracer takes the other way: to it the missing argument is there."""

    @override
    def forward(self, inputs: Tensor, skip: Tensor | None = None) -> Tensor:
        features = self.conv(inputs)
        skip = features if skip is None else skip
        return self.pooled(torch.relu(self.norm(features) + skip))


class AcrossTheBatch(Net):
    """Centres its features over the batch."""

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        features = self.conv(inputs)
        return self.pooled(features - features.mean(dim=0, keepdim=True))


class Standardised(nn.Conv2d):
    """Standardises its weight before it uses it."""

    @override
    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return self._conv_forward(input, weight / (weight.std(dim=(1, 2, 3), keepdim=True) + 1e-5), self.bias)


class Standard(Net):
    """A standardised convolution before a BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Standardised(3, 8, 3)


class ThreeLevels(nn.Linear):
    """Uses -w, 0 and w alone."""

    @override
    def forward(self, input: Tensor) -> Tensor:
        largest = self.weight.abs().max()
        return F.linear(input, (self.weight / largest).round() * largest, self.bias)


class Caches(nn.Linear):
    """Keeps the first weight that it ever used."""

    kept: Tensor | None = None

    @override
    def forward(self, input: Tensor) -> Tensor:
        if self.kept is None:
            self.kept = self.weight * 1.0
        return F.linear(input, self.kept, self.bias)


class Spikes(nn.Module):
    """Adds up what it is given until it fires."""

    def __init__(self) -> None:
        super().__init__()
        self.potential: Any = 0.0

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        self.potential = self.potential * 0.9 + inputs
        fired = (self.potential > 0.5).float()
        self.potential = self.potential - fired
        return fired


class RunningRange(nn.Module):
    """Scales by a range that it keeps in a buffer while it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("largest", torch.ones(()))

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        self.largest = torch.maximum(self.largest, inputs.detach().abs().max())
        return inputs / self.largest


def flat(*layers: nn.Module) -> nn.Module:
    """A linear network with these layers inside."""
    return nn.Sequential(nn.Flatten(), nn.Linear(300, 16), *layers, nn.Linear(16, NUM_CLASSES))


@pytest.mark.parametrize(
    "make",
    [
        Views,
        Strides,
        Gate,
        KindOfLayer,
        OptionalSkip,
        AcrossTheBatch,
        lambda: flat(nn.BatchNorm1d(16, track_running_stats=False)),
        lambda: flat(Caches(16, 16), nn.ReLU()),
    ],
    ids=["view", "strides", "attribute", "kind", "optional", "batch", "batch_statistics", "cached_weight"],
)
def test_what_changes_when_made_fast_is_computed_as_it_was_given(make: Callable[[], nn.Module]) -> None:
    _ = assert_right(lived_in(make()), images(), noted=True)


def test_what_does_not_change_is_made_fast() -> None:
    assert assert_right(lived_in(Net()), images(), noted=False).notes == ()


def clipped(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    """An ADC's range."""
    return output.clamp(-0.3, 0.3)


def halved(_module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    """A driver's gain."""
    return (inputs[0] * 0.5 + 0.2,)


@pytest.mark.parametrize("layer", ["conv", "norm", "pool"])
@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
def test_a_hook_is_kept_wherever_it_sits(layer: str, before: bool) -> None:
    network = nn.Sequential()
    network.add_module("conv", nn.Conv2d(3, 8, 3))
    network.add_module("norm", nn.BatchNorm2d(8))
    network.add_module("pool", nn.MaxPool2d(2))
    network.add_module("rest", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, NUM_CLASSES)))
    module = lived_in(network).get_submodule(layer)
    _ = module.register_forward_pre_hook(halved) if before else module.register_forward_hook(clipped)
    _ = assert_right(network, images(), noted=False)


def test_a_hook_that_first_acts_on_later_batches_is_kept() -> None:
    network = lived_in(Net())

    def far(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        return output.clamp(max=4.0)

    _ = network.norm.register_forward_hook(far)
    first, later = images(), images(seed=1) * 9
    labels = [by_hand(network, inputs, sigma_d=0.0).argmax(dim=1) for inputs in (first, later)]
    tried = try_network(network, list(zip((first, later), labels, strict=True)), sigma_ds=0.0, num_instances=1)
    assert accuracies(tried) == [1.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_type_gives_what_float32_does(dtype: torch.dtype) -> None:
    network = lived_in(flat(nn.ReLU()))
    with torch.no_grad():
        for layer in (network[1], network[3]):  # pyright: ignore[reportIndexIssue]
            layer.weight *= 0.02  # codes of small weights are where half precision would go wrong
            layer.bias.zero_()
    inputs = images(80)
    clean = by_hand(network, inputs, sigma_d=0.0)
    sure = clean.topk(2).values.diff().abs()[:, 0] > 0.1 * clean.abs().max()
    inputs, labels = inputs[sure], clean[sure].argmax(dim=1)
    tried = try_network(network.to(dtype), [(inputs.to(dtype), labels)], sigma_ds=0.0, num_instances=1)
    assert len(labels) > 20
    assert accuracies(tried) == [1.0]


def test_a_layer_that_changes_its_weight_is_named() -> None:
    tried = assert_right(lived_in(Standard()), images(), noted=False)
    (note,) = (note for note in tried.notes if "changes its weight" in note)
    assert note.startswith("conv.weight:")
    assert "weights='used'" in note


def test_deviations_may_be_put_on_what_the_layer_uses() -> None:
    network = lived_in(flat(ThreeLevels(16, 16), nn.ReLU()))
    baked = copy.deepcopy(network)
    largest = baked[2].weight.abs().max()  # pyright: ignore[reportIndexIssue]
    plain = nn.Linear(16, 16)
    plain.bias = baked[2].bias  # pyright: ignore[reportIndexIssue]
    plain.weight = nn.Parameter((baked[2].weight / largest).round() * largest)  # pyright: ignore[reportIndexIssue]
    baked[2] = plain  # pyright: ignore[reportIndexIssue]
    inputs = images()
    labels = by_hand(baked, inputs, sigma_d=0.0).argmax(dim=1)
    used, stored = (
        try_network(network, [(inputs, labels)], sigma_ds=SIGMA_D, num_instances=3, weights=which)
        for which in ("used", "stored")
    )
    assert accuracies(used) == pytest.approx(
        shares_right([by_hand(baked, inputs, chip=chip) for chip in range(3)], labels)
    )
    assert used.notes == ()
    assert accuracies(used) != accuracies(stored)


def test_a_weight_of_an_unknown_layer_is_named() -> None:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrix = nn.Parameter(torch.randn(16, 16, generator=generator(0, "matrix")))

        @override
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs @ self.matrix

    tried = assert_right(lived_in(flat(Dense())), images(), noted=False)
    assert tried.notes[0].startswith("2.matrix: multiplied with inputs")


def test_a_weight_that_nothing_reads_is_named() -> None:
    network = Net()
    network.spare = nn.Linear(3, 3)
    network = lived_in(network)
    tried = assert_right(network, images(), noted=False)
    assert tried.notes[0].startswith("spare.weight: nothing reads this weight")


def test_a_network_that_reads_none_of_its_own_weights_is_refused() -> None:
    network, other = lived_in(flat()), lived_in(flat())
    first, last = other.get_submodule("1"), other.get_submodule("2")

    def through_these(inputs: Tensor) -> Tensor:
        return last(first(inputs.flatten(1)))

    network.forward = through_these
    with pytest.raises(ConfigError, match="No weight in devices reaches the outputs"):
        _ = try_network(network, [(images(), LABELS)], sigma_ds=0.1)


def test_quantised_layers_are_listed_as_not_in_devices() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that this way of quantising is to go
        network = quantize_dynamic(  # pyright: ignore[reportDeprecated]
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(256, 5)).eval(), {nn.Linear}
        )
    labels = network(images()).argmax(dim=1)
    tried = try_network(network, [(images(), labels)], sigma_ds=0.1, num_instances=1)
    row = tried.parameters.set_index(columns.PARAMETER).loc["2.weight"]
    assert not bool(row[columns.IN_DEVICES])
    assert "before quantisation" in row[columns.REASON]
    assert any(note.startswith("Not in devices: 2 (quantised") for note in tried.notes)


def test_a_scripted_network_is_refused_with_what_to_pass() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = torch.jit.script(flat().eval())
    with pytest.raises(ConfigError, match=r"the network .TorchScript, .* before torch\.jit, or name its weights"):
        _ = try_network(network, [(images(), torch.zeros(40).long())], sigma_ds=0.1)
    named = try_network(
        network, [(images(), torch.zeros(40).long())], sigma_ds=[0.0, 0.5], num_instances=2, in_devices=["1.weight"]
    )
    assert named.instances[columns.MEAN_CONFIDENCE].nunique() == 3


def test_a_scripted_part_is_listed_as_not_in_devices() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = flat(torch.jit.script(nn.Linear(16, 16)))
    labels = network(images()).argmax(dim=1)
    tried = try_network(network.eval(), [(images(), labels)], sigma_ds=0.1, num_instances=1)
    table = tried.parameters.set_index(columns.PARAMETER)
    assert not table.loc["2.weight", columns.IN_DEVICES]
    assert any(note.startswith("Not in devices: 2 (TorchScript") for note in tried.notes)


def test_outputs_that_are_no_numbers_count_as_wrong_and_are_said() -> None:
    class Overflows(nn.Module):
        @override
        def forward(self, logits: Tensor) -> Tensor:
            return torch.where(logits[:, :1] > 0.5, torch.tensor(float("nan")), logits)

    network = lived_in(nn.Sequential(flat(), Overflows()))
    inputs = images()
    clean = by_hand(network, inputs, sigma_d=0.0)
    finite = clean.isfinite().all(dim=1)
    assert 0 < int(finite.sum()) < len(inputs)
    tried = try_network(network, [(inputs, clean.argmax(dim=1))], sigma_ds=0.0, num_instances=2)
    assert accuracies(tried) == pytest.approx([float(finite.float().mean())] * 2)
    assert tried.instances[[columns.EKL, columns.MEAN_CONFIDENCE, columns.CALIBRATION_ERROR]].notna().all(axis=None)
    lost = 2 * int((~finite).sum())
    assert any(note.startswith(f"{lost} of 80 outputs were not finite") for note in tried.notes)


def test_a_weight_that_is_no_number_is_named() -> None:
    network = lived_in(flat())
    network[1].weight.data[0, 0] = float("nan")  # pyright: ignore[reportIndexIssue]
    tried = try_network(network, [(images(), torch.zeros(40).long())], sigma_ds=0.1, num_instances=2)
    assert accuracies(tried) == [0.0, 0.0]
    assert tried.notes[0] == "1.weight holds numbers that are not finite."


@pytest.mark.parametrize("memory", [Spikes, RunningRange])
def test_a_chip_does_not_depend_on_what_was_tried_before_it(memory: type[nn.Module]) -> None:
    network = lived_in(flat(memory()))
    labels = torch.arange(40) % NUM_CLASSES
    batches = [(images(), labels), (images(seed=1)[:7], labels[:7])]
    alone = try_network(network, batches, sigma_ds=0.1, num_instances=2)
    after = try_network(network, batches, sigma_ds=[0.05, 0.1], num_instances=2)
    later = after.instances[after.instances[columns.SIGMA_D] == 0.1]
    assert alone.instances[columns.MEAN_CONFIDENCE].tolist() == later[columns.MEAN_CONFIDENCE].tolist()
    assert any("keeps is put back" in note for note in alone.notes)
    _ = assert_right(network, images(), noted=True)


def test_a_network_that_bears_a_single_pass_is_given_anew_for_each() -> None:
    class Once(nn.Module):
        used = False

        @override
        def forward(self, inputs: Tensor) -> Tensor:
            assert not self.used
            self.used = True
            return inputs

    network = lived_in(flat(Once()))
    batches = [(images(), LABELS), (images(seed=1), LABELS)]
    tried, usual = (try_network(one, batches, sigma_ds=0.1, num_instances=2) for one in (network, lived_in(flat())))
    np.testing.assert_allclose(tried.instances, usual.instances, rtol=1e-4)


def test_weights_that_are_written_anew_in_every_pass_are_each_chips_own() -> None:
    class Binary(nn.Linear):
        """Keeps its real weights beside, and writes their signs over them."""

        @override
        def forward(self, input: Tensor) -> Tensor:
            if not hasattr(self.weight, "real_values"):
                self.weight.real_values = self.weight.data.clone()
            self.weight.data = self.weight.real_values.sign() * 0.3
            return F.linear(input, self.weight, self.bias)

    tried = assert_right(lived_in(flat(Binary(16, 16), nn.ReLU())), images(), noted=True)
    assert any(note.startswith("2.weight: the layer changes its weight") for note in tried.notes)


def test_what_layers_use_cannot_be_taken_where_it_cannot_be_seen() -> None:
    class Shy(nn.Module):
        @override
        def forward(self, inputs: Tensor) -> Tensor:
            assert torch._C._len_torch_function_stack() == 0
            return inputs

    network, batches = lived_in(flat(Shy())), [(images(), LABELS)]
    _ = assert_right(network, images(), noted=False)
    with pytest.raises(ConfigError, match="cannot be seen; take 'stored'"):
        _ = try_network(network, batches, sigma_ds=0.1, weights="used")


def test_a_networks_own_chance_comes_from_the_seed() -> None:
    class AlwaysDrops(nn.Module):
        @override
        def forward(self, inputs: Tensor) -> Tensor:
            return F.dropout(inputs, 0.5)

    network = lived_in(flat(AlwaysDrops()))
    before = torch.get_rng_state()
    one, other = (
        try_network(network, [(images(), torch.zeros(40).long())], sigma_ds=sigma_ds, num_instances=2)
        for sigma_ds in ([0.1], [0.0, 0.1])
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert one.instances[columns.EKL].tolist() == other.instances[columns.EKL].tolist()[2:]
    assert any("draws random numbers" in note for note in one.notes)


@pytest.mark.parametrize("last", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1)], ids=["softmax", "log_softmax"])
def test_probabilities_give_the_metrics_of_their_logits(last: nn.Module) -> None:
    network = lived_in(flat())
    batches = [(images(), torch.arange(40) % NUM_CLASSES)]
    logits = try_network(network, batches, sigma_ds=0.1, num_instances=2)
    tried = try_network(nn.Sequential(network, last).eval(), batches, sigma_ds=0.1, num_instances=2)
    np.testing.assert_allclose(tried.instances, logits.instances, rtol=1e-4)
    assert [note for note in tried.notes if "probabilities" in note] == [
        note for note in tried.notes if isinstance(last, nn.Softmax)
    ]


def half_pruned(layer: nn.Module) -> nn.Module:
    return prune.l1_unstructured(layer, "weight", 0.5)


@pytest.mark.parametrize(
    ("make", "way_out"),
    [
        (half_pruned, 'prune.remove(layer, "weight")'),
        (spectral_norm, 'remove_spectral_norm(layer, "weight")'),
        (weight_norm, 'remove_weight_norm(layer, "weight")'),
        (nn.utils.parametrizations.weight_norm, 'parametrize.remove_parametrizations(layer, "weight")'),
    ],
    ids=["prune", "spectral_norm", "weight_norm", "parametrization"],
)
@pytest.mark.parametrize("kind", [lambda: nn.Linear(300, 5), lambda: nn.Conv2d(3, 4, 10)], ids=["linear", "conv"])
def test_a_computed_weight_is_refused_with_the_way_that_works(
    make: Callable[[nn.Module], Any], way_out: str, kind: Callable[[], nn.Module]
) -> None:
    layer = kind()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that the older ways are to go
        _ = make(layer)
    network = nn.Sequential(layer, nn.Flatten()) if isinstance(layer, nn.Conv2d) else nn.Sequential(nn.Flatten(), layer)
    _ = network(images())  # the computed weight is now one that copy.deepcopy refuses
    with pytest.raises(ConfigError) as refused:
        _ = try_network(network, [(images(), torch.zeros(40).long())], sigma_ds=0.1, num_instances=1)
    assert way_out in str(refused.value)
    _ = eval(f"torch.nn.utils.{way_out}", {"torch": torch, "layer": layer})  # noqa: S307 - the advice, taken
    tried = try_network(network, [(images(), torch.zeros(40).long())], sigma_ds=0.1, num_instances=1)
    assert len(tried.instances) == 1


def test_a_computed_weights_own_parameter_may_be_named() -> None:
    network = lived_in(flat())
    _ = prune.l1_unstructured(network[1], "weight", 0.5)  # pyright: ignore[reportIndexIssue]
    labels = torch.arange(40) % NUM_CLASSES
    tried = try_network(
        network, [(images(), labels)], sigma_ds=[0.0, 0.3], num_instances=1, in_devices=["1.weight_orig"]
    )
    assert tried.instances[columns.MEAN_CONFIDENCE].nunique() == 2


def test_results_kept_of_an_earlier_pass_do_not_hinder() -> None:
    class Keeps(nn.Module):
        @override
        def forward(self, inputs: Tensor) -> Tensor:
            self.seen = [inputs * 2]
            return inputs

    fresh, used = lived_in(flat(Keeps())), lived_in(flat(Keeps()))
    _ = used(images())
    with pytest.raises(RuntimeError):
        _ = copy.deepcopy(used)
    one, other = (
        try_network(network, [(images(), LABELS)], sigma_ds=0.1, num_instances=1) for network in (fresh, used)
    )
    assert one.instances.equals(other.instances)


def test_what_cannot_be_copied_is_refused() -> None:
    network = flat()
    network.stream = iter([1]).__next__  # pyright: ignore[reportArgumentType]
    network.generator = (number for number in range(3))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="Sequential cannot be copied"):
        _ = try_network(network, [(images(), torch.zeros(40).long())], sigma_ds=0.1)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be a torch.nn.Module, whose weights can be reached; got function"):
        _ = own_module(images)


def test_a_compiled_network_is_what_was_compiled() -> None:
    network = lived_in(Net())
    labels = torch.arange(40) % NUM_CLASSES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch imports what torch says is to go
        compiled = torch.compile(network)
    plain, compiled = (
        try_network(one, [(images(), labels)], sigma_ds=0.1, num_instances=2) for one in (network, compiled)
    )
    assert plain.instances.equals(compiled.instances)


def test_a_layer_without_values_yet_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"1\.weight has no values yet"):
        _ = try_network(
            nn.Sequential(nn.Flatten(), nn.LazyLinear(5)), [(images(), torch.zeros(40).long())], sigma_ds=0.1
        )


# ---------------------------------------------------------------- recurrent layers


class Reads(nn.Module):
    """A recurrent layer and a linear one; the batch is the second axis, unless told otherwise."""

    def __init__(self, recurrent: nn.Module, width: int) -> None:
        super().__init__()
        self.recurrent, self.out = recurrent, nn.Linear(width, NUM_CLASSES)

    @override
    def forward(self, steps: Tensor) -> Tensor:
        states, _ = self.recurrent(steps)
        return self.out(states[:, -1] if getattr(self.recurrent, "batch_first", False) else states[-1])


@pytest.mark.parametrize(
    "network",
    [
        Reads(nn.LSTM(4, 6, batch_first=True), 6),
        Reads(nn.LSTM(4, 6, num_layers=2, bidirectional=True), 12),
        Reads(nn.GRU(4, 6, batch_first=True), 6),
        Reads(nn.RNN(4, 6), 6),
    ],
    ids=["lstm", "lstm_time_first", "gru", "rnn_time_first"],
)
def test_recurrent_weights_lie_in_devices(network: Reads) -> None:
    wanted = {name for name, _ in network.named_parameters() if "weight" in name}
    table = parameter_table(network).set_index(columns.PARAMETER)
    assert set(table.index[table[columns.IN_DEVICES]]) == wanted
    time_first = not getattr(network.recurrent, "batch_first", False)
    steps = torch.randn(*((7, 40) if time_first else (40, 7)), 4, generator=generator(0, "steps"))
    _ = assert_right(network.eval(), steps, noted=time_first)


def test_weights_of_cells_and_projections_lie_in_devices() -> None:
    table = parameter_table(
        nn.Sequential(nn.LSTM(3, 4, proj_size=2), nn.LSTMCell(3, 4), nn.GRUCell(3, 4), nn.RNNCell(3, 4))
    )
    inside = table[columns.PARAMETER][table[columns.IN_DEVICES]]
    cells = {f"{cell}.weight_{part}" for cell in (1, 2, 3) for part in ("ih", "hh")}
    assert set(inside) == cells | {f"0.weight_{part}_l0" for part in ("ih", "hh", "hr")}


# ---------------------------------------------------------------- inputs


class TwoInputs(nn.Module):
    """Adds what two layers make of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(300, NUM_CLASSES), nn.Linear(300, NUM_CLASSES)

    @override
    def forward(self, image: Tensor, other: Tensor | None = None) -> Tensor:
        logits = self.first(image.flatten(1))
        return logits if other is None else logits + self.second(other.flatten(1))


LABELS = torch.arange(40) % NUM_CLASSES


@pytest.mark.parametrize(
    "batch",
    [
        ((images(), images(seed=1)), LABELS),
        ([images(), images(seed=1)], LABELS),
        ({"image": images(), "other": images(seed=1)}, LABELS),
        {"image": images(), "other": images(seed=1), "labels": LABELS},
        {"Label": LABELS.numpy(), "other": images(seed=1), "image": images()},
    ],
    ids=["tuple", "list", "dictionary", "one_dictionary", "numpy_labels"],
)
def test_several_inputs_are_the_networks_arguments(batch: Any) -> None:
    network = lived_in(TwoInputs())
    tried = try_network(network, [batch], sigma_ds=0.1, num_instances=2)
    right = [by_hand(network, images(), images(seed=1), chip=chip, sigma_d=0.1) for chip in range(2)]
    assert accuracies(tried) == pytest.approx(shares_right(right, LABELS))


@pytest.mark.parametrize(
    "batches",
    [
        [(images(), LABELS, torch.arange(40))],
        [{"image": images(), "target": LABELS}],
        [(images(), LABELS.numpy())],
        [(images(), LABELS.tolist())],
        [(images().numpy().astype(np.float64), LABELS)],
        [(images(), LABELS[:, None])],
        (images(), LABELS),
        [images(), LABELS],
        {"x": images(), "y": LABELS},
        [(images()[:0], LABELS[:0]), (images(), LABELS)],
        [(images()[:33], LABELS[:33]), (images()[33:], LABELS[33:])],
    ],
    ids=[
        "third",
        "dictionary",
        "numpy_labels",
        "list_labels",
        "numpy_inputs",
        "column",
        "pair",
        "list",
        "alone",
        "empty",
        "cut",
    ],
)
def test_batches_are_taken_as_data_loaders_give_them(batches: Any) -> None:
    network = lived_in(Net())
    usual = try_network(network, [(images(), LABELS)], sigma_ds=[0.1], num_instances=2)
    tried = try_network(network, batches, sigma_ds=[0.1], num_instances=2)
    np.testing.assert_allclose(tried.instances, usual.instances, rtol=1e-4)


def test_further_items_are_said_to_be_left_aside() -> None:
    tried = try_network(lived_in(Net()), [(images(), LABELS, LABELS, LABELS)], sigma_ds=0.1, num_instances=1)
    assert tried.notes == ("Of each batch, 2 more items beside inputs and labels was left aside.",)


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([{"image": images()}], "A batch has no labels, or several, among"),
        ([{"label": LABELS, "target": LABELS, "image": images()}], "A batch has no labels, or several, among"),
        ([images()[0]], "A batch is no pair of inputs and labels; got Tensor"),
        ([(images()[0], 3)], "got 3 alone. Batches are pairs"),
        ([(images(), ["cat"] * 40)], "labels must be numbers; got list"),
        ([(images()[:0], LABELS[:0])], "batches are empty"),
        ([({"x": images()}, LABELS)], "The network cannot take the first batch .*dict.* Batches are pairs"),
    ],
)
def test_what_is_no_batch_is_refused_with_what_batches_are(batches: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _ = try_network(lived_in(Net()), batches, sigma_ds=0.1, num_instances=1)


def test_what_gives_no_batches_is_refused() -> None:
    with pytest.raises(ConfigError, match="whatever gives batches one by one; got int"):
        _ = read_batches(7, Net(), torch_device="cpu")


def test_what_a_dictionary_holds_beside_the_networks_arguments_is_said_to_be_left_aside() -> None:
    network, pair = lived_in(TwoInputs()), {"image": images(), "other": images(seed=1)}
    tried = try_network(network, [pair | {"index": LABELS, "label": LABELS}], sigma_ds=0.1, num_instances=2)
    usual = try_network(network, [(pair, LABELS)], sigma_ds=0.1, num_instances=2)
    assert tried.instances.equals(usual.instances)
    assert tried.notes[0] == "Of each batch, index was left aside: the network takes no such input."


def test_later_batches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"got \[5\] of torch.int64 for outputs \[6, 5\]"):
        _ = try_network(
            lived_in(Net()), [(images(), LABELS), (images()[:6], LABELS[:5])], sigma_ds=0.1, num_instances=1
        )


@pytest.mark.parametrize("sigma_ds", [0.1, np.float32(0.1), np.array([0.1]), torch.tensor(0.1), (0.1,)])
def test_a_device_variation_may_stand_alone(sigma_ds: Any) -> None:
    tried = try_network(lived_in(Net()), [(images(), LABELS)], sigma_ds=sigma_ds, num_instances=1)
    assert tried.instances[columns.SIGMA_D].tolist() == pytest.approx([0.1])


@pytest.mark.parametrize("sigma_d", [float("nan"), float("inf"), -0.1])
def test_a_device_variation_that_cannot_be_is_refused(sigma_d: float) -> None:
    with pytest.raises(ConfigError, match="none below 0"):
        _ = try_network(lived_in(Net()), [(images(), LABELS)], sigma_ds=sigma_d)


# ---------------------------------------------------------------- outputs


class Named(NamedTuple):
    """An output with a name for its logits."""

    logits: Tensor
    features: Tensor


class Puts(Net):
    """Puts out its logits in a form of its own."""

    def __init__(self, form: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.form = form

    @override
    def forward(self, inputs: Tensor) -> Any:
        return self.form(super().forward(inputs))


def named(logits: Tensor) -> Named:
    return Named(logits, logits)


def keyed(logits: Tensor) -> dict[str, Any]:
    return {"logits": logits, "loss": 0.0}


def paired(logits: Tensor) -> tuple[Tensor, int]:
    return logits, 1


def nested(logits: Tensor) -> list[Any]:
    return [None, {"heads": logits}]


def first_of(outputs: Any) -> Any:
    return outputs[0]


def heads_of(outputs: Any) -> Any:
    return outputs[1]["heads"]


@pytest.mark.parametrize(("form", "logits"), [(named, None), (keyed, None), (paired, first_of), (nested, heads_of)])
def test_logits_are_found_among_outputs(form: Any, logits: Any) -> None:
    network = lived_in(Puts(form))
    usual = try_network(lived_in(Net()), [(images(), LABELS)], sigma_ds=0.1, num_instances=2)
    tried = try_network(network, [(images(), LABELS)], sigma_ds=0.1, num_instances=2, logits=logits)
    assert tried.instances.equals(usual.instances)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("last", [nn.Identity(), nn.Sigmoid()], ids=["logit", "probability"])
@pytest.mark.parametrize("floating", [False, True])
def test_one_logit_is_a_yes_or_no(column: bool, last: nn.Module, floating: bool) -> None:
    network = lived_in(nn.Sequential(nn.Flatten(), nn.Linear(300, 1), last, *([] if column else [nn.Flatten(0)])))
    labels = torch.arange(40) % 2
    given = labels.float() if floating else labels
    tried = try_network(network, [(images(), given)], sigma_ds=0.1, num_instances=2)
    above = 0.5 if isinstance(last, nn.Sigmoid) else 0.0
    right = [by_hand(network, images(), chip=chip, sigma_d=0.1).flatten() > above for chip in range(2)]
    assert accuracies(tried) == pytest.approx([float((yes == labels.bool()).float().mean()) for yes in right])
    logits = torch.stack([by_hand(network[:2], images(), chip=chip, sigma_d=0.1).flatten() for chip in range(2)])  # pyright: ignore[reportIndexIssue]
    sure = torch.sigmoid(logits.abs()).mean(dim=1)
    assert tried.instances[columns.MEAN_CONFIDENCE].tolist() == pytest.approx(sure.tolist(), rel=1e-4)


def test_several_labels_are_each_a_yes_or_no() -> None:
    network = lived_in(flat())
    labels = (torch.rand(40, NUM_CLASSES, generator=generator(0, "labels")) < 0.3).float()
    tried = try_network(network, [(images(), labels)], sigma_ds=0.1, num_instances=2)
    right = [((by_hand(network, images(), chip=chip, sigma_d=0.1) > 0) == labels.bool()) for chip in range(2)]
    assert accuracies(tried) == pytest.approx([float(one.float().mean()) for one in right])
    assert any("Several labels to an input" in note for note in tried.notes)


def test_one_hot_labels_are_classes() -> None:
    network = lived_in(flat())
    usual = try_network(network, [(images(), LABELS)], sigma_ds=0.1, num_instances=2)
    tried = try_network(network, [(images(), F.one_hot(LABELS).float())], sigma_ds=0.1, num_instances=2)
    assert tried.instances.equals(usual.instances)


@pytest.mark.parametrize("last", [False, True], ids=["second_axis", "last_axis"])
def test_every_pixel_or_step_may_have_a_label(last: bool) -> None:
    network: nn.Module = nn.Sequential(nn.Conv2d(3, NUM_CLASSES, 3))
    if last:
        network = nn.Sequential(nn.Flatten(2), nn.Linear(100, NUM_CLASSES))
    network = lived_in(network)
    clean = by_hand(network, images(), sigma_d=0.0)
    axis = 2 if last else 1
    labels = clean.argmax(dim=axis)
    tried = try_network(network, [(images(), labels)], sigma_ds=[0.0, 0.1], num_instances=1)
    noisy = by_hand(network, images(), sigma_d=0.1).argmax(dim=axis)
    assert accuracies(tried) == pytest.approx([1.0, float((noisy == labels).float().mean())])


@pytest.mark.parametrize(("ignored", "setting"), [(-100, {}), (255, {"ignore_index": 255})], ids=["usual", "named"])
def test_ignored_labels_do_not_count(ignored: int, setting: dict[str, Any]) -> None:
    network, counted = lived_in(flat()), torch.arange(40) % 3 > 0
    labels = torch.where(counted, LABELS, torch.tensor(ignored))
    tried = try_network(
        network,
        [(images(), labels)],
        sigma_ds=0.1,
        num_instances=2,
        **setting,
    )
    right = [by_hand(network, images(), chip=chip, sigma_d=0.1)[counted] for chip in range(2)]
    assert accuracies(tried) == pytest.approx(shares_right(right, LABELS[counted]))
    assert tried.notes == (f"14 of 40 labels are {ignored} and do not count.",)


def test_accuracy_is_also_told_class_by_class_and_balanced() -> None:
    network = lived_in(flat())
    labels = torch.where(torch.arange(40) < 30, 0, torch.arange(40) % 2 + 2)  # 30 of class 0, 5 each of 2 and 3
    tried = try_network(network, [(images(), labels)], sigma_ds=[0.1, 0.2], num_instances=2)
    chip = by_hand(network, images(), chip=1, sigma_d=0.2).argmax(dim=1)
    each = [float((chip[labels == number] == number).float().mean()) for number in (0, 2, 3)]
    of_chip = tried.classes.query("sigma_d == 0.2 and instance == 1")
    assert of_chip[columns.CLASS].tolist() == [0, 2, 3]
    assert of_chip[columns.NUM_LABELS].tolist() == [30, 5, 5]
    assert of_chip[columns.ACCURACY].tolist() == pytest.approx(each)
    balanced = tried.instances.query("sigma_d == 0.2 and instance == 1")[columns.BALANCED_ACCURACY]
    assert balanced.tolist() == pytest.approx([sum(each) / 3])


def test_chips_side_by_side_that_differ_are_computed_one_by_one() -> None:
    class Selects(nn.Module):
        @override
        def forward(self, features: Tensor) -> Tensor:
            return features[features.isfinite().all(dim=1)]

    network = lived_in(flat(Selects()))
    one, many = (
        try_network(network, [(images(), LABELS)], sigma_ds=0.1, num_instances=4, chips_at_once=count)
        for count in (1, 3)
    )
    assert one.instances.equals(many.instances)
    assert many.notes[0].startswith("Chips are computed one by one: side by side, the network raises")


def test_batches_may_be_made_while_they_are_read() -> None:
    def loader() -> Iterator[tuple[Tensor, Tensor]]:
        yield images()[:20], LABELS[:20]
        yield images()[20:], LABELS[20:]

    network = lived_in(Net())
    whole = try_network(network, [(images(), LABELS)], sigma_ds=0.1, num_instances=2)
    assert try_network(network, loader(), sigma_ds=0.1, num_instances=2).instances.equals(whole.instances)


def test_a_network_that_uses_gradients_inside_is_computed() -> None:
    class Descends(nn.Module):
        @override
        def forward(self, features: Tensor) -> Tensor:
            with torch.enable_grad():
                point = features.detach().requires_grad_()
                (slope,) = torch.autograd.grad((point**3).sum(), point)
            return features - 0.1 * slope

    _ = assert_right(lived_in(flat(Descends())), images(), noted=True)


def test_a_first_batch_is_taken_whole_where_parts_of_it_are_not() -> None:
    class Fixed(nn.Module):
        @override
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.reshape(600, 300)

    _ = assert_right(lived_in(nn.Sequential(Fixed(), flat()[1:])), images(600), noted=True)  # pyright: ignore[reportIndexIssue]


# ---------------------------------------------------------------- masked outputs
class Masked(nn.Module):
    """Batch statistics, and outputs of which some are masked by a large finite number."""

    def __init__(self, mask: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, bias=False),
            nn.BatchNorm2d(8, track_running_stats=False),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(8 * 64, NUM_CLASSES),
        )
        self.mask = mask

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return self.mask(self.body(inputs))


def _absent_class(logits: Tensor) -> Tensor:
    return torch.cat([logits[:, :-1], torch.full_like(logits[:, :1], torch.finfo(logits.dtype).min)], dim=1)


def _shifted_class(logits: Tensor) -> Tensor:
    return logits + torch.tensor([0.0] * (NUM_CLASSES - 1) + [-1e4])


def _lowest_of_each(logits: Tensor) -> Tensor:
    return logits.masked_fill(logits <= logits.amin(dim=1, keepdim=True), -1e9)


@pytest.mark.parametrize("mask", [_absent_class, _shifted_class, _lowest_of_each])
def test_masked_outputs_hide_no_difference_of_the_others(mask: Callable[[Tensor], Tensor]) -> None:
    network = lived_in(Masked(mask))

    _ = assert_right(network, images(48), noted=True)
