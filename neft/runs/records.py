"""What is remembered of a run: its config, where it came from, and its summary numbers.

The config is kept as the plain JSON it was made from (`RunConfig.from_json` reads it), with what lists and legends
need of it as flat facts: whoever only shows stored numbers builds no model and never imports torch.
"""

import datetime
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from neft import columns
from neft.component import Component
from neft.moment import Instant
from neft.plain_words import Words
from neft.runs.commands import whole_command
from neft.sigma_d import same_sigma_d, sigma_d_text

SCHEMA_VERSION = 7
"""What older records lack is added when they are read (`neft.runs.migrations`)."""


MOST_CHIPS = 100_000
"""At a sigma_d; as many as a config may ask for."""
MOST_SIGMA_DS = 200
MOST_EPOCHS = 10_000
MOST_CLASSES = 1_000_000
MOST_DEVICES_A_WEIGHT = 1_000_000
FRACTIONS = frozenset({columns.ACCURACY, columns.MEAN_CONFIDENCE, columns.CALIBRATION_ERROR, columns.BALANCED_ACCURACY})
"""Metrics that lie in [0, 1]; the others cannot be negative."""
ROUNDING = 1e-6
"""By so much a mean of float32 may pass 1."""


class RunFacts(Component):
    """What a list, a filter or a legend needs to know of a config."""

    dataset: Words
    dataset_label: Words
    num_classes: int = Field(ge=2, le=MOST_CLASSES)
    backbone: Words
    """The short name: `vgg8w4`."""
    backbone_label: Words
    device: Words
    """The test chips' device by its short name, followed by `chips`."""
    device_label: Words
    chips: Words = ""
    """What of their mapping, programming and effects is not the usual; empty where all is."""
    chips_label: Words = ""
    """The same in words; its parts as the key has them in runs of before words were recorded."""
    method: Words
    method_label: Words
    """The method in words, without its settings."""
    variant: Words
    """Method and weight constraint with what makes them variants of their own: `noise_injection_t4_clip1.1`, …"""
    label: Words
    """The variant in words."""
    temperature: float = Field(gt=0, le=1_000_000)
    beta: float | None = Field(ge=0, le=1_000_000)
    num_feedback: int | None = Field(ge=0, le=1000)
    decay: Words | None = Field(max_length=64)
    uses_noise: bool
    """Whether its training saw device variation."""
    has_feedback: bool
    is_control: bool
    """Whether feedback is held against it: the temperature N + 1 without feedback or weight constraint."""
    num_passes: int = Field(ge=0, le=10_000)
    """Forward passes a training step."""
    rank: int = Field(ge=0, le=10_000)
    """Where the variant stands in lists and in the scale of colours."""
    constraint: Words
    """The weight constraint's variant: `none`, `clip1.1`, …"""
    constraint_name: Words
    """The kind of the weight constraint: `none`, `clip`, `clip_channel`, …"""
    constraint_label: Words
    """The weight constraint in words, without its settings; empty for none."""
    has_batchnorm: bool
    train_sigma_d: float = Field(ge=0, le=1)
    seed: int = Field(ge=0, lt=2**31)
    chip_seed: int = Field(ge=0, lt=2**31)
    num_instances: int = Field(ge=1, le=MOST_CHIPS)
    num_test_images: int | None = Field(default=None, ge=1, le=10**9)
    """On which each chip was tried; None of a data set of one's own that was used whole."""
    sigma_ds: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(min_length=1, max_length=MOST_SIGMA_DS)

    @property
    def name(self) -> str:
        """What a run is called where people read: `OVF, VGG-8 1/4, σ_d 0.1, seed 7`; its id stays its key."""
        backbone = self.backbone_label.replace(", width ", " ").replace(", ", " ")
        trained = f"σ_d {sigma_d_text(self.train_sigma_d)}" if self.train_sigma_d else ""
        return ", ".join(part for part in (self.label, backbone, trained, f"seed {self.seed}") if part)

    @property
    def entry_label(self) -> str:
        """Method and constraint in words, without their settings: `SAM, clipped weights`."""
        constraint = self.constraint_label
        return f"{self.method_label}, {constraint[:1].lower()}{constraint[1:]}" if constraint else self.method_label

    @property
    def deployed_label(self) -> str:
        """The same with what of the test chips is not the usual: `SAM, clipped weights; scale channel`."""
        return "; ".join(words for words in (self.entry_label, self.chips_label) if words)

    @property
    def departure(self) -> str:
        """What makes the variant another than the plain one of its rank; empty for that one."""
        return "" if self.is_control else self.variant.removeprefix(self.method)


