"""Everything that decides a run's numbers, as one frozen model; to and from JSON, with a stable key.

What does not decide them (threads, torch device, folders) is not here.
"""

import hashlib
import json
from functools import lru_cache
from typing import Any, cast

from pydantic import Field, ValidationError, field_validator, model_validator

from neft.chips.arithmetic import USUAL, Arithmetic
from neft.chips.counts import FLOOR, decided_floor
from neft.chips.sampling import Sampler
from neft.component import Component, first_problem
from neft.constraints import Constraint, NoConstraint
from neft.datasets import Dataset
from neft.datasets.digits import Digits
from neft.devices import Device, Rram1
from neft.effects import Effects
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping, whole_mapping
from neft.methods import Method, NoiseInjection, TaughtMethod
from neft.networks.backbones import Backbone, Vgg8
from neft.networks.converters import Converters
from neft.networks.network import refused_inputs
from neft.programming import OpenLoop, Programming
from neft.run_id import is_run_id
from neft.sigma_d import SigmaD

MAX_CHIPS = 1_500_000
"""At all σ_d together: what a run's table of chips may hold (`neft.runs.checks`), before hours are spent on more."""


class TrainingConfig(Component):
    """How the network is trained: Adam, cosine annealing, Kaiming-normal fan-out, as published."""

    sigma_d: SigmaD = Field(
        default=0.1,
        ge=0,
        le=1,
        title="train σ_d",
        description="Device variation while training: std of a device's error over its maximal conductance.",
    )
    epochs: int = Field(default=60, ge=1, le=10_000, title="epochs", description="Passes over the training images.")
    batch_size: int = Field(default=128, ge=2, le=65_536, title="batch size", description="Images a step.")
    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, title="learning rate", description="Adam's, annealed to 0 by half a cosine."
    )
    seed: int = Field(
        default=0, ge=0, lt=2**31, title="seed", description="Initial weights, order of images, training chips."
    )
    quantise: bool = Field(
        default=False,
        title="quantise in training",
        description="Train through Eq. 4's quantisation (straight-through); the released code does not.",
    )
    sampler: Sampler = Field(
        default="one_factor",
        title="training sampler",
        description=(
            "How training chips of open-loop programming are sampled: the released code's one factor per weight, or "
            "exact. Of any other programming they are drawn device by device, which is exact."
        ),
    )
    validation_instances: int = Field(
        default=5, ge=1, le=1000, title="validation chips", description="Chips on which each epoch is validated."
    )
    max_validation: int | None = Field(
        default=None,
        ge=10,
        title="validation images",
        description="Validate on only this many images, drawn evenly over the classes; on all if not given.",
    )
    validation_sigma_d: SigmaD | None = Field(
        default=None,
        ge=0,
        le=1,
        title="validation σ_d",
        description="Device variation of the validation chips; that of the training if not given.",
    )
    keep_best: bool = Field(
        default=True,
        title="keep best epoch",
        description="Keep the epoch of the best validation accuracy under variation; otherwise the last.",
    )
    pretrained_run: str | None = Field(
        default=None,
        title="pretrained run",
        description="Id of a stored run (same backbone and data shape) whose weights the training starts from.",
        json_schema_extra={"is_run": True},
    )

    @field_validator("pretrained_run")
    @classmethod
    def _looks_like_an_id(cls, value: str | None) -> str | None:
        if value is not None and not is_run_id(value):
            message = "must be the id of a stored run"
            raise ValueError(message)
        return value


