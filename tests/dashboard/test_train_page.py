"""Choose a training, start it, watch it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import jobs
from dashboard.widgets.component_form import INITIAL
from neft.backbones import BACKBONES
from neft.config import RunConfig
from neft.datasets import DATASETS
from neft.devices import DEVICES
from neft.methods import METHODS
from neft.options import command_line, make_config
from neft.places import neft_home
from neft.store import RunStore
from tests.dashboard.driver import TRAIN, epoch, open_page, words, write_job

# a training outlives whoever started it
pytestmark = [
    pytest.mark.usefixtures("nothing_shipped"),
    pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning"),
]
UNTOUCHED = {"dataset": "digits", "backbone": "vgg8", "method": "ovf", "device": "rram1", **INITIAL}


def shown_command(app: AppTest) -> str:
    """The command line below the form."""
    return next(str(code.value) for code in app.code if str(code.value).startswith("neft train"))


def choose(app: AppTest, part: str, name: str) -> AppTest:
    return app.selectbox(key=f"form_{part}").set_value(name).run()


def form_keys(app: AppTest) -> set[str]:
    """The form's widgets, without the names of the chosen components."""
    kinds = (app.number_input, app.text_input, app.toggle, app.selectbox)
    return {str(widget.key).removeprefix("form_") for kind in kinds for widget in kind}


# ---------------------------------------------------------------- the form
def test_untouched_form_is_the_command_of_its_defaults() -> None:
    app = open_page(TRAIN)

    assert not app.exception
    assert shown_command(app) == command_line(make_config(UNTOUCHED))


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("form_beta_ovf", 0.5, "beta"),
        ("form_num_feedback_ovf", 2, "num_feedback"),
        ("form_epochs_None", 3, "epochs"),
        ("form_sigma_d_None", 0.25, "sigma_d"),
        ("form_num_instances_None", 7, "num_instances"),
        ("form_max_train_digits", 100, "max_train"),
        ("form_temperature_ovf", 2.0, "temperature"),
        ("form_weight_bits_None", 4, "weight_bits"),
    ],
)
def test_number_in_the_form_goes_into_the_command(key: str, value: float, name: str) -> None:
    app = open_page(TRAIN)

    app = app.number_input(key=key).set_value(value).run()

    assert shown_command(app) == command_line(make_config({**UNTOUCHED, name: value}))


@pytest.mark.parametrize(
    ("family", "names"),
    [("dataset", DATASETS), ("backbone", BACKBONES), ("method", METHODS), ("device", DEVICES)],
)
def test_every_component_can_be_chosen(family: str, names: dict[str, object]) -> None:
    app = open_page(TRAIN)
    for name in names:
        app = choose(app, family, name)

        assert not app.exception
        assert f"--{family} {name} " in shown_command(app)


def test_another_method_brings_its_own_settings() -> None:
    ovf = form_keys(open_page(TRAIN))
    irs = form_keys(choose(open_page(TRAIN), "method", "irs"))

    assert ovf - irs == {f"{field}_ovf" for field in METHODS["ovf"].model_fields if field != "name"}
    assert irs - ovf == {f"{field}_irs" for field in METHODS["irs"].model_fields if field != "name"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("form_learning_rate_None", 0.0, "TrainingConfig.learning_rate (learning rate) must lie in (0, 1]; got 0.0."),
        ("form_device_bits_None", 3, "weight_bits (M) must be a multiple of device_bits (K); got M = 8, K = 3."),
        ("form_decay_base_ovf", 1.0, "Ovf.decay_base (γ base) must lie in (1, 1000]; got 1.0."),
    ],
)
def test_number_out_of_range_is_refused_with_a_sentence(key: str, value: float, sentence: str) -> None:
    app = open_page(TRAIN)

    app = app.number_input(key=key).set_value(value).run()

    assert not app.exception
    assert sentence in words(app)
    assert "Start training" not in [button.label for button in app.button]


@pytest.mark.parametrize("text", ["much", "0,2", "0.3:0.1:0.1"])
def test_list_that_cannot_be_is_refused_with_a_sentence(text: str) -> None:
    app = open_page(TRAIN)

    app = app.text_input(key="form_test_sigma_d_None").set_value(text).run()

    assert not app.exception
    assert len(app.error) == 1
    assert "σ_d" in app.error[0].value


