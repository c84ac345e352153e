"""Small networks, few images, and strategies that make any valid config (`st.from_type(RunConfig)`)."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from neft.chips.counts import fewest_chips
from neft.component import Component, build
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.constraints import CONSTRAINTS, BaseConstraint
from neft.datasets.base import DataAccess, ImageData, Split
from neft.datasets.digits import Digits
from neft.devices import DEVICES, BaseDevice, Measured
from neft.effects import Effects
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.methods import METHODS, BaseMethod, Irs
from neft.networks.backbones import BACKBONES, BaseBackbone, Mlp
from neft.networks.converters import Converters
from neft.pipeline import Settings, run
from neft.programming import PROGRAMMINGS
from neft.runs.store import RunStore, Stores
from tests.made_once import made_once

# the first call into torch takes seconds, and a busy machine takes its time
settings.register_profile("neft", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("neft")

os.environ["NEFT_TRACEBACKS"] = "1"  # what fails is an exception, here and in every server that a test starts

SMALL = {"width": 1 / 32, "hidden_units": 16, "hidden_layers": 2}
A_RUN_ID = "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "home"))
    # commands that are run here set it for whatever this process starts
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.delenv("PYTHONSAFEPATH")


UNEVEN = Measured(stds=(0.2, 0.4, 2.5, 1.0), title="uneven")
"""A device of one's own that has no symmetry to hide behind."""


@pytest.fixture(scope="session", params=[*sorted(DEVICES), UNEVEN.title])
def device(request: pytest.FixtureRequest) -> BaseDevice:
    """Every device there is, and one of a user's own."""
    return UNEVEN if request.param == UNEVEN.title else DEVICES[request.param]()


@pytest.fixture(scope="session", params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> BaseMethod:
    """Every method there is, with at most two feedback terms."""
    chosen = METHODS[request.param]
    return build(chosen, {"num_feedback": 2} if "num_feedback" in chosen.model_fields else {})


@pytest.fixture(scope="session", params=sorted(CONSTRAINTS))
def constraint(request: pytest.FixtureRequest) -> BaseConstraint:
    """Every weight constraint there is."""
    return CONSTRAINTS[request.param]()


@pytest.fixture(scope="session", params=sorted(BACKBONES))
def backbone(request: pytest.FixtureRequest) -> BaseBackbone:
    """Every backbone there is, narrow."""
    chosen = BACKBONES[request.param]
    return build(chosen, {name: value for name, value in SMALL.items() if name in chosen.model_fields})


@pytest.fixture(scope="session")
def digits() -> ImageData:
    """All digits, 8 x 8."""
    return Digits().load(DataAccess(data_dir=Path()))


@pytest.fixture(scope="session")
def few_digits(digits: ImageData) -> ImageData:
    """Enough digits to train on for a fraction of a second."""

    def first(split: Split, count: int) -> Split:
        return Split(images=split.images[:count], labels=split.labels[:count])

    return replace(
        digits,
        train=first(digits.train, 150),
        validation=first(digits.validation, 80),
        test=first(digits.test, 70),
    )


@pytest.fixture(scope="session")
def small_config() -> RunConfig:
    """A run of about a second."""
    return RunConfig(
        dataset=Digits(max_train=200),
        backbone=Mlp(hidden_layers=2, hidden_units=16),
        training=TrainingConfig(epochs=2, validation_instances=2),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3),
    )


@pytest.fixture(scope="session")
def filled_store(small_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """A store with one run, weights included. Copy it before changing anything."""

    def train_one(folder: Path) -> None:
        stores = Stores(own=RunStore(folder / "runs"), shipped=RunStore(folder / "none", read_only=True))
        run(small_config, Settings(store=stores.own, pretrained_stores=stores, unfinished_root=folder / "unfinished"))

    return RunStore(made_once(tmp_path_factory, "filled", train_one) / "runs", read_only=True)


# ---------------------------------------------------------------- any valid config
def any_component(component: type[Component]) -> st.SearchStrategy[Any]:
    """Any valid component of a class, made from its fields' types and bounds."""
    if component in ANY_WHOLE:
        return ANY_WHOLE[component]
    fields = {name: _any_value(name, info) for name, info in component.model_fields.items()}
    if issubclass(component, BitSlicing):
        del fields["weight_bits"], fields["device_bits"], fields["significance_base"]
        return st.tuples(any_slicing(), st.fixed_dictionaries({}, optional=fields)).map(
            lambda both: build(component, both[0] | both[1])
        )
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: build(component, _with_fewest_chips(values)))


