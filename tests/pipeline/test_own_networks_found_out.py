"""What is found out of networks of one's own before they are tried, on all batches that they are given.

What is right is worked out as in `test_own_networks`: a chip's weights are copied into the network, and its forward is
run, batch by batch.
"""

import random
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name
from torch.nn.utils import prune, weight_norm
from typing_extensions import override

import neft
from neft import columns
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.evaluation.monte_carlo import try_network
from neft.evaluation.own_settings import check_settings, one_or_more
from neft.evaluation.own_trial import Tried
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.device_layers import device_weights
from neft.seeding import generator
from tests.pipeline.test_own_networks import (
    LABELS,
    NUM_CLASSES,
    SIGMA_D,
    accuracies,
    assert_right,
    by_hand,
    confidences,
    flat,
    images,
    lived_in,
)

Function = Callable[[Tensor], Tensor]


class Last(nn.Module):
    """A linear network and what comes after it."""

    def __init__(self, function: Function, width: int = NUM_CLASSES) -> None:
        super().__init__()
        self.first, self.out, self.function = nn.Linear(300, 16), nn.Linear(16, width), function

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(self.out(torch.relu(self.first(inputs.flatten(1)))))


def shares(network: nn.Module, batches: list[tuple[Tensor, Tensor]], right: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """Of each chip the share of right answers, by hand, batch by batch."""
    found: list[float] = []
    for chip in range(2):
        one = [right(by_hand(network, inputs, chip=chip), labels).float() for inputs, labels in batches]
        found.append(float(torch.cat(one).mean()))
    return pytest.approx(found)


def classes(outputs: Tensor, labels: Tensor) -> Tensor:
    return outputs.argmax(dim=1) == labels


def tried_on(network: nn.Module, batches: list[tuple[Tensor, Tensor]], **settings: Any) -> Tried:
    return try_network(network, batches, sigma_ds=SIGMA_D, num_instances=2, **settings)


def note_of(tried: Tried, start: str) -> str:
    (note,) = (note for note in tried.notes if note.startswith(start))
    return note


# ---------------------------------------------------------------- later batches


def test_what_only_later_batches_tell_is_found_out_on_them() -> None:
    network = lived_in(Last(lambda outputs: 1.1 * outputs - outputs.mean(dim=0)))
    many = images(600)
    later = many[many.mean(dim=(1, 2, 3)).argsort()]
    batches = [(images(1).repeat(20, 1, 1, 1), torch.zeros(20).long()), (later, torch.arange(600) % NUM_CLASSES)]
    tried = tried_on(network, batches)
    assert accuracies(tried) == shares(network, batches, classes)
    assert "of batch 2" in note_of(tried, "Computed as the network was given")


class EarlyExit(Last):
    """Leaves early where the batch is bright; the first is not."""

    def __init__(self) -> None:
        super().__init__(torch.tanh)
        self.early = nn.Linear(16, NUM_CLASSES)

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.abs().mean() > 1.5:
            return self.early(torch.relu(self.first(inputs.flatten(1))))
        return super().forward(inputs)


def test_a_way_that_is_taken_by_numbers_is_taken_as_the_whole_batch_has_it() -> None:
    network, mixed = lived_in(EarlyExit()), images(300, seed=1)
    mixed[:150] *= 4
    batches = [(images(), LABELS), (mixed, torch.arange(300) % NUM_CLASSES)]
    tried = tried_on(network, batches)
    assert accuracies(tried) == shares(network, batches, classes)
    assert "takes another way by numbers" in note_of(tried, "Computed as the network was given")


def test_a_weight_that_a_later_batch_reads_is_not_said_to_be_unread() -> None:
    tried = tried_on(lived_in(EarlyExit()), [(images(), LABELS), (images() * 4, LABELS)])
    assert not any("nothing reads" in note for note in tried.notes)


@pytest.mark.parametrize("alone_first", [False, True])
def test_a_single_input_may_lose_its_axis(alone_first: bool) -> None:
    network, labels = lived_in(Last(torch.squeeze, 1)), torch.arange(40).remainder(2).float()
    batches = [(images()[:39], labels[:39]), (images()[39:], labels[39:])]
    tried = tried_on(network, batches[::-1] if alone_first else batches)
    whole = by_hand(network, images()) > 0
    assert accuracies(tried)[0] == pytest.approx(float((whole == labels.bool()).float().mean()))


# ---------------------------------------------------------------- hooks, memory and chance


class Listens(nn.Module):
    """Takes its features from what a hook kept."""

    def __init__(self, *, by_default: bool) -> None:
        super().__init__()
        self.body, self.out = nn.Linear(300, 16), nn.Linear(16, NUM_CLASSES)
        self.kept: dict[str, Tensor] = {}

        def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            self.kept["features"] = output

        def keep_in(_module: nn.Module, _inputs: Any, output: Tensor, kept: dict[str, Tensor] = self.kept) -> None:
            kept["features"] = output

        _ = self.body.register_forward_hook(keep_in if by_default else keep)

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        _ = self.body(inputs.flatten(1))
        return self.out(self.kept["features"])


@pytest.mark.parametrize("by_default", [False, True])
def test_a_hook_that_closes_over_its_network_closes_over_each_chips_own(by_default: bool) -> None:
    network = lived_in(Listens(by_default=by_default))
    with torch.no_grad():
        _ = network(images(seed=1))  # what an earlier pass of the user's left behind
    right: list[float] = []
    for chip in range(2):
        own = {name: weight.detach().clone() for name, weight in device_weights(network).items()}
        rng = generator(0, "chip", chip)
        held = neft.program(own, device=Rram1(), mapping=BitSlicing(), sigma_d=SIGMA_D, rng=rng)
        with torch.no_grad():  # in place, as no copy by hand has the hook close over itself
            _ = network.load_state_dict(held, strict=False)
            right.append(float(classes(network(images()), LABELS).float().mean()))
            _ = network.load_state_dict(own, strict=False)
    assert accuracies(tried_on(network, [(images(), LABELS)])) == pytest.approx(right)


def test_a_function_of_the_network_that_reads_it_from_a_global_variable_is_refused() -> None:
    network = lived_in(flat())
    space: dict[str, Any] = {"own": network}
    exec("def hook(module, inputs, output): return output + own[1].bias.sum()", space)  # noqa: S102 - a script's
    _ = network.get_submodule("2").register_forward_hook(space["hook"])
    with pytest.raises(ConfigError, match=r"function hook .* global variable 'own'"):
        _ = tried_on(network, [(images(), LABELS)])


def numpy_noise(outputs: Tensor) -> Tensor:
    return outputs + torch.from_numpy(np.random.randn(*outputs.shape)).float()  # noqa: NPY002 - as networks do


def python_noise(outputs: Tensor) -> Tensor:
    return outputs + torch.arange(NUM_CLASSES) * random.gauss(0, 1)


@pytest.mark.parametrize("noise", [numpy_noise, python_noise])
def test_numpys_and_pythons_chance_comes_from_the_seed(noise: Function) -> None:
    network = lived_in(Last(noise))
    before: Any = np.random.get_state()  # noqa: NPY002 - to see that they stay
    one = tried_on(network, [(images(), LABELS)])
    after: Any = np.random.get_state()  # noqa: NPY002 - as above
    assert np.array_equal(after[1], before[1])
    assert after[2] == before[2]
    _ = np.random.rand(), random.random()  # noqa: NPY002, S311 - what else the program draws
    other = tried_on(network, [(images(), LABELS)])
    assert one.instances.equals(other.instances)
    assert note_of(one, "The network draws random numbers")


def test_a_network_that_remembers_in_an_attribute_meets_each_batch_as_it_was_given() -> None:
    class Counts(nn.Module):
        count = 0

        @override
        def forward(self, inputs: Tensor) -> Tensor:
            self.count += 1
            return inputs if self.count < 3 else -inputs

    network = lived_in(flat(Counts()))
    batches = [(images(seed=seed), LABELS) for seed in range(4)]
    tried = tried_on(network, batches)
    assert accuracies(tried) == shares(network, batches, classes)
    assert note_of(tried, "What the network keeps is put back")


class InItsClass(nn.Module):
    """Keeps the last batch's outputs for all of its kind."""

    kept: ClassVar[dict[str, Tensor]] = {}

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        outputs = inputs + 0.5 * self.kept.get("outputs", torch.zeros(()))
        self.kept["outputs"] = outputs
        return outputs


unseeded = np.random.default_rng()


class Unseeded(nn.Module):
    """Draws what no seed reaches."""

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + unseeded.normal()


@pytest.mark.parametrize("layer", [InItsClass, Unseeded])
def test_what_a_network_keeps_outside_of_itself_is_said(layer: type[nn.Module]) -> None:
    tried = tried_on(lived_in(flat(layer())), [(images(), LABELS)])
    assert note_of(tried, "Computed as the network was given")
    assert note_of(tried, "The network keeps something outside of itself")


# ---------------------------------------------------------------- weights


class Sixteenths(nn.Linear):
    """Uses sixteenths."""

    @override
    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, (self.weight * 16).round() / 16, self.bias)


