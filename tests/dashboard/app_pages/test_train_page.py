"""Choose a training, start it, watch it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.computing.work.forms import INITIAL
from dashboard.jobs import jobs, processes
from dashboard.jobs.processes import READY, keep_ready
from dashboard.pages import Page
from neft.config import RunConfig
from neft.datasets import DATASETS
from neft.experiments.recipes import RECIPES
from neft.input_kinds import IMAGES
from neft.methods import METHODS
from neft.networks.backbones import BACKBONES
from neft.options import FAMILIES, UNSAID, command_line, make_config, option_table
from neft.runs.events import Evaluating, Event, Failed, Finished, Loading, Stopped, Storing, Training
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.dashboard.driver import epoch, open_page, traces, words, write_job

# a training outlives whoever started it
pytestmark = [
    pytest.mark.usefixtures("nothing_shipped"),
    pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning"),
]
OWN_DATA = [name for name, dataset in DATASETS.items() if "path" in dataset.model_fields]
"""Of which a run is part of what they hold."""
UNTOUCHED = {"dataset": "digits", "backbone": "vgg8", "method": "ovf", "device": "rram1", **INITIAL}


USUAL_KIND = {"dataset": ("dataset", "digits"), "backbone": ("backbone", "vgg8")}


def is_of_another_kind(family: str, name: str) -> bool:
    """Whether it does not go with the usual data set or backbone, which are of images."""
    if family == "dataset":
        return DATASETS[name]().num_axes != IMAGES
    return family == "backbone" and IMAGES not in BACKBONES[name].takes


def shown_command(app: AppTest) -> str:
    """The command line below the form."""
    return next(str(code.value) for code in app.code if str(code.value).startswith("neft train"))


def choose(app: AppTest, part: str, name: str) -> AppTest:
    return app.selectbox(key=f"form_{part}").set_value(name).run()


def form_keys(app: AppTest) -> set[str]:
    """The form's widgets, without the names of the chosen components."""
    kinds = (app.number_input, app.text_input, app.toggle, app.selectbox)
    return {str(widget.key).removeprefix("form_") for kind in kinds for widget in kind}


def test_page_makes_a_process_ready_for_the_next_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "keep_ready", keep_ready)

    app = open_page(Page.TRAIN, train_as="expert")

    assert not app.exception
    assert READY.pid is not None
    assert jobs.jobs() == []


# ---------------------------------------------------------------- how much is decided
@pytest.mark.parametrize("key", RECIPES)
def test_recipe_asks_for_method_sigma_d_and_seed_alone(key: str) -> None:
    app = open_page(Page.TRAIN, train_as=key)

    assert form_keys(app) == {"train_as", "method", "sigma_d", "seed"} - {"train_as"}
    expected = make_config({**RECIPES[key].options, "method": "ovf", "sigma_d": 0.1, "seed": 0})
    assert shown_command(app) == command_line(expected)


def test_page_begins_with_the_quick_look_and_an_address_of_fields_alone_with_every_setting() -> None:
    quick, fields = open_page(Page.TRAIN), open_page(Page.TRAIN, form_epochs="7")

    assert shown_command(quick) == shown_command(open_page(Page.TRAIN, train_as="quick"))
    assert "--epochs 7" in shown_command(fields)
    assert "learning_rate" in form_keys(fields)


def test_start_stands_above_the_form_that_it_starts() -> None:
    app = open_page(Page.TRAIN)

    kinds = [type(element).__name__ for element in app.main]
    assert kinds.index("Button") < kinds.index("NumberInput")


