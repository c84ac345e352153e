"""Experiments: one at a time, its numbers as stored, and a way on where runs are missing."""

import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from dashboard.words import findings
from dashboard.words.sentences import SIGMA_D
from neft import tables
from neft.cli import main
from neft.experiments.claims import claims_table
from neft.experiments.questions import EXPERIMENTS as ASKED
from neft.reference import published_ekl, published_settings
from neft.reference.citations import cite
from neft.runs.events import EndedRun, Finished, Sweeping
from neft.runs.places import neft_home
from neft.runs.plans import FOLDER, save_plan
from neft.runs.store import INSTANCES, RunStore
from tests.dashboard.driver import axis_titles, charts, open_page, traces, words, write_job
from tests.dashboard.small_experiments import HELD, PLAN, a_plan, chips_of, in_words, renamed, runs_of, without

ACCURACY, EKL, DOTS = "Accuracy over", "EKL over", "One dot a training"
EVERY_SETTING = [name for name in HELD if name not in ("accuracy", "convergence")]
WITH_PUBLISHED = sorted(set(published_settings()["experiment"]))


def open_experiment(name: str, **address: str | list[str]) -> AppTest:
    """The page at this experiment's address."""
    return open_page(Page.EXPERIMENTS, experiment=ASKED[name].title, **address)


@pytest.fixture(scope="module", params=HELD)
def held(request: pytest.FixtureRequest, some_experiments: RunStore) -> tuple[str, AppTest]:
    """Each stored experiment and its page, to be read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neft.runs.store.CACHED_RUNS", some_experiments.root)
        patch.setenv("NEFT_HOME", str(some_experiments.root / "none"))
        return request.param, open_experiment(request.param)


def own_plans() -> Path:
    """The folder of the user's own plans."""
    folder = neft_home() / "runs" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def series(app: AppTest, alt: str = ACCURACY) -> dict[str, dict[str, list[float]]]:
    """The points of a chart's methods: mean and the ends of the interval, in the order of the settings."""
    return {
        trace["name"]: {
            "mean": trace["y"],
            "lower": [y - e for y, e in zip(trace["y"], trace["error_y"]["arrayminus"], strict=True)],
            "upper": [y + e for y, e in zip(trace["y"], trace["error_y"]["array"], strict=True)],
        }
        for trace in traces(app, alt)
        if "error_y" in trace
    }


def assert_drawn(app: AppTest, points: pd.DataFrame, *, alt: str = ACCURACY, factor: float = 100) -> None:
    """Whether a chart shows these points and no others."""
    points = in_words(points, "")
    drawn = series(app, alt)
    assert set(drawn) == set(points["label"])
    for label, rows in points.groupby("label"):
        for name in ("mean", "lower", "upper"):
            assert drawn[str(label)][name] == pytest.approx((factor * rows[name]).tolist()), (label, name)


def differences(app: AppTest) -> pd.DataFrame:
    """The table of paired differences."""
    return app.dataframe[0].value


def hollow(app: AppTest, alt: str = ACCURACY) -> dict[str, list[float]]:
    """Published points by their method's label."""
    named = {str(trace.get("name", "")): trace for trace in traces(app, alt)}
    found = {name: trace for name, trace in named.items() if name.endswith(" (published)")}
    assert all(trace["marker"]["symbol"].endswith("-open") for trace in found.values())
    return {name.removesuffix(" (published)"): trace["y"] for name, trace in found.items()}


# ---------------------------------------------------------------- every experiment
def test_experiment_is_drawn_with_its_question_and_source(held: tuple[str, AppTest]) -> None:
    name, app = held

    assert not app.exception
    assert not app.warning
    assert not app.info
    assert app.sidebar.radio(key="experiment").value == name
    assert ASKED[name].question.replace("σ_d", SIGMA_D) in words(app)
    assert cite(ASKED[name].source).lower() in words(app).lower()
    assert ASKED[name].look_for in words(app)
    expected = {"accuracy": [ACCURACY, EKL], "convergence": [DOTS]}.get(name, [ACCURACY])
    for alt, start in zip(charts(app), expected, strict=True):
        assert alt.startswith(start)