PAIRS = [(m, k) for m in range(1, 17) for k in range(1, 9) if m % k == 0]


@st.composite
def any_slicing(draw: st.DrawFn, pairs: Sequence[tuple[int, int]] = tuple(PAIRS)) -> dict[str, int | None]:
    """Settings of any valid slicing of these weight bits and device bits."""
    weight_bits, device_bits = draw(st.sampled_from(pairs))
    base = draw(st.none() | st.integers(1, 2**device_bits))
    return {"weight_bits": weight_bits, "device_bits": device_bits, "significance_base": base}


@st.composite
def any_effects(draw: st.DrawFn) -> Effects:
    """Any valid effects, of devices with any number of levels."""
    shares = draw(st.lists(st.floats(0, 0.5), min_size=2, max_size=2))
    seconds, common = draw(st.floats(0, 1e10)), draw(st.floats(0, 1))
    law = draw(st.sampled_from(["ember", "given"]))
    retained = draw(st.floats(0, 1e5 if law == "ember" else 1e10))
    shares_of_law = {name: draw(st.floats(1e-6, 1)) for name in ("std", "growth", "programmed")}
    given = {f"retention_{name}": value for name, value in shares_of_law.items()}
    by_law = {"retention_law": law} | given if retained and law == "given" else {}
    found = Effects(
        drift_seconds=seconds,
        drift_law=draw(st.sampled_from(["pcm", "hermes"])) if seconds else "pcm",
        drift_compensation=seconds > 0 and draw(st.booleans()),
        retention_seconds=min(retained, 1e5),
        read_noise=draw(st.floats(0, 1)),
        stuck_low=shares[0],
        stuck_high=shares[1],
        common_mode=common,
        common_to=draw(st.sampled_from(["chip", "layer"])) if common else "chip",
    )
    return found.model_copy(update={"retention_seconds": retained} | by_law)


@st.composite
def any_converters(draw: st.DrawFn) -> Converters:
    """Any valid converters; ranges of some kind only where there are some."""
    bits = st.none() | st.integers(2, 16)
    given = {"dac_bits": draw(bits), "adc_bits": draw(bits)}
    if given == {"dac_bits": None, "adc_bits": None}:
        return Converters()
    ranges, scaling = draw(st.sampled_from(["calibrated", "learned"])), draw(st.sampled_from(["layer", "uniform"]))
    found: dict[str, Any] = given | {"converter_ranges": ranges, "scaling": scaling}
    if (ranges, scaling) == ("learned", "uniform"):
        found["scaling_penalty"] = draw(st.floats(0, 100))
    return build(Converters, found)


def _with_fewest_chips(values: dict[str, Any]) -> dict[str, Any]:
    """With the fewest chips given where those that may be tried are fewer than the precision takes."""
    precision, most = values.get("precision"), values.get("num_instances", 200)
    return {"min_instances": 30} | values if precision is not None and most < fewest_chips(precision) else values


ANY_WHOLE: dict[type[Component], st.SearchStrategy[Any]] = {
    BitSlicing: any_slicing().map(BitSlicing.model_validate),
    Effects: any_effects(),
    Converters: any_converters(),
}
"""Components whose settings must fit one another."""
HEX = "0123456789abcdef"
ANY_OF_THEIR_OWN: dict[str, st.SearchStrategy[Any]] = {
    "pretrained_run": st.none() | st.just(A_RUN_ID),
    "teacher_run": st.none(),  # which teacher it was is no part of a variant
    "shapes": st.just("") | st.text(HEX, min_size=16, max_size=16),
    "checksum": st.just("") | st.text(HEX, min_size=16, max_size=16),
    "file_sha256": st.just("") | st.text(HEX, min_size=64, max_size=64),
    "signs": st.text("+-b", min_size=1, max_size=4),
    "stds": st.lists(st.floats(0, 1000), min_size=4, max_size=4).filter(any).map(tuple),
    "title": st.text(st.characters(codec="utf-8"), max_size=12).map(str.strip).filter(str.isprintable),
}
"""Settings whose type does not tell what they may be."""