class Provenance(Component):
    """Where a run came from."""

    created: Instant = Field(description="UTC, ISO 8601.")
    git_revision: Words | None = Field(default=None, description="Of the source tree; None outside one.")
    versions: dict[Words, Words] = Field(
        max_length=100, description="Of this package, Python and the libraries that decide numbers."
    )
    machine: Words = Field(description="Processor and system.")
    torch_device: Words = Field(description="Where torch computed.")
    threads: int = Field(ge=1, le=100_000, description="Threads torch computed with.")
    training_seconds: float = Field(ge=0, le=10**10)
    evaluation_seconds: float = Field(ge=0, le=10**10)
    preset: Words | None = Field(default=None, description="The preset that asked for the run.")
    command: str = Field(default="", max_length=20_000, description="A command line that makes the run again, or none.")


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class MetricSummary:
    """One metric over a run's chips at one sigma_d; None where no chip has a value (EKL without a right prediction).

    Thousands of runs have dozens each: slots take a third of a component's memory.
    """

    mean: float | None = Field(ge=0, le=1000)
    std: float | None = Field(ge=0, le=1000)
    ci95: float | None = Field(ge=0, le=10_000)
    num_instances: int = Field(ge=0, le=MOST_CHIPS)
    percentile_1: float | None = Field(ge=0, le=1000)
    percentile_5: float | None = Field(ge=0, le=1000)


class EffortSummary(Component):
    """What programming takes, a weight, expected over chips."""

    pulses: float = Field(ge=0, le=10**9)
    reads: float = Field(ge=0, le=10**9)


class SigmaSummary(Component):
    """All metrics at one sigma_d."""

    sigma_d: float = Field(ge=0, le=1)
    metrics: dict[str, MetricSummary] = Field(max_length=100)
    effort: EffortSummary | None = None
    """Of chips that are mapped or programmed in another way than the usual, where it was recorded."""


class WorstCaseSummary(Component):
    """The smallest accuracy that was found with no weight's deviation above th_g times its layer's largest weight."""

    th_g: float = Field(ge=0, le=1)
    accuracy: float = Field(ge=0, le=1)


class RunSummary(Component):
    """The numbers a list of runs shows without opening their tables."""

    selected_epoch: int = Field(ge=0, le=MOST_EPOCHS)
    num_epochs: int = Field(ge=0, le=MOST_EPOCHS)
    validation_accuracy: float | None = Field(ge=0, le=1)
    """At the selected epoch, under variation at the validation sigma_d: the training's own where none was given. None
    of a network that was not trained here."""
    test: tuple[SigmaSummary, ...] = Field(max_length=MOST_SIGMA_DS)
    worst_case: tuple[WorstCaseSummary, ...] = Field(default=(), max_length=100)
    """By ascending th_g, where the worst case was searched."""
    num_parameters: int = Field(ge=1, le=10**12)
    num_devices: int = Field(ge=1, le=10**15)
    """Weights in devices x slices x 2 crossbars (Eq. 4 keeps the sign on a second one)."""
    devices_a_weight: (
        Annotated[int, Field(gt=0, le=MOST_DEVICES_A_WEIGHT)]
        | Annotated[float, Field(gt=0, le=MOST_DEVICES_A_WEIGHT)]
        | None
    ) = None
    """Of the test chips; None in runs of before it was recorded of which it cannot be told."""

    def at(self, sigma_d: float) -> SigmaSummary | None:
        """The summary at one sigma_d, if it was evaluated there."""
        return next((row for row in self.test if same_sigma_d(row.sigma_d, sigma_d)), None)

    def effort_at(self, sigma_d: float) -> EffortSummary | None:
        """What programming takes at one sigma_d; None where it was not recorded.

        It is recorded of chips that are not just sliced and written once; of those every device takes one pulse but
        those of the second crossbar, which holds signs.
        """
        row = self.at(sigma_d)
        if row is None or self.devices_a_weight is None:
            return None
        return row.effort or EffortSummary(pulses=self.devices_a_weight / 2, reads=0.0)