@pytest.mark.parametrize("name", sorted(set(ASKED) - set(HELD)))
def test_experiment_without_runs_offers_the_command(experiments_shipped: RunStore, name: str) -> None:
    app = open_experiment(name)

    assert not app.exception
    assert not charts(app)
    assert "Nothing of this experiment is stored yet." in words(app)
    assert [code.value for code in app.code] == [f"neft sweep {name}"]


def test_list_says_which_experiments_have_no_runs_and_what_became_of_the_others_claims(
    experiments_shipped: RunStore,
) -> None:
    radio = open_page(Page.EXPERIMENTS).sidebar.radio(key="experiment")
    verdicts = findings.experiment_verdicts(claims_table([a_plan(*HELD)], runs_of(experiments_shipped)))

    assert verdicts
    assert radio.options == [experiment.title for experiment in ASKED.values()]
    expected = [verdicts.get(name, "") if name in HELD else "no runs yet" for name in ASKED]
    assert list(radio.proto.captions) == expected


def test_title_is_what_the_claims_say_of_the_experiment_and_else_its_question(
    held: tuple[str, AppTest], some_experiments: RunStore
) -> None:
    name, app = held
    claims = claims_table([a_plan(*HELD)], runs_of(some_experiments))
    finding = findings.experiment_title(claims[claims["experiment"] == name])

    assert app.title[0].value == (finding or ASKED[name].question).replace("σ_d", SIGMA_D)


@pytest.mark.parametrize("name", sorted(set(ASKED) - set(HELD)))
def test_other_experiments_open_on_the_cached_runs(name: str) -> None:
    app = open_experiment(name)

    assert not app.exception
    assert app.sidebar.radio(key="experiment").value == name


def test_another_experiment_is_a_click_away(experiments_shipped: RunStore) -> None:
    app = open_page(Page.EXPERIMENTS)
    first = app.sidebar.radio(key="experiment").value

    app = app.sidebar.radio(key="experiment").set_value("convergence").run()

    assert not app.exception
    assert first == "accuracy"
    assert [alt.split(",")[0] for alt in charts(app)] == [DOTS]


@pytest.mark.parametrize(
    "address",
    [{"experiment": "Cold fusion"}, {"size": "nowhere"}, {"ekl": "EKL of the moon"}, {"paper": "perhaps"}],
)
def test_wrong_values_in_the_address_do_no_harm(experiments_shipped: RunStore, address: dict[str, str]) -> None:
    app = open_page(Page.EXPERIMENTS, **address)

    assert not app.exception
    assert [alt.split(" over")[0] for alt in charts(app)] == ["Accuracy", "EKL"]


# ---------------------------------------------------------------- numbers
@pytest.mark.parametrize("held", [name for name in HELD if name != "convergence"], indirect=True)
def test_chart_shows_the_points_of_the_stored_chips(held: tuple[str, AppTest], some_experiments: RunStore) -> None:
    name, app = held

    chips = chips_of(some_experiments, a_plan(*HELD), name)

    assert_drawn(app, tables.setting_points(chips))


def test_a_point_is_the_mean_of_its_runs_chips(experiments_shipped: RunStore) -> None:
    runs = {entry.run_id for entry in a_plan("classifier_noise").entries if entry.setting == "noise_free"}
    chips = pd.concat([experiments_shipped.instances(experiments_shipped.record(run_id)) for run_id in runs])
    mean = chips.loc[(chips["sigma_d"] - 0.1).abs() < 1e-9, "accuracy"].mean()

    app = open_experiment("classifier_noise")

    assert len(runs) == 2
    assert series(app)["IRS"]["mean"][1] == pytest.approx(100 * mean)


