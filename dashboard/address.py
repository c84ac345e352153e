"""The selection that pages share: which keys the address holds, and what they mean.

Widgets under these keys are bound to the address.
"""

from dataclasses import dataclass
from typing import Literal

DATASET = "data"
BACKBONE = "net"
DEVICE = "device"
VARIANTS = "methods"
PROTOCOL = "read"
TRAIN_SIGMA_D = "train"
SLICE = "at"
UNIT = "unit"
PUBLISHED = "published"
RUNS = "run"
BUNDLE = "bundle"
"""Runs to hand on; a name of its own, so that links from there to the runs of a file are not overruled."""
EXPERIMENT = "experiment"
PLAN = "size"
METRIC = "ekl"
PUBLISHED_SETTINGS = "paper"
BUDGET_RATE = "rate"
CLAIM_DATA = "on"
BOARD = "board"
BOARD_SIGMA_D = "board_at"
BOARD_REFERENCE = "beside"
BOARD_METHODS = "only"
BOARD_CONSTRAINTS = "constraint"
BOARD_VALUE = "by"
BOARD_ROWS = "row"
BOARD_CHIPS = "scheme"
BOARD_COST = "board_cost"
BOARD_WORTH = "board_worth"
HARDWARE_DATA = "hw_data"
HARDWARE_SIGMA_D = "hw_at"
HARDWARE_METHODS = "hw_methods"
HARDWARE_COST = "hw_cost"
HARDWARE_WORTH = "hw_worth"
HARDWARE_NETWORK = "hw_network"
HARDWARE_SEARCH = "hw_search"
WORST_BOUND = "bound"
SCHEME_CHIPS = "scheme_chips"
SCHEME_SIGMA_D = "scheme_at"
SCHEME_COST = "cost"
SCHEME_PERCENTILE = "holds"
SCHEME_BAR = "bar"
SCHEME_WEIGHT = "scheme_weight"
BUDGET_SHARE = "verified"
PREVIEW_DEVICE = "try"
PREVIEW_SIGMA_D = "upto"
LAYER_SIGMA_D = "layers"
TECHNOLOGY = "known"
TECHNOLOGY_BITS = "known_k"
OWN_LEVELS = "stds"
OWN_SIGMA_D = "own_at"
OWN_TITLE = "called"
OWN_FILE = "from_file"
"""The SHA-256 of the file that the device is from."""
TRAIN_KIND = "train_what"
TRAIN_AS = "train_as"
"""How much of a training is decided: a recipe, or the expert's form."""
TRAIN_LIKE = "like"
"""A run, or a job, whose settings the Train page is filled in with."""
OTHER_SEED = "reseed"
"""With the next seed that is not stored yet."""
CHIP_SIGMA_D = "chip_at"
CHIP = "chip"
CHIP_NUMBER = "number"
RACED_CHIPS = "among"
"""Of how many chips the worst are opened."""
RACED_RANK = "rank"
LAYER = "layer"
ERROR_UNIT = "over"
IMAGE = "image"
CHANGED = "changed"
ALL_CHANGED = "all"
IMAGE_FROM = "picture"
MEANT = "meant"
"""The class that a drawing is meant to show."""
VOTE_SIGMA_D = "votes_at"
WEIGHT_FROM = "from"
WEIGHT_NUMBER = "place"
WEIGHT_VALUE = "weight"
WEIGHT_BITS = "m"
DEVICE_BITS = "k"
SLICED_DEVICE = "technology"
SLICED_SIGMA_D = "sliced_at"
SLICED_CHIP = "sliced_chip"
PERCENTILE = "unlucky"
STATISTIC = "line"
"""What of the chips the lines of accuracy are: their mean, or a low percentile."""
REFERENCE = "against"
IMAGES_OF = "images"
BINNING = "bins"
SCALED = "logits"
ONE_METHOD = "one"
OTHER_METHOD = "other"
COMPARED_WITH = "with"
HIDDEN = "hide"
DIFFERENCES_ONLY = "differing"
TAGS = "f_tags"
RUNS_FIND = "f_find"
RUNS_MINE = "f_mine"
RUNS_SEEDS = "f_seeds"
"""One row for all seeds of a training."""
PICKED = "picked_runs"
"""Not in the address: the runs that the session picked last, for the pages that take them along."""
SELECTED = "selected"
"""Not in the address: the selection that the session saw last on the pages of results."""
LOOKED_AT = "looked_at"
"""Not in the address: the network and the device variation that it saw last on the pages of one network."""
LESSON = "lesson"
LESSON_SIGMA_D = "lesson_at"
LESSON_WEIGHT = "lesson_weight"
TERM = "term"
FIND = "find"
PRESENT = "present"
"""Whether pages are drawn for a room, in large type."""

Protocol = Literal["matched", "fixed"]
PROTOCOLS: dict[str, str] = {"matched": "Matched", "fixed": "Fixed"}


@dataclass(frozen=True)
class Reading:
    """Which networks are read, and how: all that curves over sigma_d depend on, wherever the slice lies."""

    run_ids: tuple[str, ...]
    protocol: Protocol
    train_sigma_d: float | None = None
    """Which model, where the protocol is fixed."""


@dataclass(frozen=True)
class Selection:
    """What is looked at."""

    dataset: str
    dataset_label: str
    backbone: str
    backbone_label: str
    device: str
    device_label: str
    num_classes: int
    variants: tuple[str, ...]
    run_ids: tuple[str, ...]
    """Every run of the chosen data set, backbone, device and methods."""
    ablation_ids: tuple[str, ...]
    """Runs of the decay-factor ablation beside them, and of its control."""
    protocol: Protocol
    train_sigma_d: float | None
    """Which model, where the protocol is fixed."""
    sigma_d: float
    """The slice."""
    stops: tuple[float, ...] = ()
    """Where the slice can lie, ascending."""
    published: str | None = None
    """The panel of published figures to draw beside the runs."""
    published_label: str = ""

    @property
    def trained_at(self) -> float:
        """The device variation that the networks behind the slice were trained at."""
        return self.sigma_d if self.train_sigma_d is None else self.train_sigma_d

    @property
    def reading(self) -> Reading:
        """What of it curves depend on."""
        return Reading(self.run_ids, self.protocol, self.train_sigma_d)
