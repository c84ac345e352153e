"""The experiment on the training budget: a learning rate, what methods bring, and how accurate they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft.experiments.questions import EXPERIMENTS, PLAIN, TRAINING_BUDGET
from neft.experiments.training_budget import budget_key
from neft.runs.places import neft_home
from tests.dashboard.driver import axis_titles, charts, open_page, traces, words
from tests.stored_experiments import Arm, an_experiment, store_experiment

CONTROL = "noise_injection_t4"
ADVANTAGE, ACCURACY = "Advantage over noise injection", "Accuracy over training steps"
LABELS = {PLAIN: "Noise injection", CONTROL: "Noise injection, T = 4", "irs": "IRS"}
ACCURACIES = {
    # after 60 and after 240 epochs at the learning rates 0.001 and 0.01
    PLAIN: {(60, 0.001): 0.80, (60, 0.01): 0.90, (240, 0.001): 0.91, (240, 0.01): 0.95},
    CONTROL: {(60, 0.001): 0.86, (60, 0.01): 0.94, (240, 0.001): 0.94, (240, 0.01): 0.93},
    "irs": {(60, 0.001): 0.85, (60, 0.01): 0.93, (240, 0.001): 0.95, (240, 0.01): 0.96},
}
VALIDATION = {CONTROL: {(240, 0.001): 0.99}}
"""Where it is not the accuracy: at 240 epochs the control's smaller rate is chosen."""


def store(accuracies: Mapping[str, Mapping[tuple[int, float], float]], *, seeds: Sequence[int] = (0, 1)) -> None:
    """Keep the experiment among the user's own runs, each accuracy on two chips."""
    settings = sorted({setting for of_series in accuracies.values() for setting in of_series})
    arms = [
        Arm(
            series,
            budget_key(rate, epochs=epochs, images=1000),
            {seed: [accuracy - 0.01, accuracy + 0.01] for seed in seeds},
            position=float(settings.index((epochs, rate))),
            validation=dict.fromkeys(seeds, VALIDATION.get(series, {}).get((epochs, rate), accuracy)),
        )
        for series, of_series in accuracies.items()
        for (epochs, rate), accuracy in of_series.items()
    ]
    plan, runs = an_experiment(TRAINING_BUDGET, *arms, name=TRAINING_BUDGET)
    store_experiment(Path(neft_home() / "runs"), plan, runs)


def opened(**address: str) -> AppTest:
    app = open_page(Page.EXPERIMENTS, experiment=TRAINING_BUDGET, **address)
    assert not app.exception
    return app


def drawn(app: AppTest, alt: str) -> dict[str, list[float]]:
    """Each method's points, the shortest training first."""
    return {trace["name"]: trace["y"] for trace in traces(app, alt) if "error_y" in trace}


def points(*values: float) -> object:
    return pytest.approx([100 * value for value in values])


@pytest.fixture
def page(nothing_shipped: None) -> AppTest:
    store(ACCURACIES)
    return opened()


def test_page_asks_its_question_and_draws_advantages_above_accuracies(page: AppTest) -> None:
    assert EXPERIMENTS[TRAINING_BUDGET].question in words(page)
    assert [alt.split(",")[0] for alt in charts(page)] == [f"{ADVANTAGE} against training steps", ACCURACY]
    assert [axis_titles(page, alt)[0] for alt in (ADVANTAGE, ACCURACY)] == ["training steps"] * 2


def test_each_method_is_shown_at_the_rate_that_validation_chooses_against_the_references_best(page: AppTest) -> None:
    assert page.button_group(key="rate").value == "best"
    # plain noise injection is best at 0.01 at both lengths; the control at 0.001 after 240 epochs
    assert drawn(page, ADVANTAGE) == {LABELS[CONTROL]: points(0.04, -0.01), LABELS["irs"]: points(0.03, 0.01)}
    assert drawn(page, ACCURACY) == {
        LABELS[PLAIN]: points(0.90, 0.95),
        LABELS[CONTROL]: points(0.94, 0.94),
        LABELS["irs"]: points(0.93, 0.96),
    }


def test_finding_tells_the_gain_at_the_shortest_and_at_the_longest_training(page: AppTest) -> None:
    assert (
        f"At 480 steps **{LABELS[CONTROL]}** brings +4.0 ± 0.0 points over plain noise injection, at 1,920 steps "
        "−1.0 ± 0.0 points. The others bring +3.0 points at 480 steps, +1.0 points at 1,920 steps."
    ) in words(page)
    assert "5 of 6 take the largest that was tried, 0.01." in words(page)


def test_one_learning_rate_can_be_chosen_for_all(page: AppTest) -> None:
    assert page.button_group(key="rate").options == ["Best on validation", "0.001", "0.01"]

    app = page.button_group(key="rate").set_value("0.001").run()

    assert not app.exception
    assert drawn(app, ADVANTAGE) == {LABELS[CONTROL]: points(0.06, 0.03), LABELS["irs"]: points(0.05, 0.04)}
    assert "All at learning rate 0.001." in words(app)
    assert dict(app.query_params)["rate"] in ("0.001", ["0.001"])


def test_address_chooses_the_learning_rate(page: AppTest) -> None:
    app = opened(rate="0.01")

    assert app.button_group(key="rate").value == "0.01"
    assert drawn(app, ADVANTAGE)[LABELS[CONTROL]] == points(0.04, -0.02)


def test_table_has_steps_images_rate_accuracy_and_difference(page: AppTest) -> None:
    table: pd.DataFrame = page.dataframe[0].value

    rows = {(row["Steps"], row["Method"]): row for row in table.to_dict("records")}
    assert table["Steps"].tolist() == [480] * 3 + [1920] * 3
    row = rows[1920, LABELS[CONTROL]]
    assert (row["Images"], row["Learning rate"], row["Told apart"]) == (240_000, "0.001", "worse")
    assert row["Difference"] == "−1.0 ± 0.0 points"
    assert row["Accuracy"].startswith("94.0 ± ")
    assert (rows[480, LABELS[PLAIN]]["Difference"], rows[480, LABELS[PLAIN]]["Told apart"]) == ("–", "reference")


def test_without_plain_noise_injection_accuracies_are_drawn_alone(nothing_shipped: None) -> None:
    store({"irs": ACCURACIES["irs"]})

    app = opened()

    assert charts(app) == [alt for alt in charts(app) if alt.startswith(ACCURACY)]
    assert "A difference takes noise injection and another method" in words(app)


def test_experiment_of_one_seed_and_one_length_is_drawn(nothing_shipped: None) -> None:
    store({series: {(60, 0.01): of_series[60, 0.01]} for series, of_series in ACCURACIES.items()}, seeds=[0])

    app = opened()

    assert drawn(app, ADVANTAGE) == {LABELS[CONTROL]: points(0.04), LABELS["irs"]: points(0.03)}
    assert set(app.dataframe[0].value["Told apart"]) == {"reference", "one seed"}
