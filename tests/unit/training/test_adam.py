"""Adam, against torch's own."""

import subprocess
import sys

import torch
from torch import Tensor

from neft.training.adam import Adam

RATES = (1e-2, 5e-3, 1e-3, 0.0)


def parameters() -> list[Tensor]:
    rng = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=rng).requires_grad_() for shape in ((4, 3), (7,), ())]


def gradients(step: int) -> list[Tensor]:
    rng = torch.Generator().manual_seed(100 + step)
    return [torch.randn(parameter.shape, generator=rng) for parameter in parameters()]


def test_steps_are_torchs_bit_for_bit() -> None:
    ours, theirs = parameters(), parameters()
    adam, reference = Adam(ours, rate=RATES[0]), torch.optim.Adam(theirs, lr=RATES[0])

    for step, rate in enumerate(RATES):
        adam.rate = reference.param_groups[0]["lr"] = rate
        for one, other, gradient in zip(ours, theirs, gradients(step), strict=True):
            one.grad, other.grad = gradient, gradient.clone()
        adam.step()
        reference.step()

        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)
            assert adam.state[one].keys() == reference.state[other].keys()
            for name, moment in adam.state[one].items():
                assert torch.equal(moment, reference.state[other][name])


def test_parameter_without_gradient_stands_still() -> None:
    still, moved = parameters()[:2]
    before = still.detach().clone()
    adam = Adam([still, moved], rate=0.1)
    moved.grad = torch.ones_like(moved)

    adam.step()

    assert torch.equal(still, before)
    assert adam.state[still] == {}


def test_gradients_are_forgotten() -> None:
    (parameter, *_) = parameters()
    parameter.grad = torch.ones_like(parameter)

    Adam([parameter], rate=0.1).forget_gradients()

    assert parameter.grad is None


def test_a_step_loads_no_compiler() -> None:
    script = (
        "import sys, torch; from neft.training.adam import Adam; "
        "p = torch.ones(2, requires_grad=True); p.grad = torch.ones(2); "
        "Adam([p], rate=0.1).step(); print('torch._dynamo' in sys.modules)"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout == "False\n"