# ---------------------------------------------------------------- the form
def test_untouched_form_is_the_command_of_its_defaults() -> None:
    app = open_page(Page.TRAIN, train_as="expert")

    assert not app.exception
    assert shown_command(app) == command_line(make_config(UNTOUCHED))


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("form_beta_ovf", 0.5, "beta"),
        ("form_num_feedback_ovf", 2, "num_feedback"),
        ("form_epochs", 3, "epochs"),
        ("form_sigma_d", 0.25, "sigma_d"),
        ("form_num_instances", 7, "num_instances"),
        ("form_max_train_digits", 100, "max_train"),
        ("form_temperature_ovf", 2.0, "temperature"),
        ("form_weight_bits", 4, "weight_bits"),
    ],
)
def test_number_in_the_form_goes_into_the_command(key: str, value: float, name: str) -> None:
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.number_input(key=key).set_value(value).run()

    assert shown_command(app) == command_line(make_config({**UNTOUCHED, name: value}))


@pytest.mark.parametrize(("family", "names"), sorted(FAMILIES.items()))
def test_every_component_can_be_chosen(family: str, names: dict[str, object]) -> None:
    app = open_page(Page.TRAIN, train_as="expert")
    for name in names:
        app = choose(app, family, name)

        assert not app.exception
        if name in OWN_DATA:
            assert "must name a" in app.error[0].value
        elif is_of_another_kind(family, name):
            assert re.search(r"^Backbone '\w+' takes .*, but the data are .*; allowed: .*mlp", app.error[0].value)
            app = choose(app, *USUAL_KIND[family])
        else:
            usual = family in UNSAID and RunConfig.model_fields[family].default.name == name
            assert usual != (f"--{family} {name} " in shown_command(app))


@pytest.mark.parametrize("name", DATASETS)
def test_form_asks_for_every_setting_of_a_data_set(name: str) -> None:
    asked = {option.name for option in option_table().values() if name in option.owners and not option.is_found}

    keys = form_keys(choose(open_page(Page.TRAIN, train_as="expert"), "dataset", name))

    assert {f"{option}_{name}" for option in asked} <= keys


def test_another_method_brings_its_own_settings() -> None:
    ovf = form_keys(open_page(Page.TRAIN, train_as="expert"))
    irs = form_keys(choose(open_page(Page.TRAIN, train_as="expert"), "method", "irs"))

    assert ovf - irs == {f"{field}_ovf" for field in METHODS["ovf"].model_fields if field != "name"}
    assert irs - ovf == {f"{field}_irs" for field in METHODS["irs"].model_fields if field != "name"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("form_learning_rate", 0.0, "TrainingConfig.learning_rate (learning rate) must lie in (0, 1]; got 0.0."),
        ("form_device_bits", 3, "weight_bits (M) must be a multiple of device_bits (K); got M = 8, K = 3."),
        ("form_decay_base_ovf", 1.0, "Ovf.decay_base (γ base) must lie in (1, 1000]; got 1.0."),
    ],
)
def test_number_out_of_range_is_refused_with_a_sentence(key: str, value: float, sentence: str) -> None:
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.number_input(key=key).set_value(value).run()

    assert not app.exception
    assert sentence in words(app)
    assert "Start training" not in [button.label for button in app.button]


def test_images_that_are_asked_about_can_be_said_to_be_meant(tmp_path: Path) -> None:
    for name in ("cat", "dog", "val"):
        (tmp_path / name).mkdir()
        for grey in range(12):
            Image.new("L", (8, 8), grey).save(tmp_path / name / f"{grey}.png")
    app = choose(open_page(Page.TRAIN, train_as="expert"), "dataset", "image_folder")
    app = app.text_input(key="form_path_image_folder").set_value(str(tmp_path)).run()
    asked = words(app)

    (meant,) = [toggle for toggle in app.toggle if toggle.label == "All of this is meant so"]
    app = meant.set_value(True).run()

    assert "'val' would be learned as a class" in asked
    assert "Start training" in [button.label for button in app.button]
    assert f"--checksum {str(meant.key).removeprefix('images_meant_')}" in shown_command(app)