def _any_value(name: str, info: FieldInfo) -> st.SearchStrategy[Any]:
    if name in ANY_OF_THEIR_OWN:
        return ANY_OF_THEIR_OWN[name]
    limits = {
        key: getattr(item, key) for item in info.metadata for key in ("ge", "gt", "le", "lt") if hasattr(item, key)
    }
    return _any_of(info.annotation, limits)


def _any_of(annotation: Any, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _any_of(arguments[0], limits)
    if origin in (Union, UnionType):
        return st.one_of(
            [_any_of(argument, limits) for argument in arguments if not getattr(argument, "is_given", False)]
        )
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(st.floats(0, 1), min_size=1, max_size=5).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return any_component(annotation)
    return {bool: _any_bool, int: _any_int, float: _any_float, str: _any_text, NoneType: _nothing}[annotation](limits)


def _any_bool(_limits: dict[str, Any]) -> st.SearchStrategy[bool]:
    return st.booleans()


def _any_int(limits: dict[str, Any]) -> st.SearchStrategy[int]:
    highest = limits["lt"] - 1 if "lt" in limits else limits.get("le", 10**6)
    return st.integers(limits["ge"], highest)


def _any_float(limits: dict[str, Any]) -> st.SearchStrategy[float]:
    lowest, highest = limits.get("ge", limits.get("gt")), limits["le"]
    return st.floats(lowest, highest, exclude_min="gt" in limits)


def _any_text(_limits: dict[str, Any]) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), max_size=12)


def _nothing(_limits: dict[str, Any]) -> st.SearchStrategy[None]:
    return st.none()


@st.composite
def any_config(draw: st.DrawFn) -> RunConfig:
    """Any valid RunConfig: its parts fit one another."""
    parts = {name: draw(_any_value(name, info)) for name, info in RunConfig.model_fields.items()}
    evaluation = parts["evaluation"]
    if {parts["device"].name, getattr(evaluation.device, "name", "rram1")} != {"rram1"}:
        settings = draw(any_slicing(pairs=((2, 2), (4, 2), (8, 2), (16, 2))))
        parts["mapping"] = parts["mapping"].model_copy(update=settings)
        if evaluation.mapping is not None:
            evaluation = evaluation.model_copy(update={"mapping": evaluation.mapping.model_copy(update=settings)})
    parts["evaluation"] = evaluation.model_copy(update={"sampler": "exact", "quantise": True})
    _fit_converters(parts)
    if parts["dataset"].num_axes not in {None, *parts["backbone"].takes}:
        parts["backbone"] = Mlp()  # which takes any input
    places = len(parts["backbone"].points())
    if isinstance(parts["method"], Irs) and parts["method"].num_feedback > places:
        parts["method"] = parts["method"].model_copy(update={"num_feedback": places})
    return RunConfig.make(**parts)


def _fit_converters(parts: dict[str, Any]) -> None:
    """Test converters that were not trained have calibrated ranges; mapping and arithmetic are what they go with."""
    evaluation = parts["evaluation"]
    test = evaluation.converters
    if test is not None and test.are_learned and test != parts["converters"]:
        test = Converters(dac_bits=test.dac_bits, adc_bits=test.adc_bits, scaling=test.scaling)
    if not parts["converters"].is_none or not (test is None or test.is_none):
        plain = {"scale": "layer", "rotation": "none", "copies": 1}
        parts["mapping"] = parts["mapping"].model_copy(update=plain)
        if evaluation.mapping is not None:
            evaluation = evaluation.model_copy(update={"mapping": evaluation.mapping.model_copy(update=plain)})
    given = test or parts["converters"]
    few_bits = given.is_none and not evaluation.effects.read_noise_each and not evaluation.worst_case
    usual = {} if few_bits else {"arithmetic": "float32"}
    parts["evaluation"] = evaluation.model_copy(update={"converters": test} | usual)


for _component in (
    TrainingConfig,
    EvaluationConfig,
    BitSlicing,
    Mapping,
    Effects,
    *PROGRAMMINGS.values(),
    *METHODS.values(),
    *CONSTRAINTS.values(),
    *BACKBONES.values(),
):
    st.register_type_strategy(_component, any_component(_component))
st.register_type_strategy(BaseMethod, st.one_of([any_component(one) for one in METHODS.values()]))
st.register_type_strategy(BaseConstraint, st.one_of([any_component(one) for one in CONSTRAINTS.values()]))
st.register_type_strategy(RunConfig, any_config())