def test_an_input_of_the_weights_shape_is_not_taken_for_what_the_layer_uses() -> None:
    network = lived_in(flat(Sixteenths(16, 16), nn.ReLU()))
    inputs = images(48)
    labels = by_hand(network, inputs, sigma_d=0.0).argmax(dim=1)
    whole = try_network(network, [(inputs, labels)], sigma_ds=0.1, num_instances=2, weights="used")
    cut = [(inputs[start : start + 16], labels[start : start + 16]) for start in (0, 16, 32)]
    square = try_network(network, cut, sigma_ds=0.1, num_instances=2, weights="used")
    np.testing.assert_allclose(square.instances, whole.instances, rtol=1e-4)


class WritesOver(nn.Linear):
    """Clips its stored weight in every pass."""

    @override
    def forward(self, input: Tensor) -> Tensor:
        _ = self.weight.data.clamp_(-0.1, 0.1)
        return F.linear(input, self.weight, self.bias)


def test_a_layer_that_writes_over_its_weight_is_named() -> None:
    network = lived_in(flat(WritesOver(16, 16)))
    tried = assert_right(network, images(), noted=True)
    assert note_of(tried, "2.weight: the layer changes its weight before it uses it")
    with pytest.raises(ConfigError, match=r"2\.weight is written over in every pass"):
        _ = tried_on(network, [(images(), LABELS)], weights="used")