@pytest.mark.parametrize("text", ["much", "0,2", "0.3:0.1:0.1"])
def test_list_that_cannot_be_is_refused_with_a_sentence(text: str) -> None:
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.text_input(key="form_test_sigma_d").set_value(text).run()

    assert not app.exception
    assert len(app.error) == 1
    assert "σ_d" in app.error[0].value


def test_irs_with_more_terms_than_the_network_has_places_is_refused() -> None:
    app = choose(open_page(Page.TRAIN, train_as="expert"), "method", "irs")

    app = app.number_input(key="form_num_feedback_irs").set_value(16).run()

    assert "the snapshot points of 'vgg8w4'; got 16" in words(app)


# ---------------------------------------------------------------- a training
def a_short_training(app: AppTest) -> AppTest:
    """The form, filled in for a training of a second."""
    app = choose(app, "backbone", "mlp")
    app.number_input(key="form_hidden_units_mlp").set_value(16)
    app.number_input(key="form_epochs").set_value(2)
    app.number_input(key="form_num_instances").set_value(3)
    app.text_input(key="form_test_sigma_d").set_value("0,0.1,0.2")
    return app.run()


def start_button(app: AppTest):
    return next(button for button in app.button if button.label == "Start training")


def test_training_started_on_the_page_is_stored_and_shown() -> None:
    app = a_short_training(open_page(Page.TRAIN, train_as="expert"))

    app = start_button(app).click().run()

    assert not app.exception
    (job,) = jobs.jobs()
    assert start_button(app).disabled
    assert f"cancel_{job.id}" in [button.key for button in app.button]
    while (now := jobs.find(job.id)) is not None and now.is_active:
        time.sleep(0.1)
    app = app.run()
    assert not app.exception
    assert job.name in words(app)
    assert "Finished in" in words(app)
    assert "See it in the four views" in words(app)
    assert "A run with these settings is stored" in words(app)
    assert start_button(app).disabled
    record = RunStore(neft_home() / "runs").record(job.run_id)
    assert RunConfig.model_validate(record.config).run_id == job.run_id
    assert record.provenance.command == shown_command(app)
    assert record.provenance.threads == 1


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([epoch(1), epoch(2), Finished()], "Finished in 5 s"),
        ([epoch(1), Stopped(message="Stopped after epoch 1.")], "Cancelled. Stopped after epoch 1."),
        ([Failed(message="MNIST: not there.")], "Failed. MNIST: not there."),
        ([epoch(1)], "Lost: its process ended without finishing. It was killed"),
        ([epoch(1), '{"event": "trai'], "Lost"),
        ([epoch(1), "\0\n", epoch(2)], "Lost"),
        ([], "Lost: its process ended without finishing. Its process ended before its turn came"),
    ],
)
def test_job_that_ended_says_how(events: list[Event | str], said: str) -> None:
    write_job("20260101-000000-aaaaaa", events)

    app = open_page(Page.TRAIN, train_as="expert")

    assert not app.exception
    assert said in words(app)
    assert len(app.get("plotly_chart")) == any(isinstance(event, Training) for event in events)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "Starting"),
        ([Loading(message="Loading")], "Loading the data"),
        ([epoch(3)], "Training** · 3 of 9 epochs"),
        ([epoch(9), Evaluating(done=2, total=4)], "Trying chips** · 2 of 4 chips"),
        ([epoch(9), Storing(message="x")], "Storing the run"),
    ],
)
def test_job_that_runs_says_what_it_does_and_that_others_wait(events: list[Event], said: str) -> None:
    ours = os.getpid()
    write_job("20260101-000000-aaaaaa", events, pid=ours, created=psutil.Process(ours).create_time())

    app = open_page(Page.TRAIN, train_as="expert")

    assert not app.exception
    assert said in app.get("progress")[0].proto.text
    assert not start_button(app).disabled
    assert "One job is ahead in the queue" in words(app)