class EvaluationConfig(Component):
    """On how many chips, at which device variation, the trained network is tried."""

    sigma_ds: tuple[SigmaD, ...] = Field(
        default=(0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4),
        min_length=1,
        max_length=200,
        title="test σ_d",
        description="Device variations at which chips are tried, as '0,0.1,0.2' or 'first:last:step'.",
        json_schema_extra={"default_text": "0:0.4:0.05"},
    )
    num_instances: int = Field(
        default=200,
        ge=1,
        le=100_000,
        title="chips",
        description="Sampled chips (instances) at every σ_d. Fewer than 299 set the 1st percentile no lower limit.",
    )
    precision: float | None = Field(
        default=None,
        gt=0,
        le=0.5,
        title="precision",
        description=(
            "Stop at each σ_d as soon as the mean accuracy is known to this half-width of its 95 % interval (0.01 in "
            "the paper), with at most as many chips as given; a fixed count of chips if not given."
        ),
        json_schema_extra={"bare_value": 0.01},
    )
    min_instances: int = Field(
        default=FLOOR,
        ge=2,
        le=100_000,
        title="fewest chips",
        description=(
            "Chips that a precision cannot do without. With fewer than the default, more failures can go unseen: 30 "
            "chips may show none of those that fail in fewer than 9.5 of 100."
        ),
        json_schema_extra={
            "decided_by": "precision",
            "default_text": "by the precision: about 6 / precision, 597 for 0.01",
        },
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        title="chip seed",
        description="Where chips come from; runs that share it meet the same chips.",
    )
    max_test: int | None = Field(
        default=None,
        ge=10,
        title="test images",
        description="Try chips on only this many test images, drawn evenly over the classes; on all if not given.",
    )
    recalibrate_batchnorm: bool = Field(
        default=False,
        title="recalibrate BatchNorm",
        description=(
            "Gather BatchNorm's statistics anew before deployment, on the training images and without variation; "
            "otherwise they are those of the noisy training passes."
        ),
    )
    quantise: bool = Field(
        default=True, title="quantise", description="Deploy M-bit codes (Eq. 4) rather than the real-valued weights."
    )
    sampler: Sampler = Field(
        default="exact", title="test sampler", description="How test chips are sampled: exact, or one factor."
    )
    device: Device | None = Field(
        default=None,
        title="test device",
        description=(
            "The device of the test chips; the training's if not given. One of your own as 'measured:1,1.8,1.8,1'."
        ),
    )
    mapping: Mapping | None = Field(
        default=None,
        title="test mapping",
        description="How weights sit on the devices of test chips, as 'scale=channel,sign=differential'; as in "
        "training if not given.",
    )
    programming: Programming | None = Field(
        default=None,
        title="test programming",
        description="How the devices of test chips are written, as 'residual:sides=one'; as in training if not given.",
    )
    converters: Converters | None = Field(
        default=None,
        title="test converters",
        description="DACs and ADCs of test chips, as 'dac_bits=8,adc_bits=6', their ranges calibrated; as in training "
        "if not given.",
    )
    effects: Effects = Field(default=Effects(), title="effects", description="What happens to test chips afterwards.")
    arithmetic: Arithmetic = Field(
        default=USUAL,
        title="arithmetic",
        description=(
            "In what test chips are computed: float32; bfloat16, which rounds weights and what layers put out to 8 "
            "bits, for processors with AVX512-BF16 or AMX and for GPUs; TF32, a GPU's. Accuracies move a little."
        ),
    )
    worst_case: tuple[float, ...] = Field(
        default=(),
        max_length=50,
        title="worst-case th_g",
        description=(
            "Search the worst case too: the largest deviations of a weight, over its layer's largest weight, as "
            "'0.03' or '0:0.05:0.01'; not searched if not given."
        ),
        json_schema_extra={"default_text": "none"},
    )

    @model_validator(mode="after")
    def _fewest_by_the_precision(self) -> "EvaluationConfig":
        if self.precision is not None and "min_instances" not in self.model_fields_set:
            try:
                floor = decided_floor(self.precision, num_instances=self.num_instances)
            except ConfigError as error:
                raise ValueError(str(error).removesuffix(".")) from None
            object.__setattr__(self, "min_instances", floor)  # it is being made, and frozen only then
        return self

    @model_validator(mode="after")
    def _no_more_than_a_table_holds(self) -> "EvaluationConfig":
        chips = len(self.sigma_ds) * self.num_instances
        if chips > MAX_CHIPS:
            message = f"chips at all test σ_d together must be at most {MAX_CHIPS:,}; got {chips:,}"
            raise ValueError(message)
        return self

    @field_validator("worst_case")
    @classmethod
    def _ascending_shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= value <= 1 for value in values):
            message = "every th_g must lie in [0, 1]"
            raise ValueError(message)
        return tuple(sorted(set(values)))

    @field_validator("sigma_ds")
    @classmethod
    def _sorted_and_bounded(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        ascending = tuple(sorted(set(values)))
        if ascending[0] < 0 or ascending[-1] > 1:
            message = "every σ_d must lie in [0, 1]"
            raise ValueError(message)
        return ascending


class RunConfig(Component):
    """One training and its evaluation."""

    dataset: Dataset = Field(default=Digits(), title="data set")
    backbone: Backbone = Field(default=Vgg8(width=0.25), title="backbone")
    device: Device = Field(default=Rram1(), title="device")
    mapping: Mapping = Field(default=Mapping(), title="mapping")
    programming: Programming = Field(default=OpenLoop(), title="programming")
    method: Method = Field(default=NoiseInjection(), title="method")
    constraint: Constraint = Field(default=NoConstraint(), title="weight constraint")
    converters: Converters = Field(default=Converters(), title="converters")
    training: TrainingConfig = Field(default=TrainingConfig(), title="training")
    evaluation: EvaluationConfig = Field(default=EvaluationConfig(), title="evaluation")

    @field_validator("mapping", mode="before")
    @classmethod
    def _bit_slicing_alone(cls, value: object) -> object:
        return whole_mapping(value) if isinstance(value, BitSlicing) else value

    @model_validator(mode="after")
    def _parts_fit(self) -> "RunConfig":
        try:
            _ = self.device.level_stds(self.mapping.device_bits)
            stds = self.test_device.level_stds(self.test_mapping.device_bits)
            _ = self.evaluation.effects.bias(len(stds))
        except ConfigError as error:
            raise ValueError(str(error).removesuffix(".")) from None
        if not self.evaluation.effects.is_none or not self.test_programming.is_open_loop:
            _check_devices(self.evaluation)
        _check_converters(self)
        _check_arithmetic(self)
        axes = self.dataset.num_axes
        if axes is not None and (refusal := refused_inputs(self.backbone, axes)):
            raise ValueError(refusal.removesuffix("."))
        points = len(self.backbone.points())
        if self.method.num_snapshots > points:
            message = (
                f"num_feedback (N) of '{self.method.name}' must be at most {points}, the snapshot points of "
                f"'{self.backbone.short_name}'; got {self.method.num_snapshots}"
            )
            raise ValueError(message)
        return self

    @property
    def test_device(self) -> Device:
        """The device that test chips are made of."""
        return self.device if self.evaluation.device is None else self.evaluation.device

    @property
    def test_mapping(self) -> Mapping:
        """How weights sit on the devices of test chips."""
        return self.mapping if self.evaluation.mapping is None else self.evaluation.mapping

    @property
    def test_programming(self) -> Programming:
        """How the devices of test chips are written."""
        return self.programming if self.evaluation.programming is None else self.evaluation.programming

    @property
    def test_converters(self) -> Converters:
        """The converters of test chips."""
        return self.converters if self.evaluation.converters is None else self.evaluation.converters

    @property
    def train_converters(self) -> Converters:
        """The converters that training passes meet: those whose ranges are learned."""
        return self.converters if self.converters.are_learned else Converters()

    @property
    def train_sigma_d(self) -> float:
        """sigma_d that training passes see: 0 for a method that knows no noise."""
        return self.training.sigma_d if self.method.uses_noise else 0.0

    @property
    def validation_sigma_d(self) -> float:
        """sigma_d of the validation chips: that of the training passes, unless another was asked for."""
        given = self.training.validation_sigma_d
        return self.train_sigma_d if given is None else given

    @property
    def source_runs(self) -> tuple[str, ...]:
        """Ids of the stored runs that the training reads: whose weights it starts from, and the method's teacher."""
        teacher = self.method.teacher_run if isinstance(self.method, TaughtMethod) else None
        return tuple(run_id for run_id in (self.training.pretrained_run, teacher) if run_id is not None)

    @property
    def is_constrained(self) -> bool:
        """Whether a weight constraint holds."""
        return self.constraint != NoConstraint()

    @property
    def variant(self) -> str:
        """The method's variant and the weight constraint's, if there is one; a key for grouping and colour."""
        method = self.method.variant
        return f"{method}_{self.constraint.variant}" if self.is_constrained else method

    @property
    def variant_label(self) -> str:
        """The variant in words, for legends."""
        method = self.method.variant_label
        return f"{method}, {self.constraint.variant_label}" if self.is_constrained else method

    @property
    def key(self) -> str:
        """Eight hex digits of everything that is not the default: stable when a later version adds a setting or a part.

        A default therefore belongs to the format: changing one changes what old keys mean.
        """
        return hashlib.sha256(self.decisive.encode()).hexdigest()[:8]

    @property
    def decisive(self) -> str:
        """Everything that decides the run's numbers and is not the default, as one text.

        Mapping and programming of the test chips are left out where they restate those of the training, which hold
        where none are given; a test device is not, as stored ids have it.
        """
        found = _departures(self)
        for part in ("mapping", "programming", "converters"):
            given = getattr(self.evaluation, part)
            if given is not None and _departures(given) == _departures(getattr(self, part)):
                del found["evaluation"][part]
        return _canonical(found)

    @property
    def run_id(self) -> str:
        """`digits-vgg8w4-ovf-s0.20-seed0-1a2b3c4d`."""
        parts = (
            self.dataset.name,
            self.backbone.short_name,
            self.method.name,
            f"s{self.train_sigma_d:.2f}",
            f"seed{self.training.seed}",
            self.key,
        )
        return "-".join(parts)

    def is_of_other_images(self, other: "RunConfig") -> bool:
        """Whether another config differs in nothing but which images lie under the same path."""
        as_ours = other.model_copy(update={"dataset": other.dataset.holding(self.dataset.content)})
        return other != self and as_ours == self

    def to_json(self) -> str:
        """Every setting, defaults included, as indented JSON."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "RunConfig":
        """Read what `to_json` wrote.

        Raises:
            ConfigError: naming what is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(first_problem(cls, error)) from None

    @classmethod
    def make(cls, **parts: Any) -> "RunConfig":
        """Build from parts, with one clear sentence where they do not fit.

        Raises:
            ConfigError: naming what is wrong.
        """
        try:
            return cls.model_validate(parts)
        except ValidationError as error:
            raise ConfigError(first_problem(cls, error)) from None


def _check_devices(evaluation: EvaluationConfig) -> None:
    """Chips that are drawn device by device hold levels."""
    if evaluation.sampler != "exact" or not evaluation.quantise:
        message = (
            "evaluation: chips with effects, or of any programming but open loop, are drawn device by device: the test "
            "sampler must be 'exact' and quantise on"
        )
        raise ValueError(message)


def _check_arithmetic(config: RunConfig) -> None:
    """Few bits of a float are none of what models bits or draws, nor of what gradients take.

    Raises:
        ValueError: converters, read noise or a worst case beside them.
    """
    arithmetic = config.evaluation.arithmetic
    beside = {
        "converters, which round to bits of their own": not config.test_converters.is_none,
        "read noise at each read (read_noise_each, σ_r)": bool(config.evaluation.effects.read_noise_each),
        "worst_case, which is searched by gradients": bool(config.evaluation.worst_case),
    }
    found = next((words for words, holds in beside.items() if holds), None)
    if arithmetic != USUAL and found is not None:
        message = f"evaluation: arithmetic '{arithmetic}' does not go with {found}; it must be '{USUAL}'"
        raise ValueError(message)


def _check_converters(config: RunConfig) -> None:
    """What converters are known to go with.

    Raises:
        ValueError: something else.
    """
    test = config.test_converters
    if test.are_learned and test != config.converters:
        message = (
            "evaluation.converters: ranges that were not trained cannot be learned now; converter_ranges must be "
            "'calibrated'"
        )
        raise ValueError(message)
    if test.is_none and not config.converters.are_learned:
        return
    mappings = [config.test_mapping, *([config.mapping] if config.converters.are_learned else [])]
    for name, usual in (("scale", "layer"), ("rotation", "none"), ("copies", 1)):
        found = next((value for one in mappings if (value := getattr(one, name)) != usual), usual)
        if found != usual:
            message = f"converters: with dac_bits or adc_bits the mapping's {name} must be '{usual}'; got '{found}'"
            raise ValueError(message)
    if config.evaluation.effects.read_noise_each:
        message = (
            "converters: read_noise_each (σ_r) is drawn behind a layer and cannot go through its ADC; leave it out, or "
            "take read_noise, which is frozen"
        )
        raise ValueError(message)


_FIRST_PARTS = frozenset({"dataset", "backbone", "device", "mapping", "method", "training", "evaluation"})
"""Written into every key; parts that came later only where they are not the default, so that older keys stay."""


def _departures(component: Component) -> dict[str, Any]:
    found: dict[str, Any] = {}
    idle = component.idle_fields
    for name, field in type(component).model_fields.items():
        if name in idle:
            continue
        value = getattr(component, name)
        if isinstance(value, Component):
            departures = _departures(value)
            is_usual = isinstance(field.default, Component) and departures == _usual(type(component), name)
            if name in _FIRST_PARTS or not is_usual:
                found[name] = departures
        elif name == "name" or value != field.default:
            found[name] = _plain(value)
    return found


@lru_cache(maxsize=256)
def _usual(owner: type[Component], name: str) -> dict[str, Any]:
    """The departures of a part's default."""
    return _departures(cast("Component", owner.model_fields[name].default))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    # -0 equals 0, so they must be written alike
    return value + 0.0 if isinstance(value, float) else value


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
