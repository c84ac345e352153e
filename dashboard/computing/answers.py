"""What the computing process answers with: plain data, read on both sides without torch and without Streamlit."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from neft.input_kinds import IMAGE, Called
from neft.inspection.uncertainty import ChipOutcome
from neft.runs.waterfalls import WaterfallStep


@dataclass(frozen=True)
class Images:
    """What is known of a run's test images."""

    count: int
    class_names: tuple[str, ...]
    called: Called = IMAGE
    """What they are called: images, series, feature vectors."""
    takes_drawings: bool = False
    """Whether a drawing can be made one of them."""


@dataclass(frozen=True)
class Picture:
    """A test image, or another test input, as it is drawn."""

    pixels: np.ndarray
    """[channels, height, width], 0 … 255. Of a series [channels, steps] and of a feature vector [features], 0 … 1: as
    the network sees them, one half being the mean."""
    true_class: int


@dataclass(frozen=True)
class Ink:
    """A drawing on a square."""

    pixels: bytes
    """Row by row, 0 … 255."""

    @property
    def side(self) -> int:
        """Pixels of a row."""
        return math.isqrt(len(self.pixels))


@dataclass(frozen=True)
class OwnDevice:
    """A user's own device (`neft.devices.Measured`)."""

    name: str
    """What such devices are chosen by."""
    label: str
    """What they are called."""
    stds: tuple[float, ...]
    """Std of each level's error over (sigma_d x maximal conductance)."""
    title: str
    """What this one is called; may be empty."""
    device_bits: int
    untitled: str
    """Its short name without title and checksum: another title is no other device."""
    file_sha256: str = ""
    """The checksum of the file that it is from; empty where from none."""


@dataclass(frozen=True)
class Technology:
    """What is known of a device technology (`neft.inspection.device_cards.DeviceCard`)."""

    name: str
    label: str
    technology: str
    source: str
    equation: str
    """TeX."""
    text: str
    unit: str
    """Of conductances; empty where they are over the maximal one."""
    g_min: float
    g_max: float
    device_bits: int
    weight_bits: int
    """Of a weight on such devices."""
    sigma_d: float
    is_open: bool
    """Whether the source leaves sigma_d open."""
    levels: pd.DataFrame
    curve: pd.DataFrame
    sampled: pd.DataFrame
    """Stds of devices that were drawn as chips draw them."""
    num_sampled: int
    """Of each level."""
    besides: str
    train: str
    config_json: str
    """The settings of that command."""
    effect_options: str


@dataclass(frozen=True)
class StdAt:
    """std(g) of one conductance."""

    std: float
    warning: str
    """Empty within the range that was measured."""


@dataclass(frozen=True)
class Start:
    """A device to start from."""

    label: str
    choice: str
    """What it is called in the list of starts."""
    stds: tuple[float, ...]
    sigma_d: float | None
    """Where it was measured; None where the model leaves it open."""
    source: str


@dataclass(frozen=True)
class FileChoices:
    """How a file of measurements is read, where it is not guessed (`neft.devices.measurements.FileOptions`)."""

    columns: tuple[tuple[str, str], ...] = ()
    """Roles and their columns; an empty column says that there is none."""
    units: tuple[tuple[str, str], ...] = ()
    cycle: int | None = None
    read_voltage: float | None = None
    at_time: float | None = None
    later: float | None = None
    """Seconds after which chips are asked for, by the file's own law of retention."""
    choice: str = "auto"
    device_bits: int | None = None


@dataclass(frozen=True)
class FileColumn:
    """A column of a file."""

    name: str
    label: str
    """With its unit, or its place, and what it holds."""


@dataclass(frozen=True)
class FileColumns:
    """What columns a file has."""

    columns: tuple[FileColumn, ...]
    first_rows: pd.DataFrame
    """By the columns' labels."""


@dataclass(frozen=True)
class Example:
    """An example of a file of measurements."""

    label: str
    file_name: str
    content: bytes


@dataclass(frozen=True)
class Measurements:
    """What a file of measurements says of a device (`neft.devices.measurements.MeasuredLevels`)."""

    sigma_d: float
    level_stds: tuple[float, ...]
    levels: pd.DataFrame
    """A row per level: level, num_measurements, target, bias, std, lower, upper (95 %), skewness, p_value."""
    histograms: pd.DataFrame
    """A row per level and bin: bin_left, bin_right, share, gaussian_share; empty where stds were given."""
    notes: tuple[str, ...]
    shape: str
    """Whether the measurements look Gaussian, in a sentence; empty where stds were given."""
    checksum: str
    """The file's SHA-256."""
    unit: str
    """Of its conductances; empty where it tells none."""
    roles: dict[str, str]
    """By role, the column that was taken for it."""
    cycle: int
    """Levels that rows were taken to go through in turn; 0 where a column tells them."""
    num_file_levels: int
    unmodelled: tuple[str, ...]
    """What the file tells and chips do not have, in sentences."""
    effect_options: str
    """Options of an evaluation that give it to chips, as far as there are some."""
    times: pd.DataFrame
    """A row per time: time (s), std (RMS over levels, over the maximal conductance); empty where all are of one."""
    never_misses: bool