class StoredFile(Component):
    """One file of a stored run."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    num_bytes: int = Field(ge=0, le=10**12)


class RunRecord(Component):
    """run.json."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=SCHEMA_VERSION, le=SCHEMA_VERSION)
    id: str = Field(max_length=200)
    facts: RunFacts
    config: dict[str, Any]
    provenance: Provenance
    summary: RunSummary
    files: dict[str, StoredFile] = Field(default_factory=dict, max_length=100)


def contradiction(record: RunRecord) -> str:
    """In what a record contradicts itself, in words that follow its name; empty where it does not."""
    summary, facts = record.summary, record.facts
    sigma_ds = facts.sigma_ds
    if summary.selected_epoch > summary.num_epochs or (summary.selected_epoch < 1) != (summary.num_epochs < 1):
        return f"its selected epoch must be one of its {summary.num_epochs}; got {summary.selected_epoch}"
    if tuple(row.sigma_d for row in summary.test) != sigma_ds:
        return "the σ_d of its summary are not those of its facts"
    if any(later <= one for one, later in pairwise(sigma_ds)):
        return "its σ_d must ascend, each there once"
    for row in summary.test:
        if row.metrics.keys() != summary.test[0].metrics.keys():
            return f"its summary has other metrics at σ_d {row.sigma_d:g} than at {summary.test[0].sigma_d:g}"
        wrong = _odd_metric(row.metrics, facts.num_instances)
        if wrong:
            return wrong
    return ""


def _odd_metric(metrics: dict[str, MetricSummary], most: int) -> str:
    """What is wrong with the metrics at a sigma_d; of thousands of runs, so no more is looked at than is needed."""
    if columns.ACCURACY not in metrics:
        return "its summary lacks the accuracy at some σ_d"
    for name, metric in metrics.items():
        mean = metric.mean
        if mean is not None and mean > 1 + ROUNDING and name in FRACTIONS:
            return f"the mean of {name} must lie in [0, 1]; got {mean:g}"
        if metric.num_instances > most:
            return f"its summary has more chips than the {most} of its facts"
    return ""


def make_provenance(
    *,
    torch_device: str,
    threads: int,
    training_seconds: float,
    evaluation_seconds: float,
    preset: str | None,
    command: str,
) -> Provenance:
    """Describe this machine and this moment."""
    return Provenance(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        git_revision=_git_revision(),
        versions=_versions(),
        machine=f"{platform.machine()} {platform.system()}",
        torch_device=torch_device,
        threads=threads,
        training_seconds=round(training_seconds, 3),
        evaluation_seconds=round(evaluation_seconds, 3),
        preset=preset,
        command=whole_command(command, threads=threads, torch_device=torch_device),
    )


@cache
def _versions() -> dict[str, str]:
    packages = ("torch", "torchvision", "numpy", "scikit-learn", "pydantic")
    from neft import __version__  # noqa: PLC0415 - the package's own name for itself

    found = {"neft": __version__, "python": ".".join(str(part) for part in sys.version_info[:3])}
    return found | {name: version(name) for name in packages}


@cache
def _git_revision() -> str | None:
    given = os.environ.get("NEFT_GIT_REVISION")  # for a copy of the tree without its history
    if given:
        return given
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
