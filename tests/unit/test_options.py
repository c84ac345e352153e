import pytest
from hypothesis import given
from hypothesis import strategies as st

from neft.config import RunConfig, TrainingConfig
from neft.errors import ConfigError
from neft.methods import Irs, Ovf
from neft.networks.backbones import Mlp, Vgg8
from neft.options import command_line, make_config, on_its_own_device, option_table, parse_sigma_ds, shown


def test_nothing_given_is_the_default_config() -> None:
    assert make_config({}) == RunConfig()
    assert make_config({"beta": None, "method": None}) == RunConfig()


def test_options_change_only_what_they_name() -> None:
    base = RunConfig(method=Irs(num_feedback=2), training=TrainingConfig(epochs=7))

    config = make_config({"beta": "0.5", "sigma_d": 0.2}, base)

    assert config.method == Irs(num_feedback=2, beta=0.5)
    assert config.training == TrainingConfig(epochs=7, sigma_d=0.2)


def test_component_chosen_anew_starts_from_its_own_defaults() -> None:
    base = RunConfig(method=Irs(num_feedback=2), backbone=Vgg8(width=0.5))

    config = make_config({"method": "ovf", "backbone": "mlp"}, base)

    assert config.method == Ovf()
    assert config.backbone == Mlp()


def test_training_and_test_chips_have_options_of_their_own() -> None:
    config = make_config(
        {"seed": 1, "chip_seed": 2, "train_quantise": True, "test_quantise": False, "test_device": "rram4"}
    )

    assert (config.training.seed, config.evaluation.seed) == (1, 2)
    assert (config.training.quantise, config.evaluation.quantise) == (True, False)
    assert (config.device.name, config.test_device.name) == ("rram1", "rram4")


@pytest.mark.parametrize(
    ("base", "said"),
    [({}, {"test_device": "rram1"}), ({"device": "fefet6", "sigma_d": 0.2}, {"test_device": "fefet6"})],
)
def test_evaluation_on_the_training_device_is_one_however_it_is_said(
    base: dict[str, object], said: dict[str, object]
) -> None:
    trained = make_config(base)

    assert on_its_own_device(make_config(said, trained), trained) == trained


def test_run_that_restates_its_device_stays_what_it_is() -> None:
    restated = make_config({"test_device": "rram1"})

    assert on_its_own_device(make_config({}, restated), restated).run_id == restated.run_id != make_config({}).run_id


def test_command_names_only_what_differs() -> None:
    config = RunConfig(method=Ovf(feedback_moves_batchnorm=False), training=TrainingConfig(sigma_d=0.2, quantise=True))

    assert command_line(config) == (
        "neft train --dataset digits --backbone vgg8 --device rram1 --method ovf --constraint none --width 0.25"
        " --no-feedback-moves-batchnorm --sigma-d 0.2 --train-quantise"
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"betta": 1}, "Unknown option 'betta'. Did you mean 'beta'?"),
        ({"method": "vanila"}, "Unknown method 'vanila'. Did you mean 'vanilla'?"),
        ({"beta": 0.1}, "--beta is no option of method 'noise_injection'; it belongs to: ovf, irs."),
        ({"hidden_units": 8}, "--hidden-units is no option of backbone 'vgg8'; it belongs to: mlp."),
        ({"test_device": "rram"}, "Unknown device 'rram'. Did you mean 'rram4'?"),
        ({"test_sigma_d": "0-1"}, "--test-sigma-d (test σ_d) must be like '0,0.1,0.2' or '0:0.4:0.05'"),
        ({"epochs": "many"}, "TrainingConfig.epochs (epochs) must be a valid integer"),
        ({"dataset": "image_folder", "channels": "2"}, "ImageFolder.channels (channels) must be 1 or 3; got '2'."),
    ],
    ids=str,
)
def test_wrong_option_is_refused_with_a_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(values)

    assert sentence.rstrip("?") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1", (0.1,)),
        ("0,0.1,0.25", (0.0, 0.1, 0.25)),
        ("0:0.4:0.1", (0.0, 0.1, 0.2, 0.3, 0.4)),
        ("0.1:0.1:1", (0.1,)),
    ],
)
def test_sigma_ds(text: str, values: tuple[float, ...]) -> None:
    assert parse_sigma_ds(text) == values


@pytest.mark.parametrize(
    "text", ["", "a", "0:1", "0:1:0", "0:1:-0.1", "0:1:0.001", "0:inf:1", "0:1e308:1e-308", "1:2:3:4"]
)
def test_what_is_no_list_of_sigma_ds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="test-sigma-d"):
        parse_sigma_ds(text)
    with pytest.raises(ConfigError, match=r"^--train-sigma-ds must be like"):
        parse_sigma_ds(text, flag="--train-sigma-ds")


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_shown_as_they_read_back(value: float) -> None:
    assert float(shown(value)) == value


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1.0, "1"), (True, "on"), ((0.0, 0.25), "0,0.25"), ("a", "a")]
)
def test_values_are_shown_briefly(value: object, text: str) -> None:
    assert shown(value) == text


def test_precision_alone_has_a_meaning_without_a_value() -> None:
    bare = {name: option.bare_value for name, option in option_table().items() if option.bare_value is not None}

    assert bare == {"precision": 0.01}
    assert option_table()["precision"].help().endswith("Without a value: 0.01.")
    precise = make_config({"precision": 0.01, "num_instances": 1000})
    assert command_line(precise).endswith(" --num-instances 1000 --precision 0.01")


def test_fewest_chips_follow_from_the_precision_unless_they_are_given() -> None:
    precise = make_config({"precision": 0.01, "num_instances": 1000})
    as_once = make_config({"precision": 0.01, "min_instances": 30})

    assert (precise.evaluation.min_instances, as_once.evaluation.min_instances) == (597, 30)
    assert command_line(as_once).endswith(" --precision 0.01 --min-instances 30")
    assert make_config({"precision": 0.02}, precise).evaluation.min_instances == 297
    assert make_config({"num_instances": 2000}, as_once).evaluation.min_instances == 30
    with pytest.raises(ConfigError, match=r"^A precision of 0\.01 takes num_instances \(chips\) of at least 597"):
        make_config({"num_instances": 300}, precise)


def test_a_stored_run_lends_its_training_but_not_the_fewest_chips_that_it_had_no_use_for() -> None:
    stored = RunConfig.from_json(RunConfig().to_json())

    assert make_config({"precision": 0.02, "num_instances": 300}, stored).evaluation.min_instances == 297


def test_choices_are_those_of_the_schema() -> None:
    table = option_table()

    assert table["decay"].choices == ("paper", "reversed", "constant")
    assert table["channels"].choices == ("1", "3")
    assert table["beta"].choices is None
