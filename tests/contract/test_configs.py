"""Any valid config survives JSON text and the command line, and has a key of its own."""

import json
import shlex
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from neft.config import RunConfig
from neft.datasets.image_folder import ImageFolder
from neft.devices import Fefet2
from neft.errors import ConfigError
from neft.experiments.planning import PlannedRun
from neft.experiments.presets import PRESETS
from neft.methods import Ovf
from neft.options import FAMILIES, command_line, make_config, option_table, to_values
from neft.run_id import is_run_id
from tests.input_shapes import beside

configs = st.from_type(RunConfig)
no_objects = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5)
PLANNED = [planned for preset in PRESETS.values() for planned in preset.known_runs]


def parse(command: str) -> dict[str, Any]:
    """Options of a command line, as a shell and an option parser read them."""
    switches = {option.flag: name for name, option in option_table().items() if option.is_switch}
    values: dict[str, Any] = {}
    words = iter(shlex.split(command)[2:])
    for word in words:
        if word in switches:
            values[switches[word]] = True
        elif word.replace("--no-", "--", 1) in switches:
            values[switches[word.replace("--no-", "--", 1)]] = False
        else:
            values[word.removeprefix("--").replace("-", "_")] = next(words)
    return values


# ---------------------------------------------------------------- JSON
@given(config=configs)
@example(config=RunConfig())
def test_config_survives_json_text(config: RunConfig) -> None:
    assert RunConfig.from_json(config.to_json()) == config
    assert RunConfig.from_json(config.to_json().encode()).key == config.key


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_component_survives_json_text(family: str) -> None:
    for name in FAMILIES[family]:
        parts = {family: name} | beside(family, name)
        config = RunConfig.make(**{part: {"name": chosen} for part, chosen in parts.items()})
        assert RunConfig.from_json(config.to_json()) == config
        assert getattr(config, family).name == name


def test_a_test_device_survives_json_text() -> None:
    config = RunConfig.make(evaluation={"device": {"name": "fefet2"}})

    assert RunConfig.from_json(config.to_json()).test_device == Fefet2()


# ---------------------------------------------------------------- keys
@given(config=configs)
def test_equal_configs_have_equal_keys(config: RunConfig) -> None:
    again = RunConfig.model_validate(config.model_dump())

    assert again == config
    assert again.key == config.key
    assert hash(again) == hash(config)


@given(config=configs, donor=configs, data=st.data())
def test_another_setting_gives_another_key(config: RunConfig, donor: RunConfig, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(sorted(RunConfig.model_fields)))
    own, other = getattr(config, part), getattr(donor, part)
    field = data.draw(st.sampled_from(sorted(type(own).model_fields)))
    replaced = own.model_copy(update={field: getattr(other, field)}) if type(own) is type(other) else other
    assume(replaced != own and field not in replaced.idle_fields | own.idle_fields)
    if part == "evaluation" and field in (
        "mapping",
        "programming",
        "converters",
    ):  # those of the training hold where none are given
        assume((getattr(own, field) or getattr(config, field)) != (getattr(replaced, field) or getattr(config, field)))

    assert config.model_copy(update={part: replaced}).key != config.key


@pytest.mark.parametrize(
    "restated",
    [
        {"test_mapping": "default"},
        {"test_mapping": "scale=layer"},
        {"test_programming": "open_loop"},
        {"significance_base": 4},
        {"test_mapping": "significance_base=4"},
        {"significance_base": 4, "test_mapping": "default"},
        {"test_mapping": "default", "test_programming": "open_loop", "scale": "layer", "copies": 1},
    ],
)
def test_restated_defaults_are_no_other_run(restated: dict[str, Any]) -> None:
    assert make_config(restated).run_id == RunConfig().run_id


def test_restating_what_the_training_has_is_no_other_run() -> None:
    trained = {"scale": "channel", "programming": "residual"}

    again = make_config(trained | {"test_mapping": "scale=channel", "test_programming": "residual"})

    assert again.run_id == make_config(trained).run_id
    assert make_config(trained | {"test_mapping": "default"}).run_id != make_config(trained).run_id


def test_a_base_that_is_not_the_slicing_s_own_is_another_run() -> None:
    assert make_config({"significance_base": 2}).run_id != RunConfig().run_id
    # 2^K is 16 there
    on_four_bits = make_config({"device_bits": 4, "significance_base": 4})
    assert on_four_bits.run_id != make_config({"device_bits": 4}).run_id