class Listed(nn.Module):
    """Keeps a layer in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(16, 16)]

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers[0](inputs)


class Codes(nn.Module):
    """Keeps its weight as whole numbers in a buffer."""

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.randint(-9, 9, (16, 16), generator=generator(0, "codes"), dtype=torch.int8))

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return F.linear(inputs, self.codes.float() / 9)


class OwnWeight(nn.Module):
    """Rounds a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(16, 16))

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs @ ((self.matrix * 8).round() / 8).t()


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Listed, "Not in devices: 2.layers[0].weight (multiplied with inputs, but no parameter"),
        (Codes, "Not in devices: 2.codes (multiplied with inputs, but no parameter"),
        (OwnWeight, "2.matrix: multiplied with inputs as a layer's weights are"),
    ],
)
def test_what_inputs_are_multiplied_with_outside_of_devices_is_named(layer: type[nn.Module], said: str) -> None:
    assert note_of(tried_on(lived_in(flat(layer())), [(images(), LABELS)]), said)


def test_tied_weights_are_not_said_to_be_changed() -> None:
    network = flat(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
    network.get_submodule("4").weight = network.get_submodule("2").weight
    assert tried_on(lived_in(network), [(images(), LABELS)]).notes == ()


def test_a_network_of_compiled_parts_is_what_was_compiled() -> None:
    network = lived_in(flat(nn.Linear(16, 16)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch imports what torch says is to go
        compiled: Any = torch.compile(network.get_submodule("2"), backend="eager")
        parts = nn.Sequential(*network.children())
        parts[2] = compiled
    one, other = (tried_on(each, [(images(), LABELS)]) for each in (network, parts))
    np.testing.assert_allclose(one.instances, other.instances, rtol=1e-4)


# ---------------------------------------------------------------- outputs


def classes_second(outputs: Tensor) -> Tensor:
    return outputs.movedim(-1, 1)


def as_they_are(outputs: Tensor) -> Tensor:
    return outputs


def test_an_axis_that_may_be_the_classes_or_not_is_asked_for() -> None:
    network = lived_in(nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (5, 20)), nn.Flatten(1, 2), nn.Linear(20, 15)))
    labels = by_hand(network, images(), sigma_d=0.0).argmax(dim=2)
    with pytest.raises(ConfigError, match=r"second or the last axis .* cannot be told"):
        _ = tried_on(network, [(images(), labels)])
    tried = tried_on(network, [(images(), labels)], logits=classes_second)
    right = [(by_hand(network, images(), chip=chip).argmax(dim=2) == labels).float().mean() for chip in range(2)]
    assert accuracies(tried) == pytest.approx([float(one) for one in right])


def test_sigmoids_of_classes_give_the_metrics_of_their_logits() -> None:
    logits = tried_on(lived_in(Last(nn.Identity())), [(images(), LABELS)])
    sigmoids = tried_on(lived_in(Last(torch.sigmoid)), [(images(), LABELS)])
    np.testing.assert_allclose(sigmoids.instances, logits.instances, rtol=1e-3)
    assert note_of(sigmoids, "The outputs are probabilities")


def by_exp(logits: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-logits))


