"""Previews of stored networks, pass by pass; what was computed is kept, and can be computed again."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from dashboard.computing.answers import PreviewPass, PreviewWay
from dashboard.computing.work import restored
from neft.devices import device_from_text
from neft.evaluation.preview import Preview, Previewer
from neft.inspection.device_trial import mapping_on
from neft.pipeline import law_of_chips

SEED = 0


class Passes:
    """The passes of one preview, as far as they are computed."""

    def __init__(self, found: Iterator[Preview], *, clean: float) -> None:
        self._found = found
        self._clean = clean
        self._known: list[PreviewPass] = []

    def up_to(self, number: int) -> PreviewPass:
        """What is known after so many passes."""
        while len(self._known) < number:
            started = time.perf_counter()
            found = next(self._found)
            seconds = time.perf_counter() - started + (self._known[-1].seconds if self._known else 0.0)
            self._known.append(
                PreviewPass(
                    curve=found.curve,
                    num_passes=found.num_passes,
                    num_images=found.num_images,
                    num_chips=found.num_chips,
                    clean=self._clean,
                    seconds=seconds,
                )
            )
        return self._known[number - 1]


def device_label(device: str) -> str:
    """What a device is called, by its short name.

    Raises:
        ConfigError: its short name names none.
    """
    return device_from_text(device).full_label


def way(run_id: str, checksum: str, device: str) -> PreviewWay:
    """How images come by their chips here.

    Raises:
        NeftError: the network, its data or the device do not fit, or are not there.
    """
    found = _previewer(run_id, checksum, device)
    return PreviewWay(
        refusal=found.refusal,
        num_layers=len(found.layers),
        num_unequal=len(found.unequal),
        num_drawn=len(found.drawn),
    )


def curve(
    run_id: str, checksum: str, device: str, *, sigma_ds: tuple[float, ...], max_passes: int, number: int
) -> PreviewPass:
    """The accuracy curve of a stored network on a device, after so many passes.

    Raises:
        NeftError: as `way`.
    """
    return _curve(run_id, checksum, device, sigma_ds, max_passes).up_to(number)


def layers(run_id: str, checksum: str, device: str, *, sigma_d: float, max_passes: int, number: int) -> PreviewPass:
    """The accuracy with variation in one layer at a time, and last in all, after so many passes.

    Raises:
        NeftError: as `way`.
    """
    return _layers(run_id, checksum, device, sigma_d, max_passes).up_to(number)


def forget() -> None:
    """Let go of everything that is kept."""
    for kept in (_curve, _layers, _previewer):
        kept.cache_clear()


@lru_cache(maxsize=32)
def _curve(run_id: str, checksum: str, device: str, sigma_ds: Sequence[float], max_passes: int) -> Passes:
    previewer = _previewer(run_id, checksum, device)
    disjoint = previewer.refusal is not None
    found = previewer.curve(sigma_ds, seed=SEED, max_passes=max_passes, disjoint=disjoint)
    return Passes(found, clean=previewer.clean_accuracy)


@lru_cache(maxsize=32)
def _layers(run_id: str, checksum: str, device: str, sigma_d: float, max_passes: int) -> Passes:
    previewer = _previewer(run_id, checksum, device)
    disjoint = previewer.refusal is not None
    found = previewer.by_layer(sigma_d, seed=SEED, max_passes=max_passes, disjoint=disjoint)
    return Passes(found, clean=previewer.clean_accuracy)


@lru_cache(maxsize=restored.KEPT)
def _previewer(run_id: str, checksum: str, device: str) -> Previewer:
    stored = restored.stored(run_id, checksum)
    found = device_from_text(device)
    law = law_of_chips(stored.config, stored.network, stored.images)
    law = replace(law, device=found, mapping=mapping_on(law.mapping, found))
    return Previewer(stored.network, stored.images, law, cores=restored.CORES)