def test_a_dot_is_a_training(experiments_shipped: RunStore) -> None:
    seeds, means = tables.convergence(chips_of(experiments_shipped, a_plan(*HELD), "convergence"))

    app = open_experiment("convergence")

    dots = [y for trace in traces(app, DOTS) if trace.get("customdata") for y in trace["y"]]
    assert sorted(dots) == pytest.approx(sorted(100 * seeds["accuracy"]))
    for row in in_words(means, "convergence").to_dict("records"):
        assert f"**{row['label']}** {row['num_failed']} of 2" in words(app)


def test_ekl_can_be_read_after_calibration(experiments_shipped: RunStore) -> None:
    chips = chips_of(experiments_shipped, a_plan(*HELD), "accuracy")
    app = open_experiment("accuracy")
    assert series(app, EKL)["OVF"]["mean"] == pytest.approx(mean_of(chips, "ekl", "ovf"))

    app = app.button_group(key="ekl").set_value("calibrated_ekl").run()

    assert not app.exception
    assert axis_titles(app, EKL)[1] == "EKL after calibration (nats)"
    for variant, label in (("ovf", "OVF"), ("irs", "IRS"), ("vanilla", "Vanilla")):
        assert series(app, EKL)[label]["mean"] == pytest.approx(mean_of(chips, "calibrated_ekl", variant))
    assert_drawn(app, tables.setting_points(chips))


def mean_of(chips: pd.DataFrame, metric: str, variant: str) -> list[float]:
    """A method's means over σ_d."""
    points = tables.setting_points(chips, metric)
    return points.loc[points["variant"] == variant, "mean"].tolist()


def test_address_of_calibrated_ekl_shows_it_at_once(experiments_shipped: RunStore) -> None:
    app = open_page(Page.EXPERIMENTS, ekl="EKL after calibration")

    assert app.button_group(key="ekl").value == "calibrated_ekl"
    assert axis_titles(app, EKL)[1] == "EKL after calibration (nats)"


# ---------------------------------------------------------------- paired differences
def test_differences_are_to_the_control_at_the_same_setting(experiments_shipped: RunStore) -> None:
    chips = chips_of(experiments_shipped, a_plan(*HELD), "feedback_terms")
    expected = tables.differences_to_series(chips, "noise_injection_t")

    app = open_experiment("feedback_terms")

    assert app.selectbox(key="reference_feedback_terms").value == ("noise_injection_t", None)
    assert "Noise injection, T = N + 1 · same setting" in app.selectbox(key="reference_feedback_terms").options
    assert_differences(differences(app), expected, "feedback_terms")
    assert set(expected["variant"]) == {"ovf", "irs"}


def test_differences_can_be_to_one_arm(experiments_shipped: RunStore) -> None:
    chips = chips_of(experiments_shipped, a_plan(*HELD), "feedback_terms")

    app = open_experiment("feedback_terms").selectbox(key="reference_feedback_terms").set_value(("irs", "n_1")).run()

    assert not app.exception
    assert_differences(differences(app), tables.differences_to_arm(chips, ("irs", "n_1")), "feedback_terms")


def test_differences_are_to_the_only_setting_of_the_control(experiments_shipped: RunStore) -> None:
    chips = chips_of(experiments_shipped, a_plan(*HELD), "classifier_noise")

    app = open_experiment("classifier_noise")

    assert app.selectbox(key="reference_classifier_noise").value == ("noise_injection_t4", "no_feedback")
    assert_differences(
        differences(app), tables.differences_to_arm(chips, ("noise_injection_t4", "no_feedback")), "classifier_noise"
    )


def test_differences_over_sigma_d_are_to_the_control_at_each(experiments_shipped: RunStore) -> None:
    chips = chips_of(experiments_shipped, a_plan(*HELD), "accuracy")
    expected = tables.differences_to_series(chips, "noise_injection_t4")

    app = open_experiment("accuracy")
    table = differences(app)

    assert app.selectbox(key="reference_accuracy").value == "noise_injection_t4"
    assert_differences(table.rename(columns={"At": "Setting"}), expected, "accuracy")
    assert table["At"].tolist() == ["σ_d = 0.1"] * 9 + ["σ_d = 0.2"] * 9


