"""Chips of an evaluation, opened again: what they say, and how far they miss."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dashboard.computing.answers import Asked, Ink, MoreOutcomes, OpenedChip
from dashboard.computing.work import restored
from neft import columns
from neft.inspection import chip_errors, image_outcomes, votes
from neft.inspection.chip_report import ErrorMap, Unit
from neft.inspection.drawn_image import drawn_image
from neft.inspection.margin_tables import Margins
from neft.inspection.margins import image_margins
from neft.pipeline import law_of_chips
from neft.tables import layer_label


def opened_chip(run_id: str, checksum: str, *, sigma_d: float, instance: int) -> OpenedChip:
    """One chip of a run's evaluation; the checksum is that of the run's weights.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    found, chips = restored.stored(run_id, checksum), restored.opened_chips(run_id, checksum)
    clean, logits = chips.logits(instance, sigma_ds=[0.0, sigma_d])
    law = law_of_chips(found.config, found.network, found.images)
    layers = chip_errors.layer_errors(found.network, law, seed=chips.seed, instance=instance, sigma_d=sigma_d)
    return OpenedChip(
        predictions=image_outcomes.image_predictions(clean, logits, chips.labels),
        layers=layers.assign(**{columns.LAYER: layers[columns.LAYER].map(layer_label)}),
    )


def error_map(run_id: str, checksum: str, *, layer: str, instance: int, sigma_d: float, unit: Unit) -> ErrorMap:
    """How far each weight of a layer, as pages call it, misses on one chip.

    Raises:
        NeftError: as `opened_chip`; or no such layer.
    """
    found = restored.stored(run_id, checksum)
    return chip_errors.error_map(
        found.network,
        law_of_chips(found.config, found.network, found.images),
        layer=restored.layer_called(run_id, checksum, layer),
        seed=found.config.evaluation.seed,
        instance=instance,
        sigma_d=sigma_d,
        unit=unit,
    )


def ask(
    run_id: str, checksum: str, *, image: int | Ink, chips: Sequence[int], sigma_ds: Sequence[float], seconds: float
) -> Asked:
    """What chips say of one image at every sigma_d: the first of these, as many as that time allows, at least one.

    Args:
        run_id: the run.
        checksum: of its weights.
        image: its place in the test split, or a drawing.
        chips: their numbers.
        sigma_ds: device variations.
        seconds: after which no further chip is opened.

    Raises:
        NeftError: the run's weights or its data are not there; or they have no use for the drawing.
    """
    opened = restored.opened_chips(run_id, checksum)
    images = [image] if isinstance(image, int) else _drawn(run_id, checksum, image)
    started = time.perf_counter()
    each = opened.each(_in_time(chips, seconds), sigma_ds=sigma_ds, images=images)
    said = [logits[:, 0].numpy() for _, logits in each]
    return Asked(logits=np.stack(said), seconds=time.perf_counter() - started)


def _in_time(chips: Sequence[int], seconds: float) -> Iterator[int]:
    """Those that are begun within so long, at least one; what was begun is kept."""
    started = time.perf_counter()
    for place, chip in enumerate(chips):
        if place and time.perf_counter() - started >= seconds:
            return
        yield chip


def seen(run_id: str, checksum: str, ink: Ink) -> np.ndarray:
    """A drawing as the network sees it, [1, height, width], 0 … 255.

    Raises:
        NeftError: as `ask`.
    """
    maximum = restored.stored(run_id, checksum).images.maximum
    pixels = _drawn(run_id, checksum, ink)[0].numpy().astype(np.float32) * (255 / maximum)
    return pixels.round().clip(0, 255).astype(np.uint8)


def _drawn(run_id: str, checksum: str, ink: Ink) -> Tensor:
    strokes = np.frombuffer(ink.pixels, dtype=np.uint8).reshape(ink.side, ink.side) / np.float32(255)
    return drawn_image(torch.from_numpy(strokes), restored.stored(run_id, checksum).images)


def contested(run_id: str, checksum: str, *, sigma_d: float, num_chips: int, num_images: int) -> pd.DataFrame:
    """Test images, of the first ones, from the most contested on, by the first chips' votes."""
    chips = restored.opened_chips(run_id, checksum)
    images = range(min(num_images, len(chips.labels)))
    logits = [said[0].numpy() for _, said in chips.each(range(num_chips), sigma_ds=[sigma_d], images=images)]
    return votes.contested(np.stack(logits), chips.labels[: len(images)].numpy())


def more_outcomes(
    run_id: str, checksum: str, *, sigma_d: float, temperature: float | None, chips: Sequence[int], seconds: float
) -> MoreOutcomes:
    """What chips say of every image: the first of these, as many as that time allows, at least one.

    Args:
        run_id: the run.
        checksum: of its weights.
        sigma_d: device variation, std over maximal conductance.
        temperature: by which logits are divided to be calibrated; None where nothing is.
        chips: their numbers.
        seconds: after which no further chip is opened.
    """
    opened = restored.opened_chips(run_id, checksum)
    started = time.perf_counter()
    found = MoreOutcomes([], [], 0.0)
    for _, logits in opened.each(_in_time(chips, seconds), sigma_ds=[sigma_d]):
        found.deployed.append(image_outcomes.chip_outcome(logits[0], opened.labels))
        if temperature is not None:
            found.calibrated.append(image_outcomes.chip_outcome(logits[0], opened.labels, temperature=temperature))
    return MoreOutcomes(found.deployed, found.calibrated, time.perf_counter() - started)


def margins(run_id: str, checksum: str, *, sigma_d: float, num_chips: int, temperatures: tuple[float, ...]) -> Margins:
    """Every image's margin on the first chips, and the pull that training would have at these temperatures.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    opened = restored.opened_chips(run_id, checksum)
    return image_margins(opened, sigma_d=sigma_d, num_chips=num_chips, temperatures=temperatures)