@dataclass(frozen=True)
class WeightsOnDevice:
    """How weights lie on a device."""

    weight_bits: int
    device_bits: int
    num_slices: int
    codes: pd.DataFrame
    """A row per magnitude code: code, and the weight's std over (sigma_d w_max) here and, closed_form_std, on RRAM1."""

    @property
    def max_code(self) -> int:
        """The largest code."""
        return len(self.codes) - 1


@dataclass(frozen=True)
class Handover:
    """A run's settings on another device, to be taken along."""

    train: str
    """The command that trains so."""
    evaluate: str | None
    """The command that tries the run's own network on the device; None where its weights are sliced anew there."""
    json: bytes
    """The part of a config that `neft train --config` takes over."""


@dataclass(frozen=True)
class OpenedChip:
    """What one chip says of each image, and how far its weights miss."""

    predictions: pd.DataFrame
    """A row per image (`neft.inspection.image_outcomes.image_predictions`)."""
    layers: pd.DataFrame
    """A row per layer (`neft.inspection.chip_errors.layer_errors`)."""


@dataclass(frozen=True)
class Asked:
    """What more chips say of one image."""

    logits: np.ndarray
    """[chips, sigma_ds, classes]."""
    seconds: float
    """That this took."""


@dataclass(frozen=True)
class MoreOutcomes:
    """What more chips say of every image."""

    deployed: list[ChipOutcome]
    calibrated: list[ChipOutcome]
    """Likewise, after calibration; none where no temperature was given."""
    seconds: float


@dataclass(frozen=True)
class PreviewWay:
    """How a preview comes by its chips."""

    refusal: str | None
    """Why images share real chips, in groups; None where each has one of its own."""
    num_layers: int
    num_unequal: int
    """Layers whose weights miss by different amounts within a channel."""
    num_drawn: int
    """Layers whose weights are drawn, for a few images at a time."""


@dataclass(frozen=True)
class PreviewPass:
    """What a preview knows after some passes."""

    curve: pd.DataFrame
    """A row per condition: its sigma_d or layer, mean, ci95, lower, upper (accuracy, fractions)."""
    num_passes: int
    num_images: int
    """Images seen so far, each on a chip of its own, or on its group's."""
    num_chips: int
    clean: float
    """Accuracy without variation."""
    seconds: float
    """Spent on the passes so far."""


@dataclass(frozen=True)
class SearchPart:
    """How far the search of a worst case is."""

    table: pd.DataFrame
    """A row per th_g that is known: accuracies (fractions) of the worst case and of random deviations."""
    done: int
    total: int
    """Passes through the network, about so many."""
    seconds: float
    """Spent so far."""
    is_finished: bool
    """Whether all is found, and stored."""


@dataclass(frozen=True)
class RacePart:
    """How far a race of chips is."""

    done: int
    total: int
    """Chips."""
    cost: float
    """The images that chips met so far, over those of the whole evaluation."""
    seconds: float
    """Of computing so far."""
    is_finished: bool
    """Whether all is known, and stored."""


@dataclass(frozen=True)
class WaterfallPart:
    """How far a network was taken down its steps."""

    steps: tuple[WaterfallStep, ...]
    """As far as they are known; none before the first chip."""
    done: int
    total: int
    """Chips."""
    is_finished: bool
    """Whether all is known, and stored."""


@dataclass(frozen=True)
class LayerWeight:
    """One weight of a layer."""

    value: float
    w_max: float
    place: tuple[int, ...]
    """Its index in the layer's tensor."""


@dataclass(frozen=True)
class SchemesPart:
    """How far a comparison of schemes is."""

    chips: pd.DataFrame
    """scheme, sigma_d, instance, accuracy: of the schemes that are known."""
    costs: pd.DataFrame
    """A row per scheme and sigma_d: labels, costs and noise (`neft.evaluation.schemes`)."""
    budgets: pd.DataFrame
    """scheme, programming, choice, budget; no rows where no share of the weights is varied."""
    run_ids: dict[str, str]
    """By scheme the run that its chips are stored under."""
    refused: dict[str, str]
    """What cannot be, in words, and why."""
    num_known: int
    """Schemes that are known, or cannot be."""
    count: int
    """All schemes."""
    label: str
    """Of the one that is tried."""
    done: int
    total: int
    """Chips of it."""
    seconds: float
    """Of computing so far."""
    is_finished: bool