def assert_differences(table: pd.DataFrame, expected: pd.DataFrame, experiment: str) -> None:
    """Whether the table shows these differences, in points, and no others."""
    keys = {(row["label"], row["setting_label"]): row for row in in_words(expected, experiment).to_dict("records")}
    shown = {(row["Method"], row["Setting"]): row for row in table.to_dict("records")}
    assert len(shown) == len(table)
    assert set(shown) == set(keys)
    for key, row in shown.items():
        assert row["Difference"] == pytest.approx(100 * keys[key]["mean"])
        assert row["± 95 %"] == pytest.approx(100 * keys[key]["ci95"])


def test_what_validation_chooses_is_said(experiments_shipped: RunStore) -> None:
    plan = a_plan(*HELD)
    records = {record.id: record for record in experiments_shipped.list().records}
    choice = tables.validation_choice(plan.entries, records, "beta")
    chosen = in_words(choice[choice["chosen"]], "beta")

    said = next(text for text in words(open_experiment("beta")).splitlines() if text.startswith("Chosen"))

    assert not chosen.empty
    for row in chosen.to_dict("records"):
        assert f"{row['label']} {row['setting_label']} ({100 * row['validation_accuracy']:.1f} % on validation)" in said


# ---------------------------------------------------------------- published figures
@pytest.mark.parametrize("name", EVERY_SETTING)
def test_published_settings_are_hollow_marks_where_there_are_any(experiments_shipped: RunStore, name: str) -> None:
    app = open_experiment(name)
    assert not hollow(app)
    assert "Hollow" not in words(app)
    if name not in WITH_PUBLISHED:
        assert not app.sidebar.toggle
        return

    app = app.sidebar.toggle(key="paper").set_value(True).run()

    theirs = published_settings().query("experiment == @name").sort_values("position", kind="stable")
    assert not app.exception
    assert hollow(app) == {
        label: pytest.approx((100 * rows["accuracy"]).tolist()) for label, rows in theirs.groupby("label")
    }
    assert "Hollow: published for ResNet-18 on CIFAR-10" in words(app)


def test_published_figures_are_drawn_in_both_charts(experiments_shipped: RunStore) -> None:
    app = open_experiment("accuracy", paper="true")

    theirs = published_ekl().query("variant == 'ovf'")
    assert not app.exception
    assert {"Vanilla", "Noise injection", "OVF", "IRS"} <= set(hollow(app))
    assert hollow(app, EKL)["OVF"] == pytest.approx(theirs["ekl"].tolist())
    assert axis_titles(app, EKL)[2] == "published EKL (own scale)"


def test_calibrated_ekl_has_nothing_published_beside_it(experiments_shipped: RunStore) -> None:
    app = open_experiment("accuracy", paper="true", ekl="EKL after calibration")

    assert not app.exception
    assert not hollow(app, EKL)
    assert hollow(app)


# ---------------------------------------------------------------- stores that are not whole
def test_partly_stored_plan_says_how_much_and_the_command(experiments_shipped: RunStore) -> None:
    save_plan(neft_home() / "runs", a_plan("classifier_noise", name=PLAN, num_seeds=3))

    app = open_experiment("classifier_noise")

    assert not app.exception
    assert f"6 of 9 runs are stored; `neft sweep {PLAN}` makes the rest." in words(app)
    assert_drawn(app, tables.setting_points(chips_of(experiments_shipped, a_plan(*HELD), "classifier_noise")))


@pytest.mark.parametrize("name", HELD)
def test_experiment_of_one_seed_is_drawn(experiments_shipped: RunStore, name: str) -> None:
    save_plan(neft_home() / "runs", without(a_plan(*HELD), seed=1))

    app = open_experiment(name)

    assert not app.exception
    assert charts(app)
    assert name == "convergence" or set(differences(app)["Told apart"]) == {"one seed"}


