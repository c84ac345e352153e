"""Stored networks, ready to compute: restored once, with their images."""

from dataclasses import dataclass
from functools import lru_cache

import joblib

from dashboard.computing.answers import Images, Picture
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.base import BaseDataset, ImageData
from neft.devices import PUBLISHED
from neft.errors import unknown_name
from neft.input_kinds import INPUT_KINDS
from neft.inspection.drawn_image import takes_drawings
from neft.inspection.drawn_inputs import drawn_inputs
from neft.inspection.opened_chips import OpenedChips
from neft.networks.device_layers import device_weights, layer_name
from neft.networks.network import Network
from neft.pipeline import Settings, law_of_chips, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.store import Stores
from neft.tables import layer_label

KEPT = 4
"""Networks that are kept for the next question."""
CORES = joblib.cpu_count()
"""Over which chips are spread."""


@dataclass(frozen=True)
class StoredNetwork:
    """A run's network with its images, in evaluation mode; to be left as it is."""

    config: RunConfig
    network: Network
    images: ImageData


@lru_cache(maxsize=KEPT)
def stored(run_id: str, checksum: str) -> StoredNetwork:
    """A run's network; the checksum is that of its weights.

    Raises:
        NeftError: its weights or its data are not there.
    """
    del checksum
    holder = Stores.default().holder(run_id)
    record = holder.record(run_id)
    config = stored_config(record)
    images = _images(_AboutImages(config.dataset, config.training.max_validation, config.evaluation.max_test))
    return StoredNetwork(config, restore_network(config, images, holder.weights(record)).eval(), images)


@lru_cache(maxsize=KEPT)
def opened_chips(run_id: str, checksum: str) -> OpenedChips:
    """The very chips of a run's evaluation, to be opened one by one.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    found = stored(run_id, checksum)
    law = law_of_chips(found.config, found.network, found.images)
    return OpenedChips(found.network, found.images, law, seed=found.config.evaluation.seed, cores=CORES)


def images(run_id: str, checksum: str) -> Images:
    """How many test images a run's chips were tried on, and their classes.

    Raises:
        NeftError: as `stored`.
    """
    found = stored(run_id, checksum).images
    return Images(
        count=len(found.test),
        class_names=found.class_names,
        called=INPUT_KINDS[found.num_axes],
        takes_drawings=takes_drawings(found),
    )


def pictures(run_id: str, checksum: str, places: tuple[int, ...]) -> list[Picture]:
    """Test images of a run's data, by their places in the test split.

    Raises:
        NeftError: as `stored`.
    """
    found = stored(run_id, checksum).images
    return [
        Picture(pixels=pixels, true_class=int(found.test.labels[place]))
        for pixels, place in zip(drawn_inputs(found, places), places, strict=True)
    ]


def layer_called(run_id: str, checksum: str, label: str) -> str:
    """The name of the layer that pages call so.

    Raises:
        ConfigError: no layer is called so.
        NeftError: as `stored`.
    """
    names = {layer_label(layer_name(name)): name for name in device_weights(stored(run_id, checksum).network)}
    if label not in names:
        error = unknown_name("layer", label, names)
        raise error
    return layer_name(names[label])


def published_devices() -> dict[str, str]:
    """The published devices: names and labels."""
    return {name: device.label for name, device in PUBLISHED.items()}


def forget() -> None:
    """Let go of everything that is kept."""
    for kept in (stored, opened_chips, _images):
        kept.cache_clear()


@dataclass(frozen=True)
class _AboutImages:
    """What decides a run's images."""

    dataset: BaseDataset
    max_validation: int | None
    max_test: int | None


@lru_cache(maxsize=2)
def _images(about: _AboutImages) -> ImageData:
    parts = {
        "dataset": about.dataset,
        "training": TrainingConfig().model_copy(update={"max_validation": about.max_validation}),
        "evaluation": EvaluationConfig().model_copy(update={"max_test": about.max_test}),
    }
    return load_data(RunConfig().model_copy(update=parts), Settings(store=Stores.default().own))