def by_tanh(logits: Tensor) -> Tensor:
    return (torch.tanh(logits / 2) + 1) / 2


def clamped_with_an_axis(logits: Tensor) -> Tensor:
    return torch.sigmoid(logits).clamp(1e-6, 1 - 1e-6)[:, :, None]


def times_one(logits: Tensor) -> Tensor:
    return torch.sigmoid(logits) * 1.0


@pytest.mark.parametrize("function", [torch.special.expit, by_exp, by_tanh, clamped_with_an_axis, times_one])
def test_a_yes_or_no_by_any_sigmoid_is_one_above_a_half(function: Function) -> None:
    labels = torch.arange(40) % 2
    logits = tried_on(lived_in(Last(nn.Identity(), 1)), [(images(), labels)])
    tried = tried_on(lived_in(Last(function, 1)), [(images(), labels)])
    assert accuracies(tried) == accuracies(logits)
    assert confidences(tried) == pytest.approx(confidences(logits), rel=1e-3)
    assert any("probabilities" in note for note in tried.notes)


def test_outputs_that_are_said_to_be_logits_are_taken_so() -> None:
    network = lived_in(Last(lambda logits: logits.clamp(0, 1), 1))
    labels = torch.ones(40).long()
    tried = tried_on(network, [(images(), labels)], logits=as_they_are)
    right = [float((by_hand(network, images(), chip=chip) > 0).float().mean()) for chip in range(2)]
    assert accuracies(tried) == pytest.approx(right)


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("sigma_ds", ["0.1", b"1", None, True, [0.1, "0.2"], []])
def test_device_variations_that_are_no_numbers_are_refused_in_a_sentence(sigma_ds: object) -> None:
    with pytest.raises(ConfigError, match=r"sigma_ds \(device variations\) must be different numbers"):
        _ = one_or_more(sigma_ds)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"num_instances": 2.5}, r"num_instances \(chips\) must be a whole number; got 2.5"),
        ({"chips_at_once": "2"}, "chips_at_once must be a whole number; got '2'"),
        ({"cores": 0}, "cores must be at least 1; got 0"),
        ({"min_instances": 0}, r"min_instances \(fewest chips\) must be at least 1; got 0"),
        ({"precision": float("nan")}, "precision must be a number above 0, or None; got nan"),
        ({"precision": 0}, "precision must be a number above 0, or None; got 0"),
        ({"precision": "0.1"}, "precision must be a number above 0, or None; got '0.1'"),
        ({"torch_device": "foo"}, "torch cannot compute on 'foo'"),
        ({"weights": "foo"}, "Unknown weights 'foo'. Known: stored, used"),
        ({"logits": "logits"}, "logits must be a function of the network's outputs, or None; got str"),
        ({"ignore_index": 0.5}, "ignore_index must be a whole number; got 0.5"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(settings: dict[str, object], said: str) -> None:
    usual: dict[str, object] = {"num_instances": np.int64(2), "chips_at_once": 1, "cores": 1, "min_instances": None}
    usual |= {"ignore_index": -100, "precision": None, "weights": "stored", "logits": None, "torch_device": "cpu"}
    check_settings(**usual)
    with pytest.raises(ConfigError, match=said):
        check_settings(**(usual | settings))


def test_what_cannot_be_asked_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(ConfigError, match="torch cannot compute on 'foo'"):
        _ = tried_on(lived_in(flat()), [(images(), LABELS)], torch_device="foo")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: flat().to("meta"), r"1\.weight"),
        (lambda: flat(nn.LazyBatchNorm1d()), r"2\.weight"),
    ],
    ids=["meta", "lazy"],
)
def test_a_network_without_values_yet_is_refused(make: Callable[[], nn.Module], name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that lazy layers may change
        network = make()
    with pytest.raises(ConfigError, match=f"{name} has no values yet"):
        _ = tried_on(network, [(images(), LABELS)])


def test_torchs_default_type_changes_nothing() -> None:
    network, batches = lived_in(flat()), [(images(), LABELS)]
    usual = tried_on(network, batches)
    torch.set_default_dtype(torch.float64)
    try:
        wide = tried_on(network, batches)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(wide.instances, usual.instances, rtol=1e-4)


# ---------------------------------------------------------------- advice


def scaled_before_use(layer: nn.Linear) -> None:
    """A learning rate that is equal for all layers, as generators of images have it."""
    layer.register_parameter("weight_orig", nn.Parameter(layer.weight.detach()))
    del layer._parameters["weight"]
    layer.weight = layer.get_parameter("weight_orig").detach()

    def scale(module: Any, _inputs: Any) -> None:
        module.weight = module.weight_orig * 1.4

    _ = layer.register_forward_pre_hook(scale)


def test_of_a_weight_that_a_hook_computes_the_parameters_are_named() -> None:
    network = flat()
    scaled_before_use(network.get_submodule("2"))  # pyright: ignore[reportArgumentType]
    network.eval()
    with pytest.raises(ConfigError, match=r"2\.weight is computed .* those of this layer are: weight_orig\."):
        _ = tried_on(network, [(images(), LABELS)])
    advised = try_network(
        network, [(images(), LABELS)], sigma_ds=[0.0, 0.5], num_instances=1, in_devices=["1.weight", "2.weight_orig"]
    )
    assert advised.instances[columns.MEAN_CONFIDENCE].nunique() == 2


def test_the_way_out_is_that_of_what_computes_the_weight_itself() -> None:
    network = flat()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that the older ways are to go
        _ = prune.l1_unstructured(network.get_submodule("2"), "bias", 0.5)
        _ = weight_norm(network.get_submodule("2"))
    with pytest.raises(ConfigError, match=r'torch\.nn\.utils\.remove_weight_norm\(layer, "weight"\)'):
        _ = tried_on(network.eval(), [(images(), LABELS)])


def test_a_network_without_known_layers_is_refused_with_the_way_to_name_weights() -> None:
    with pytest.raises(ConfigError, match=r"is seen in it; in_devices=\[…\] names those that do\. Known: matrix"):
        _ = tried_on(OwnWeight(), [(torch.randn(8, 16, generator=generator(0, "x")), torch.zeros(8).long())])
