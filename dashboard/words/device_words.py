"""A user's own device in words, from numbers that `neft` computed."""

import pandas as pd

from dashboard.computing.answers import OwnDevice, PreviewPass, WeightsOnDevice
from dashboard.data.stored import RunRecord
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.plain_words import plain_words


def spread_words(device: OwnDevice) -> str:
    """How much wider the worst level misses than the best."""
    stds = device.stds
    worst, best = stds.index(max(stds)), stds.index(min(stds))
    name = plain_words(device.title) or "Your device"
    if stds[worst] == stds[best]:
        return f"**{name}** misses alike in all of its {len(stds)} levels."
    if stds[best] == 0:
        return f"**{name}** misses most in level {worst}; in level {best} it hits its target."
    ratio = stds[worst] / stds[best]
    return f"**{name}** misses most in level {worst}: {ratio:.2g} times as far as in its best level, {best}."


def pass_words(label: str, last: PreviewPass) -> str:
    """How much of a preview is computed."""
    if last.num_chips == last.num_images:
        return f"{label}: {last.num_images} images, each on a chip of its own"
    return f"{label}: {last.num_images} images on {last.num_chips} chips"


def code_words(weights: WeightsOnDevice) -> str:
    """How far the smallest and the largest weights miss, beside an even device."""
    ratio = weights.codes[columns.STD] / weights.codes[columns.CLOSED_FORM_STD]
    return (
        f"Weights near zero miss {ratio.iloc[0]:.2f} times as far as on RRAM1, the largest {ratio.iloc[-1]:.2f} times."
    )


def kept_words(
    record: RunRecord, curve: pd.DataFrame, own: pd.DataFrame, *, own_label: str, sigma_d: float, num_images: int
) -> str:
    """What a stored network keeps on this device, beside its own device, at one sigma_d."""
    here, there = (_at(one, sigma_d) for one in (curve, own))
    facts = record.facts
    trained = f"trained at {SIGMA_D} = {facts.train_sigma_d:g}" if facts.train_sigma_d else "trained clean"
    return (
        f"At its {SIGMA_D} = {sigma_d:g} the network ({facts.label}, {facts.backbone_label} on {facts.dataset_label}, "
        f"{trained}) keeps {here} of test images right; on {own_label}, the device it was tested on, {there} at the "
        f"same {SIGMA_D}. Means over chips, by {num_images} images each."
    )


def _at(curve: pd.DataFrame, sigma_d: float) -> str:
    row = curve.iloc[(curve[columns.SIGMA_D] - sigma_d).abs().argmin()]
    return sentences.with_interval(row[columns.MEAN], row[columns.CI95])