def test_methods_without_a_seed_in_common_have_no_difference(experiments_shipped: RunStore) -> None:
    plan = a_plan("classifier_noise")
    apart = tuple(entry for entry in plan.entries if (entry.series == "irs") == (entry.seed == 0))
    save_plan(neft_home() / "runs", plan.model_copy(update={"entries": apart}))

    app = open_experiment("classifier_noise")

    assert not app.exception
    assert differences(app)["Told apart"].tolist() == ["no pairs"] * 2


def test_plan_that_cannot_be_read_is_named_while_the_rest_works(experiments_shipped: RunStore) -> None:
    (own_plans() / "torn.json").write_text('{"name": "torn', encoding="utf-8")
    (own_plans() / "later.json").write_text('{"plan_version": 99}', encoding="utf-8")

    app = open_experiment("feedback_terms")

    assert not app.exception
    assert "The plan torn cannot be read: not a plan" in words(app)
    assert "The plan later cannot be read: made by a newer version of neft" in words(app)
    assert charts(app)


def test_plan_that_cannot_be_read_is_named_where_nothing_is_stored(nothing_shipped: None) -> None:
    (own_plans() / "torn.json").write_text("{", encoding="utf-8")

    app = open_page(Page.EXPERIMENTS)

    assert not app.exception
    assert "Nothing of this experiment is stored yet." in words(app)
    assert "The plan torn cannot be read: not a plan" in words(app)


@pytest.mark.parametrize("name", ["accuracy", "classifier_noise", "convergence"])
def test_damaged_chips_of_a_run_are_named_while_the_rest_works(experiments_copy: RunStore, name: str) -> None:
    damaged = a_plan(name).entries[0].run_id
    (experiments_copy.root / damaged / INSTANCES).write_bytes(b"no table")

    app = open_experiment(name)

    assert not app.exception
    assert f"Left out: Run '{damaged}' is corrupt: {INSTANCES} is not the file that was stored." in words(app)
    assert charts(app)


@pytest.mark.parametrize("name", ["accuracy", "classifier_noise", "convergence"])
def test_damaged_chips_of_every_run_leave_a_page_that_says_so(experiments_copy: RunStore, name: str) -> None:
    for run_id in experiments_copy.ids():
        (experiments_copy.root / run_id / INSTANCES).write_bytes(b"no table")

    app = open_experiment(name)

    assert not app.exception
    assert not charts(app)
    assert "None of its runs can be read." in words(app)


def test_runs_that_are_stored_after_their_plan_are_seen_at_the_next_look(
    nothing_shipped: None, other_size: RunStore
) -> None:
    (plan,) = (other_size.root / FOLDER).iterdir()
    shutil.copy(plan, own_plans())
    app = open_experiment("classifier_noise")
    assert "Nothing of this experiment is stored yet." in words(app)

    for run_id in other_size.ids():
        shutil.copytree(other_size.root / run_id, neft_home() / "runs" / run_id)
    app = app.run()

    assert not app.exception
    assert charts(app)


# ---------------------------------------------------------------- several sizes
def test_experiment_that_was_run_twice_offers_both(own_other_size: RunStore) -> None:
    app = open_experiment("classifier_noise")
    box = app.sidebar.selectbox(key="size")
    assert box.options == [f"Digits 8×8, MLP, 3 × {width}, 2 seeds" for width in (16, 12)]
    before = series(app)["IRS"]["mean"]

    app = box.set_value("classifier_noise-0000abcd").run()

    chips = chips_of(own_other_size, a_plan("classifier_noise", hidden_units=12), "classifier_noise")
    assert not app.exception
    assert_drawn(app, tables.setting_points(chips))
    assert series(app)["IRS"]["mean"] != pytest.approx(before)