def test_ids_of_runs_with_a_precision_stay_where_thirty_chips_were_the_fewest() -> None:
    """Keys of the version in which 30 was the default whatever the precision."""
    once = RunConfig.make(evaluation={"precision": 0.01, "min_instances": 30})
    long = RunConfig.make(evaluation={"precision": 0.01, "min_instances": 30, "num_instances": 1000})
    now = RunConfig.make(evaluation={"precision": 0.01, "num_instances": 1000})

    assert (once.key, long.key) == ("bd8a319e", "077620c6")
    assert now.key not in (once.key, long.key)
    assert now == RunConfig.make(evaluation=now.evaluation.model_dump())


@given(config=configs)
def test_run_ids_are_safe_names(config: RunConfig) -> None:
    assert is_run_id(config.run_id)
    assert config.run_id.endswith(config.key)


# ---------------------------------------------------------------- the command line
@given(config=configs)
@example(config=RunConfig.make(method=Ovf(delta_sigma=-0.05, feedback_moves_batchnorm=False, beta=0.012345678)))
@example(config=RunConfig.make(dataset=ImageFolder(path="my 'own' images", channels=1)))
def test_command_line_makes_the_config_again(config: RunConfig) -> None:
    assert make_config(parse(command_line(config))) == config
    assert make_config(to_values(config)) == config


@pytest.mark.parametrize("planned", PLANNED[::7] + PLANNED[-2:], ids=lambda planned: planned.run_id)
def test_command_line_makes_a_presets_run_again(planned: PlannedRun) -> None:
    assert make_config(parse(command_line(planned.config))).run_id == planned.run_id


def test_option_is_named_once() -> None:
    flags = [option.flag for option in option_table().values()]

    assert len(flags) == len(set(flags))
    assert not {flag.removeprefix("--") for flag in flags} & set(FAMILIES)


@pytest.mark.parametrize("name", sorted(option_table()))
def test_option_helps_with_meaning_bounds_and_owner(name: str) -> None:
    option = option_table()[name]

    assert option.info.description
    assert option.info.description in option.help()
    assert all(owner in option.help() for owner in option.owners)


# ---------------------------------------------------------------- wrong input
@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            {"method": {"name": "ovff"}},
            "Unknown method 'ovff'. Did you mean 'ovf'? Known: vanilla, noise_injection, ovf, irs, correctnet,",
        ),
        ({"method": {"name": "ovf", "beta": -1}}, "Ovf.beta (β) must lie in [0, 1]; got -1."),
        ({"method": {}}, "RunConfig.method.name is required."),
        ({"method": {"name": "ovf", "betta": 1}}, "Unknown setting of Ovf 'betta'. Did you mean 'beta'?"),
        ({"method": {"name": "ovf", "decay": "x"}}, "must be 'paper', 'reversed' or 'constant'; got 'x'."),
        (
            {"method": {"name": "irs", "num_feedback": 7}},
            "num_feedback (N) of 'irs' must be at most 5, the snapshot points of",
        ),
        (
            {"training": {"sigma_d": float("nan")}},
            "TrainingConfig.sigma_d (train σ_d) must be a finite number; got nan.",
        ),
        ({"training": {"epochs": 0}}, "TrainingConfig.epochs (epochs) must lie in [1, 10000]; got 0."),
        ({"training": {"learning_rate": 0}}, "TrainingConfig.learning_rate (learning rate) must lie in (0, 1]; got 0."),
        ({"training": {"pretrained_run": "../x"}}, "(pretrained run) must be the id of a stored run; got '../x'."),
        (
            {"training": 3},
            "RunConfig.training (training) must be a valid dictionary or instance of TrainingConfig; got 3.",
        ),
        (
            {"evaluation": {"sigma_ds": [0.1, 2]}},
            "EvaluationConfig.sigma_ds (test σ_d) every σ_d must lie in [0, 1]; got",
        ),
        (
            {"evaluation": {"device": {"name": "x"}}},
            "Unknown device 'x'. Known: rram1, fefet2, rram4, fefet6, measured.",
        ),
        ({"mapping": {"device_bits": 3}}, "weight_bits (M) must be a multiple of device_bits (K); got M = 8, K = 3."),
        ({"backbone": {"name": "vgg8", "width": 9}}, "Vgg8.width (width) must lie in [0.015625, 4]; got 9."),
        ({"metod": 1}, "Unknown setting of RunConfig 'metod'. Did you mean 'method'?"),
    ],
    ids=str,
)
def test_wrong_input_is_named_with_what_is_allowed(parts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.make(**parts)

    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("text", "sentence"), [("{", "Invalid JSON"), ("[]", "RunConfig must be an object.")])
def test_text_that_is_no_config_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RunConfig.from_json(text)


@given(text=no_objects.map(json.dumps) | st.text(max_size=30).filter(lambda text: "{" not in text))
def test_text_of_anything_else_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\.$"):
        RunConfig.from_json(text)