def test_curve_of_the_chips_so_far_is_drawn_while_they_are_tried() -> None:
    alive: dict[str, Any] = {"pid": os.getpid(), "process_created": psutil.Process().create_time()}
    tried = Evaluating(done=3, total=9, row={"accuracy": 0.5, "0": 0.75, "0.1": 0.5})
    _ = write_job("20260101-000000-aaaaaa", [epoch(1), tried], **alive)

    (trace,) = [each for each in traces(open_page(Page.TRAIN), "Accuracy against device") if "this run" in each["name"]]

    assert trace["name"] == "this run, 3 of 9 chips"
    assert (list(trace["x"]), list(trace["y"])) == ([0.0, 0.1], [75.0, 50.0])


def test_cancel_stops_the_jobs_process() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    folder = write_job("20260101-000000-aaaaaa", [], pid=process.pid, created=psutil.Process(process.pid).create_time())
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.button(key=f"cancel_{folder.name}").click().run()

    process.wait(timeout=20)  # raises where it goes on; whoever looks at the job first takes its exit code
    app = app.run()
    assert not app.exception
    assert "Cancelled." in words(app)


# ---------------------------------------------------------------- the queue
def ours() -> dict[str, Any]:
    """A process that lives."""
    return {"pid": os.getpid(), "created": psutil.Process().create_time()}


def test_waiting_jobs_say_their_place_and_when_their_turn_comes() -> None:
    expected = {"training": 60.0, "evaluation": 30.0, "low": 60.0, "high": 120.0}
    for number in range(3):
        write_job(f"20260101-000000-00000{number}", [], **ours(), expected=expected)

    app = open_page(Page.TRAIN, train_as="expert")

    assert not app.exception
    assert "Waiting: 2nd in the queue** · begins when the job ahead has ended, in about 60 s to 2 min" in words(app)
    assert "Waiting: 3rd in the queue** · begins when the 2 jobs ahead have ended, in about 2 to 4 min" in words(app)
    assert "3 jobs are ahead in the queue, in about 3 to 6 min." in words(app)
    assert len(app.get("progress")) == 1


def test_waiting_job_leaves_the_queue_when_it_is_cancelled() -> None:
    write_job("20260101-000000-000000", [], **ours())
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    folder = write_job("20260101-000000-aaaaaa", [], pid=process.pid, created=psutil.Process(process.pid).create_time())
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.button(key=f"cancel_{folder.name}").click().run()

    process.wait(timeout=20)
    assert not app.exception
    assert "Cancelled. It had not begun to compute." in words(app.run())


def test_training_that_is_queued_is_not_queued_twice() -> None:
    run_id = make_config(UNTOUCHED).run_id
    write_job("20260101-000000-aaaaaa", [], **ours(), run_id=run_id)

    app = open_page(Page.TRAIN, train_as="expert")

    assert start_button(app).disabled
    assert "A training with these settings is 1st in the queue." in words(app)


def test_lost_training_is_started_again_from_its_card() -> None:
    write_job("20260101-000000-000000", [], **ours())
    folder = write_job("20260101-000000-aaaaaa", [epoch(1)])
    (folder / "config.json").write_text(make_config(UNTOUCHED).to_json(), encoding="utf-8")
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.button(key=f"again_{folder.name}").click().run()

    assert not app.exception
    again, _ = jobs.jobs()
    assert (again.state, again.place) == ("waiting", 2)
    assert not folder.exists()


def test_many_ended_jobs_are_paged_and_can_be_cleared() -> None:
    for number in range(7):
        write_job(f"20260101-000000-00000{number}", [epoch(1), Finished()])
    app = open_page(Page.TRAIN, train_as="expert")
    assert "7 jobs have ended." in words(app)
    assert words(app).count("Finished in") == 5

    app = next(button for button in app.button if button.label == "Clear the list").click().run()

    assert not app.exception
    assert jobs.jobs() == []
    assert "None yet." in words(app)