def test_address_chooses_the_size(own_other_size: RunStore) -> None:
    app = open_experiment("classifier_noise", size="Digits 8×8, MLP, 3 × 12, 2 seeds")

    assert app.sidebar.selectbox(key="size").value == "classifier_noise-0000abcd"


def test_experiment_that_was_run_once_offers_no_size(own_other_size: RunStore) -> None:
    app = open_experiment("classifier_noise", size="Digits 8×8, MLP, 3 × 12, 2 seeds")

    app = app.sidebar.radio(key="experiment").set_value("beta").run()

    assert not app.exception
    assert charts(app)
    assert not app.sidebar.selectbox


def test_plans_of_one_size_are_told_apart_by_their_names(experiments_shipped: RunStore) -> None:
    save_plan(neft_home() / "runs", renamed(a_plan("classifier_noise"), "again"))

    app = open_experiment("classifier_noise")

    size = "Digits 8×8, MLP, 3 × 16, 2 seeds"
    assert app.sidebar.selectbox(key="size").options == [f"{PLAN}: {size}", f"again: {size}"]


# ---------------------------------------------------------------- running one
def test_experiment_is_run_at_the_size_of_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, str]] = []

    def start(command: str, *, experiment: str, expected: object) -> str:
        started.append((command, experiment))
        return "id"

    monkeypatch.setattr("dashboard.jobs.jobs.start_sweep", start)
    app = open_experiment("beta")
    app.toggle(key="run_it").set_value(True).run()
    app.selectbox(key="form_backbone").set_value("mlp").run()
    app.number_input(key="form_seeds").set_value(2)
    app.number_input(key="form_epochs").set_value(3).run()
    assert not app.exception

    button = next(button for button in app.button if button.label == "Run the experiment")
    button.click().run()

    command, experiment = started[0]
    assert experiment == "beta"
    assert command.startswith("neft sweep beta --dataset digits")
    assert "--backbone mlp" in command
    assert "--epochs 3" in command
    assert command.endswith("--seeds 2")
    assert command in words(app)


def test_command_of_the_form_is_one_that_the_sweep_takes() -> None:
    app = open_experiment("temperature")
    app.toggle(key="run_it").set_value(True).run()
    command = next(code.value for code in app.code if "--seeds" in str(code.value))

    result = CliRunner().invoke(main, [*shlex.split(str(command))[1:], "--dry-run"])

    assert result.exit_code == 0, result.output
    assert "runs to do" in result.output


def ours() -> dict[str, Any]:
    """A process that lives."""
    return {"pid": os.getpid(), "created": psutil.Process().create_time()}


def test_experiment_waits_for_the_job_that_computes() -> None:
    write_job("20261122-000000-abcdef", [], **ours())
    app = open_experiment("beta")
    app.toggle(key="run_it").set_value(True).run()

    assert not next(button for button in app.button if button.label == "Run the experiment").disabled
    assert "One job is ahead in the queue" in words(app)


def test_jobs_of_an_experiment_stand_on_its_page() -> None:
    event = Sweeping(done=2, total=9)
    write_job("20261122-000000-abcdef", [event], **ours(), sweep="beta", run_id="", num_epochs=0)

    app = open_experiment("beta")

    assert any("2 of 9 runs" in bar.proto.text for bar in app.get("progress"))
    assert not open_experiment("temperature").get("progress")


def test_experiment_that_was_run_is_opened_at_the_size_that_was_run(own_other_size: RunStore) -> None:
    ended = [Sweeping(done=1, total=1, run=EndedRun(run_id=run_id, seconds=1.0)) for run_id in own_other_size.ids()]
    _ = write_job("20261122-000000-abcdef", [*ended, Finished()], sweep="classifier_noise", run_id="", num_epochs=0)

    app = open_experiment("classifier_noise")

    (query,) = [link.proto.query_string for link in app.get("page_link") if link.proto.label == "See the experiment"]
    assert query == "experiment=classifier_noise&size=classifier_noise-0000abcd"
