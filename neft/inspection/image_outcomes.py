"""What a chip says of each image, from its outputs."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor

from neft import columns
from neft.inspection.chip_report import FLIPPED, KEPT, MENDED
from neft.inspection.uncertainty import ChipOutcome
from neft.metrics import METRICS, Predictions


def image_predictions(
    clean: Float[Tensor, "images classes"],
    chip: Float[Tensor, "images classes"],
    labels: Int[Tensor, " images"],
) -> pd.DataFrame:
    """A row per image: what the clean network and the chip say of it, how surely, and whether that changed."""
    before, after = Predictions.from_logits(clean, labels), Predictions.from_logits(chip, labels)
    lost = (before.correct & ~after.correct).numpy()
    won = (~before.correct & after.correct).numpy()
    return pd.DataFrame(
        {
            columns.IMAGE: np.arange(len(labels)),
            columns.TRUE_CLASS: labels.numpy(),
            columns.CLEAN_CLASS: before.log_probabilities.argmax(dim=1).numpy(),
            columns.CLEAN_CONFIDENCE: before.confidence.numpy(),
            columns.CHIP_CLASS: after.log_probabilities.argmax(dim=1).numpy(),
            columns.CHIP_CONFIDENCE: after.confidence.numpy(),
            columns.CHANGE: np.where(lost, FLIPPED, np.where(won, MENDED, KEPT)),
        }
    )


def chip_outcome(
    logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"], *, temperature: float = 1.0
) -> ChipOutcome:
    """How sure a chip is of each image, its outputs divided by a temperature."""
    predictions = Predictions.from_logits(logits, labels, temperature=temperature)
    nats = -predictions.log_probabilities.gather(1, labels[:, None])[:, 0]
    return ChipOutcome(
        confidence=predictions.confidence.double().cpu().numpy(),
        nats=nats.double().cpu().numpy(),
        correct=predictions.correct.cpu().numpy(),
        calibration_error=float(METRICS[columns.CALIBRATION_ERROR].compute(predictions)),
    )
