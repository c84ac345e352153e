"""The naive forms use nothing of the package, nor torch; and what goes wrong in the package is seen."""

import ast
from pathlib import Path

import pytest
import torch

from neft.chips import device_by_device
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import perturbations
from neft.methods.ovf import Ovf
from neft.metrics.base import Predictions
from neft.networks.converters import rounding
from tests.independent import test_converters, test_effects, test_losses, test_mapping, test_metrics, test_programming

NAIVE = Path(__file__).parent / "naive"
ALLOWED = {"numpy", "scipy"}


@pytest.mark.parametrize("path", sorted(NAIVE.glob("*.py")), ids=lambda path: path.name)
def test_naive_forms_use_nothing_of_the_package(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
        for module in modules:
            top = module.partition(".")[0]
            assert top in ALLOWED or module.startswith("tests.independent.naive") or top in STANDARD, (
                path.name,
                module,
            )


STANDARD = {"collections", "dataclasses", "itertools", "math", "statistics", "typing"}


# ---------------------------------------------------------------- errors that each comparison must see
def test_a_wrong_unit_of_sigma_d_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of 2^K in the place of the highest level, 2^K - 1: variances of the package's devices grow by 16/9."""
    before = test_mapping.UNEVEN.code_stds

    def wrong(device: object, mapping: BitSlicing) -> tuple[torch.Tensor, bool]:
        del device
        return before(mapping) * 4 / 3, False

    monkeypatch.setattr("neft.chips.sampling._code_stds", wrong)
    with pytest.raises(AssertionError):
        test_mapping.test_stds(test_mapping.MAPPINGS[0])


def test_a_programming_that_forgets_its_tolerance_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(normals: torch.Tensor, std: torch.Tensor, tolerance: float) -> torch.Tensor:
        del tolerance
        return normals * std

    monkeypatch.setattr("neft.programming.write_verify.within", wrong)
    with pytest.raises(AssertionError):
        test_programming.test_a_chip_of_the_same_normals(test_programming.WriteVerify(), test_programming.FEW[0])


def test_a_percent_of_conductance_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing brings it back: drift compensation would."""
    happened = device_by_device.happened

    def wrong(effects: object, devices: object, draws: object, bias: torch.Tensor) -> torch.Tensor:
        return happened(effects, devices, draws, bias) * 1.01  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(device_by_device, "happened", wrong)
    with pytest.raises(AssertionError):
        test_effects.test_a_chip_of_the_same_draws(test_effects.CASES[0])


def test_feedback_of_the_wrong_sign_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ovf, "gamma", (-0.01, -0.1, -1.0))
    with pytest.raises(AssertionError):
        test_losses.test_losses_and_their_gradients("ovf", {}, "rram1")


def test_a_divergence_the_other_way_round_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = perturbations.divergence

    def swapped(ours: torch.Tensor, theirs: torch.Tensor, *, temperature: float) -> torch.Tensor:
        return right(theirs, ours, temperature=temperature)

    monkeypatch.setattr("neft.methods.consistency.divergence", swapped)
    with pytest.raises(AssertionError):
        test_losses.test_losses_and_their_gradients("consistency", {}, "rram1")


def test_a_converter_of_a_level_too_many_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = rounding.num_levels

    def wrong(bits: int, sides: torch.Tensor) -> torch.Tensor:
        return right(bits, sides) + 1

    monkeypatch.setattr(rounding, "num_levels", wrong)
    with pytest.raises(AssertionError):
        test_converters.test_conversion(4, 0)


def test_an_ekl_of_all_images_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong predictions counted as right ones are."""
    right = Predictions.from_logits

    def all_right(logits: torch.Tensor, labels: torch.Tensor, *, temperature: float = 1.0) -> Predictions:
        found = right(logits, labels, temperature=temperature)
        return Predictions(
            found.log_probabilities, labels, found.confidence, torch.ones_like(found.correct), found.lost
        )

    monkeypatch.setattr(Predictions, "from_logits", all_right)
    with pytest.raises(AssertionError):
        test_metrics.test_metric_of_random_logits("ekl", 1.0)