def test_irs_with_more_terms_than_the_network_has_places_is_refused() -> None:
    app = choose(open_page(TRAIN), "method", "irs")

    app = app.number_input(key="form_num_feedback_irs").set_value(16).run()

    assert "the snapshot places of 'vgg8w4'; got 16" in words(app)


# ---------------------------------------------------------------- a training
def a_short_training(app: AppTest) -> AppTest:
    """The form, filled in for a training of a second."""
    app = choose(app, "backbone", "mlp")
    app.number_input(key="form_hidden_units_mlp").set_value(16)
    app.number_input(key="form_epochs_None").set_value(2)
    app.number_input(key="form_num_instances_None").set_value(3)
    app.text_input(key="form_test_sigma_d_None").set_value("0,0.1,0.2")
    return app.run()


def start_button(app: AppTest):
    return next(button for button in app.button if button.label == "Start training")


def test_training_started_on_the_page_is_stored_and_shown() -> None:
    app = a_short_training(open_page(TRAIN))

    app = start_button(app).click().run()

    assert not app.exception
    (job,) = jobs.jobs()
    assert start_button(app).disabled
    assert f"cancel_{job.id}" in [button.key for button in app.button]
    while (now := jobs.find(job.id)) is not None and now.is_active:
        time.sleep(0.1)
    app = app.run()
    assert not app.exception
    assert f"`{job.run_id}`" in words(app)
    assert "Finished in" in words(app)
    assert "See it in the four views" in words(app)
    assert "A run with these settings is stored" in words(app)
    assert start_button(app).disabled
    record = RunStore(neft_home() / "runs").record(job.run_id)
    assert RunConfig.model_validate(record.config).run_id == job.run_id
    assert record.provenance.command == shown_command(app)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([epoch(1), epoch(2), {"event": "finished"}], "Finished in 5 s"),
        ([epoch(1), {"event": "stopped", "message": "Stopped after epoch 1."}], "Cancelled. Stopped after epoch 1."),
        ([{"event": "failed", "message": "MNIST: not there."}], "Failed. MNIST: not there."),
        ([epoch(1)], "Lost: its process ended without finishing. It was killed"),
        ([epoch(1), '{"event": "trai'], "Lost"),
        ([epoch(1), "\0\n", epoch(2)], "Lost"),
        ([], "Failed. The training's process ended without a word."),
    ],
)
def test_job_that_ended_says_how(events: list[dict[str, object] | str], said: str) -> None:
    write_job("20260101-000000-aaaaaa", events)

    app = open_page(TRAIN)

    assert not app.exception
    assert said in words(app)
    assert len(app.get("plotly_chart")) == any(isinstance(event, dict) and "row" in event for event in events)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "Starting"),
        ([{"event": "loading", "message": "Loading"}], "Loading the data"),
        ([epoch(3)], "Training** · 3 of 9 epochs"),
        ([epoch(9), {"event": "evaluating", "done": 2, "total": 4, "row": {}}], "Trying chips** · 2 of 4 chips"),
        ([epoch(9), {"event": "storing", "message": "x"}], "Storing the run"),
    ],
)
def test_job_that_runs_says_what_it_does_and_keeps_others_waiting(events: list[dict[str, object]], said: str) -> None:
    ours = os.getpid()
    write_job("20260101-000000-aaaaaa", events, pid=ours, created=psutil.Process(ours).create_time())

    app = open_page(TRAIN)

    assert not app.exception
    assert said in app.get("progress")[0].proto.text
    assert start_button(app).disabled


def test_cancel_stops_the_jobs_process() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    folder = write_job("20260101-000000-aaaaaa", [], pid=process.pid, created=psutil.Process(process.pid).create_time())
    app = open_page(TRAIN)

    app = app.button(key=f"cancel_{folder.name}").click().run()

    assert process.wait(timeout=20) == -signal.SIGTERM
    app = app.run()
    assert not app.exception
    assert "Cancelled." in words(app)


def test_ended_job_can_be_removed_from_the_list() -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1), {"event": "finished"}])
    app = open_page(TRAIN)

    app = app.button(key=f"forget_{folder.name}").click().run()

    assert not app.exception
    assert not folder.exists()
    assert "None yet." in words(app)
