"""Tensors' shapes are checked at every call while tests run, wherever a module writes them."""

from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

import neft
from neft.metrics.base import Predictions

ROOT = Path(neft.__file__).parent


def checked_packages(config: pytest.Config) -> list[str]:
    """The packages that the run's settings name, without the checker behind them."""
    return str(config.getoption("--jaxtyping-packages")).split(",")[:-1]


def test_every_module_that_writes_shapes_is_checked_and_no_package_without_any(pytestconfig: pytest.Config) -> None:
    writing = {
        path.relative_to(ROOT.parent).with_suffix("").as_posix().replace("/", ".")
        for path in ROOT.rglob("*.py")
        if "from jaxtyping import" in path.read_text()
    }
    packages = checked_packages(pytestconfig)
    covered = {package: {name for name in writing if f"{name}.".startswith(f"{package}.")} for package in packages}
    assert writing == set().union(*covered.values())
    assert [package for package, names in covered.items() if not names] == []


def test_a_wrong_shape_is_caught() -> None:
    with pytest.raises(TypeCheckError):
        _ = Predictions.from_logits(torch.zeros(2, 3), torch.zeros(4, dtype=torch.int64))
