"""A chip that is opened again is the chip of the evaluation."""

import pytest
import torch

from neft import columns
from neft.inspection.opened_chips import OpenedChips
from neft.metrics import METRICS, Predictions
from neft.pipeline import Settings, chip_law, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.store import CACHED_RUNS, RunStore

RUN = "digits-vgg8w8-noise_injection-s0.10-seed0-a7886f70"


@pytest.fixture(scope="module")
def opened() -> OpenedChips:
    """The chips of a stored run."""
    store = RunStore(CACHED_RUNS, read_only=True)
    record = store.record(RUN)
    config = stored_config(record)
    data = load_data(config, Settings(store=store))
    network = restore_network(config, data, store.weights(record))
    return OpenedChips(network, data, chip_law(config), seed=config.evaluation.seed)


def test_its_metrics_are_those_that_the_evaluation_stored(opened: OpenedChips) -> None:
    store = RunStore(CACHED_RUNS, read_only=True)
    rows = store.instances(store.record(RUN))
    sigma_ds = sorted({float(value) for value in rows[columns.SIGMA_D]})
    tried = dict(opened.each([0, 7], sigma_ds=sigma_ds))
    assert list(tried) == [0, 7]
    for instance, outputs in tried.items():
        for sigma_d, logits in zip(sigma_ds, outputs, strict=True):
            chip = rows[((rows[columns.SIGMA_D] - sigma_d).abs() < 1e-9) & (rows[columns.INSTANCE] == instance)]
            predictions = Predictions.from_logits(logits, opened.labels)
            for name in (columns.ACCURACY, columns.EKL, columns.MEAN_CONFIDENCE):
                found = float(METRICS[name].compute(predictions))
                assert found == pytest.approx(float(chip[name].iloc[0]), rel=1e-4), (name, sigma_d)


def test_some_images_alone_give_the_same_outputs(opened: OpenedChips) -> None:
    every = opened.logits(3, sigma_ds=[0.1])
    some = opened.logits(3, sigma_ds=[0.1], images=[5, 0, 17])
    torch.testing.assert_close(some, every[:, [5, 0, 17]], rtol=1e-4, atol=1e-4)
