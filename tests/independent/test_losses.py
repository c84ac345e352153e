"""Every training method's losses on the same network, batch and normals, and their gradients in the weights."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from neft.component import build
from neft.config import RunConfig, TrainingConfig
from neft.devices import DEVICES
from neft.methods import METHODS, BaseMethod, Moment
from neft.networks.backbones import Mlp
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.training.forward import BatchForward
from tests.independent.naive import devices as naive_devices
from tests.independent.naive import losses as naive
from tests.independent.naive import mapping as naive_mapping
from tests.independent.naive.losses import Batch, Weights

SHAPE = InputShape(num_channels=4, image_size=1, num_classes=3, num_axes=0)
BACKBONE = Mlp(hidden_layers=3, hidden_units=5)
COUNT, SIGMA_D, SEED, CHIPS = 7, 0.1, 5, 11
MOMENT = Moment(epoch=3, step=2, progress=0.4)
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in METHODS),
    *((name, {"temperature": 4.0}) for name in METHODS),
    ("ovf", {"beta": 0.3, "decay": "reversed", "num_feedback": 2}),
    ("ovf", {"beta": 0.3, "decay": "constant", "delta_sigma": -0.05}),
    ("ovf", {"beta": 0.3, "raised_layers": "first_and_last", "decay_base": 3.0}),
    ("irs", {"beta": 0.3, "classifier_noise": False}),
    ("irs", {"beta": 0.3, "decay": "reversed", "decay_base": 3.0}),
    ("irs", {"beta": 0.3, "decay": "constant", "num_feedback": 2}),
    ("correctnet", {"strength": 0.5}),
    ("orthogonality", {"strength": 0.5}),
    ("right_censored", {"limit": 0.5}),
    ("a_trice", {"limit": 0.5, "attack": 0.1, "strength": 0.3}),
    ("ramped", {"over": 3.0}),
    ("random_sigma", {"theta": 0.5}),
    ("consistency", {"strength": 3.0}),
    ("sam", {"rho": 0.5, "relative": True}),
    ("asam", {"rho": 1.5}),
    ("distillation", {"teacher_share": 0.9, "softening": 2.0}),
    ("adversarial_weights", {"attack": 0.1, "attack_steps": 3, "strength": 0.3}),
]
NO_LOSS = {"feedback_moves_batchnorm", "teacher_run", "largest_sigma_d"}
"""Settings that leave a loss of these networks alone: they have no BatchNorm; the other two choose what is given."""


def test_every_method_has_an_independent_form() -> None:
    assert set(METHODS) == set(naive.LOSSES), "write the new method's loss in tests/independent/naive/losses.py"


def test_every_setting_of_a_method_is_tried() -> None:
    tried = {name: {field for case, settings in CASES if case == name for field in settings} for name in METHODS}
    left = {name: set(method.model_fields) - tried[name] - NO_LOSS - {"name"} for name, method in METHODS.items()}
    assert {name: fields for name, fields in left.items() if fields} == {}, "try the new setting here"


# ---------------------------------------------------------------- one network, twice
def a_network(num_snapshots: int, seed: int = 0) -> Network:
    """In float64."""
    network = build_network(BACKBONE, SHAPE, num_snapshots=num_snapshots)
    initialise(network, torch.Generator().manual_seed(seed))
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            _ = torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(len(name)))
    return network.double().train()


def inputs() -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(2)
    return torch.tensor(rng.normal(size=(COUNT, 4))), torch.tensor(rng.integers(3, size=COUNT))


class Copy:
    """The same network in NumPy: products, biases and ReLUs."""

    def __init__(self, network: Network, images: Tensor) -> None:
        self._numbers = {name: value.detach().numpy().copy() for name, value in network.named_parameters()}
        self._images = images.numpy()
        names = [name for name in self._numbers if name.endswith("weight")]
        self.body = [name for name in names if not name.startswith("heads.")]
        heads = [name for name in names if name.startswith("heads.")]
        self.heads = list(zip(heads[::2], heads[1::2], strict=True))

    def weights(self) -> Weights:
        """Noise-free, from the input to the output, the heads' last."""
        found = {name: self._numbers[name] for name in self.body}
        return found | {name: self._numbers[name] for pair in self.heads for name in pair}

    def _layer(self, name: str, weights: Weights, values: naive.Array) -> naive.Array:
        bias = self._numbers[name.removesuffix("weight") + "bias"]
        return np.einsum("oi,ni->no", weights[name], values) + bias

    def _features(self, weights: Weights) -> list[naive.Array]:
        found: list[naive.Array] = []
        values = self._images
        for name in self.body[:-1]:
            values = np.maximum(self._layer(name, weights, values), 0.0)
            found.append(values)
        return found

    def run(self, weights: Weights) -> naive.Array:
        """Logits."""
        return self._layer(self.body[-1], weights, self._features(weights)[-1])

    def run_heads(self, weights: Weights) -> list[naive.Array]:
        """Of the shallowest hidden layer first: Linear, ReLU, Linear."""
        found: list[naive.Array] = []
        for values, (first, second) in zip(self._features(weights), self.heads, strict=False):
            found.append(self._layer(second, weights, np.maximum(self._layer(first, weights, values), 0.0)))
        return found


def chips_of(weights: Weights, *, seed: int) -> Iterator[Weights]:
    """Standard normals as a torch generator draws them, layer by layer, chip after chip."""
    rng = torch.Generator().manual_seed(seed)
    while True:
        yield {name: torch.randn(weight.shape, generator=rng).double().numpy() for name, weight in weights.items()}