# ---------------------------------------------------------------- filled in
EVERY_PART = {
    "dataset": "fashion_mnist",
    "image_size": 16,
    "max_train": 500,
    "backbone": "resnet18",
    "width": 0.125,
    "method": "irs",
    "beta": 0.5,
    "decay": "constant",
    "classifier_noise": False,
    "device": "rram4",
    "weight_bits": 4,
    "epochs": 60,
    "seed": 7,
    "max_validation": 200,
    "test_sigma_d": "0,0.2",
    "test_device": "rram1",
    "test_quantise": False,
}


def a_job_like(values: dict[str, Any]) -> str:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1)])
    (folder / "config.json").write_text(make_config(values).to_json(), encoding="utf-8")
    return folder.name


@pytest.mark.parametrize("values", [UNTOUCHED, EVERY_PART], ids=["defaults", "everything"])
def test_form_is_filled_in_from_a_job(values: dict[str, Any]) -> None:
    app = open_page(Page.TRAIN, train_as="expert", like=a_job_like(values))

    assert not app.exception
    assert shown_command(app) == command_line(make_config(values))


def test_form_takes_the_next_free_seed() -> None:
    queued = make_config({**EVERY_PART, "seed": 8})
    write_job("20260101-000000-000000", [], **ours(), run_id=queued.run_id)

    app = open_page(Page.TRAIN, train_as="expert", like=a_job_like(EVERY_PART), reseed="yes")

    assert shown_command(app) == command_line(make_config({**EVERY_PART, "seed": 9}))


@pytest.mark.parametrize("like", ["digits-mlp-1a2b3c4d", "\0", "../../jobs", "a" * 300])
def test_run_that_is_no_more_cannot_be_filled_in(like: str) -> None:
    app = open_page(Page.TRAIN, train_as="expert", like=like)

    assert not app.exception
    assert "cannot be filled in: no run and no job" in words(app)
    assert shown_command(app) == command_line(make_config(UNTOUCHED))


def test_form_is_in_the_address() -> None:
    app = open_page(
        Page.TRAIN,
        train_as="expert",
        form_dataset="MNIST",
        form_method="IRS",
        form_num_feedback_irs="2",
        form_epochs="7",
    )

    assert shown_command(app) == command_line(
        make_config({**UNTOUCHED, "dataset": "mnist", "method": "irs", "num_feedback": 2, "epochs": 7})
    )


# ---------------------------------------------------------------- an experiment
def test_experiment_is_queued_from_here_too() -> None:
    write_job("20260101-000000-000000", [], **ours())
    app = open_page(Page.TRAIN, train_as="expert", train_what="A named experiment")
    app.selectbox(key="form_experiment").set_value("beta").run()
    app.selectbox(key="form_backbone").set_value("mlp").run()

    app = next(button for button in app.button if button.label == "Run the experiment").click().run()

    assert not app.exception
    job, _ = jobs.jobs()
    assert (job.sweep, job.place) == ("beta", 2)
    assert job.command.startswith("neft sweep beta --dataset digits ")
    assert " --backbone mlp " in job.command
    assert "It is in the queue at this size." in words(app)


def test_time_that_nothing_tells_is_said_to_be_unknown() -> None:
    app = open_page(Page.TRAIN, train_as="expert")

    assert "How long it takes is not known beforehand" in words(app)


def test_ended_job_can_be_removed_from_the_list() -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1), Finished()])
    app = open_page(Page.TRAIN, train_as="expert")

    app = app.button(key=f"forget_{folder.name}").click().run()

    assert not app.exception
    assert not folder.exists()
    assert "None yet." in words(app)


def test_page_says_that_jobs_cannot_be_listed() -> None:
    neft_home().mkdir(parents=True)
    (neft_home() / "jobs").write_text("not a folder", encoding="utf-8")

    app = open_page(Page.TRAIN)

    assert not app.exception
    assert "The jobs cannot be listed in" in words(app)
    assert "Not a directory" in words(app)
