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
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from neft.component import Component
from neft.plain_words import Words
from neft.runs.commands import whole_command
from neft.sigma_d import same_sigma_d, sigma_d_text

SCHEMA_VERSION = 7
"""What older records lack is added when they are read (`neft.runs.migrations`)."""


class RunFacts(Component):
    """What a list, a filter or a legend needs to know of a config."""

    dataset: Words
    dataset_label: Words
    num_classes: int = Field(ge=2)
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
    temperature: float
    beta: float | None
    num_feedback: int | None
    decay: Words | None
    uses_noise: bool
    """Whether its training saw device variation."""
    has_feedback: bool
    is_control: bool
    """Whether feedback is held against it: the temperature N + 1 without feedback or weight constraint."""
    num_passes: int
    """Forward passes a training step."""
    rank: int
    """Where the variant stands in lists and in the scale of colours."""
    constraint: Words
    """The weight constraint's variant: `none`, `clip1.1`, …"""
    constraint_name: Words
    """The kind of the weight constraint: `none`, `clip`, `clip_channel`, …"""
    constraint_label: Words
    """The weight constraint in words, without its settings; empty for none."""
    has_batchnorm: bool
    train_sigma_d: float
    seed: int
    chip_seed: int
    num_instances: int
    num_test_images: int | None = None
    """On which each chip was tried; None of a data set of one's own that was used whole."""
    sigma_ds: tuple[float, ...]

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

    created: Words = Field(description="UTC, ISO 8601.")
    git_revision: Words | None = Field(default=None, description="Of the source tree; None outside one.")
    versions: dict[Words, Words] = Field(description="Of this package, Python and the libraries that decide numbers.")
    machine: Words = Field(description="Processor and system.")
    torch_device: Words = Field(description="Where torch computed.")
    threads: int = Field(description="Threads torch computed with.")
    training_seconds: float = Field(ge=0)
    evaluation_seconds: float = Field(ge=0)
    preset: Words | None = Field(default=None, description="The preset that asked for the run.")
    command: str = Field(default="", description="A command line that makes the run again, or none.")


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class MetricSummary:
    """One metric over a run's chips at one sigma_d; None where no chip has a value (EKL without a right prediction).

    Thousands of runs have dozens each: slots take a third of a component's memory.
    """

    mean: float | None
    std: float | None
    ci95: float | None
    num_instances: int
    percentile_1: float | None
    percentile_5: float | None


class EffortSummary(Component):
    """What programming takes, a weight, expected over chips."""

    pulses: float
    reads: float


class SigmaSummary(Component):
    """All metrics at one sigma_d."""

    sigma_d: float
    metrics: dict[str, MetricSummary]
    effort: EffortSummary | None = None
    """Of chips that are mapped or programmed in another way than the usual, where it was recorded."""


class WorstCaseSummary(Component):
    """The smallest accuracy that was found with no weight's deviation above th_g times its layer's largest weight."""

    th_g: float
    accuracy: float


class RunSummary(Component):
    """The numbers a list of runs shows without opening their tables."""

    selected_epoch: int
    num_epochs: int
    validation_accuracy: float | None
    """At the selected epoch, under variation at the validation sigma_d: the training's own where none was given. None
    of a network that was not trained here."""
    test: tuple[SigmaSummary, ...]
    worst_case: tuple[WorstCaseSummary, ...] = ()
    """By ascending th_g, where the worst case was searched."""
    num_parameters: int
    num_devices: int
    """Weights in devices x slices x 2 crossbars (Eq. 4 keeps the sign on a second one)."""
    devices_a_weight: int | float | None = None
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
    num_bytes: int = Field(ge=0)


class RunRecord(Component):
    """run.json."""

    schema_version: int = SCHEMA_VERSION
    id: str
    facts: RunFacts
    config: dict[str, Any]
    provenance: Provenance
    summary: RunSummary
    files: dict[str, StoredFile] = Field(default_factory=dict)


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