def stds_of(weights: Weights, device: str) -> Weights:
    """One factor a weight, as training chips are sampled: NeFT's released code."""
    factor = naive_mapping.Plan().factor
    found: Weights = {}
    for name, weight in weights.items():
        top = naive.largest(weight)
        of = [top * naive_devices.one_factor(device, abs(w) / top, factor) for w in weight.ravel()]
        found[name] = np.array(of).reshape(weight.shape)
    return found


def both(method: BaseMethod, device: str) -> tuple[Network, BatchForward, Batch]:
    """What the method is handed, and the same for the naive one."""
    images, labels = inputs()
    network, teacher = a_network(method.num_snapshots), a_network(0, seed=9)
    config = RunConfig.make(device=DEVICES[device](), method=method, training=TrainingConfig(seed=SEED))
    chips = torch.Generator().manual_seed(CHIPS)
    forward = BatchForward(network, images, config, chips, moment=MOMENT, teacher=teacher)
    copy = Copy(network, images)
    weights = copy.weights()
    state = forward.rng.get_state()
    uniforms = {
        name: torch.rand(weight.shape, generator=forward.rng).double().numpy() for name, weight in weights.items()
    }
    _ = forward.rng.set_state(state)
    normal = float(torch.randn((), generator=forward.rng))
    _ = forward.rng.set_state(state)
    batch = Batch(
        labels=labels.tolist(),
        run=copy.run,
        run_heads=copy.run_heads,
        weights=weights,
        stds=stds_of(weights, device),
        chips=chips_of(weights, seed=CHIPS),
        uniforms=uniforms,
        normal=normal,
        progress=MOMENT.progress,
        teacher=Copy(teacher, images).run(Copy(teacher, images).weights()),
    )
    return network, forward, batch


def without_heads(batch: Batch, method: BaseMethod) -> Batch:
    """Where heads are not noisy they draw nothing."""
    if getattr(method, "classifier_noise", True):
        return batch
    body = {name: weight for name, weight in batch.weights.items() if not name.startswith("heads.")}
    batch.chips = chips_of(body, seed=CHIPS)
    return batch


@pytest.mark.parametrize("device", ["rram1", "rram4"])
@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_losses_and_their_gradients(name: str, settings: dict[str, Any], device: str) -> None:
    """Each loss that a step is made of, and its slope in some weights of every layer, by central differences."""
    method = build(METHODS[name], settings)
    network, forward, batch = both(method, device)
    labels = torch.tensor(batch.labels)
    expected = naive.LOSSES[name](without_heads(batch, method), method.model_dump(), SIGMA_D)
    rng = np.random.default_rng(0)

    found = list(method.losses(forward, labels, sigma_d=SIGMA_D))

    assert len(found) == len(expected)
    for (loss, _), naive_loss in zip(found, expected, strict=True):
        assert float(loss.detach()) == pytest.approx(naive_loss(batch.weights), rel=1e-6)
        network.zero_grad()
        _ = loss.backward(retain_graph=True)
        for layer, weight in network.device_weights().items():
            for _ in range(3):
                place = tuple(int(rng.integers(size)) for size in weight.shape)
                slope = naive.slope(naive_loss, batch.weights, layer, place)
                gradient = 0.0 if weight.grad is None else float(weight.grad[place])
                assert gradient == pytest.approx(slope, rel=1e-5, abs=2e-7)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_percent_would_be_seen(name: str) -> None:
    """One percent more variation, or a temperature one percent higher, is another loss."""
    method = build(METHODS[name], {"temperature": 2.0})
    _, forward, batch = both(method, "rram1")
    found = list(method.losses(forward, torch.tensor(batch.labels), sigma_d=SIGMA_D))
    settings = method.model_dump()
    sigma_d = SIGMA_D * 1.01 if method.uses_noise else SIGMA_D
    other = naive.LOSSES[name](batch, settings | {"temperature": 2.0 if method.uses_noise else 2.02}, sigma_d)

    for (loss, _), naive_loss in zip(found, other, strict=True):
        assert float(loss.detach()) != pytest.approx(naive_loss(batch.weights), rel=1e-6)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_deployed_weights(name: str) -> None:
    """W; of A-TRICE W + m(t) sigma_d std."""
    method = METHODS[name]()
    weight, std = torch.tensor([[0.3, -0.2]], dtype=torch.float64), torch.tensor([[0.05, 0.01]], dtype=torch.float64)

    found = method.deployed({"layer": weight}, stds={"layer": std})["layer"]

    pairs = zip(weight[0].tolist(), std[0].tolist(), strict=True)
    expected = [naive.deployed(name, method.model_dump(), w, s) for w, s in pairs]
    assert found[0].tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("largest", [0.4, 1.0])
def test_searched_sigma_d(largest: float) -> None:
    """TRICE (arXiv 2307.15853): the quarter points of what is left; the best one's half is kept, to a width of 1e-4."""
    method = cast("Any", METHODS["right_censored"])(largest_sigma_d=largest)
    start, end = 0.0, largest
    rng = np.random.default_rng(1)
    chosen: list[float] = []
    for _ in range(20):
        width = end - start
        expected = [start + width * share for share in (0.25, 0.5, 0.75)] if width >= 1e-4 else [(start + end) / 2]
        found = method.candidates(0.1, chosen)
        assert list(found) == pytest.approx(expected, abs=1e-12)
        winner = found[int(rng.integers(len(found)))]
        chosen.append(winner)
        if width >= 1e-4:
            start, end = winner - width / 4, winner + width / 4
