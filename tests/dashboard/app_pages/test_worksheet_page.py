"""The worksheet: answers are hidden, computed from the stored runs, and found on the page that a question leads to."""

import re

import numpy as np
import pandas as pd
import pytest

from dashboard.data import stored
from dashboard.lessons.base import Missing
from dashboard.lessons.comparison import VANILLA, main_comparison
from dashboard.lessons.worksheet import LINE, Question, worksheet, worksheet_document
from dashboard.pages import Page
from dashboard.words.sentences import percent, signed
from neft import tables
from neft.experiments.questions import CONTROL
from neft.runs.store import RunStore
from tests.dashboard.driver import open_at, open_page, words
from tests.dashboard.small_experiments import HELD, a_plan, chips_of
from tests.variants import PLAIN

HERE = "http://127.0.0.1:8501/worksheet"
SIGMA_DS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
"""At which the shipped comparison was tried."""
TITLES = (
    "One weight on four devices",
    "More devices a weight",
    "How much variation breaks a network?",
    "Training under the noise that will come",
    "Is it the feedback?",
    "The unlucky chip",
    "How sure are the right answers?",
    "Why does it break?",
)


def questions() -> dict[str, Question]:
    """The worksheet's, by title."""
    found = worksheet()
    assert not isinstance(found, Missing)
    return {question.title: question for question in found}


def numbers(text: str) -> set[str]:
    """Every number in a text that is no small count."""
    return set(re.findall(r"\d+\.\d+", text))


def accuracies(store: RunStore, metric: str = "accuracy") -> dict[tuple[str, float], float]:
    """The stored comparison's means, by method and device variation."""
    frame = tables.setting_points(chips_of(store, a_plan(*HELD), "accuracy"), metric)
    return {(row["variant"], row["sigma_d"]): row["mean"] for row in frame.to_dict("records")}


def test_answers_and_notes_are_hidden_until_the_teacher_asks(experiments_shipped: RunStore) -> None:
    app = open_page(Page.WORKSHEET)
    assert not app.exception
    assert all(f"{number}. {title}" in words(app) for number, title in enumerate(TITLES, start=1))
    assert not app.success
    assert not app.info

    app = app.toggle(key="answers").set_value(True).run()

    assert not app.exception
    assert [question.answer() in shown.value for question, shown in zip(questions().values(), app.success, strict=True)]
    assert len(app.success) == len(TITLES)
    assert dict(app.query_params) == {}, "a link that is handed out hides the answers"


@pytest.mark.parametrize("title", TITLES)
def test_questions_address_sets_the_state_of_its_page(experiments_shipped: RunStore, title: str) -> None:
    question = questions()[title]

    app = open_at(question.address, question.page)

    assert not app.exception
    held = {key: app.session_state[key] for key in question.address if key in app.session_state}
    plain = {key: value if isinstance(value, list) else str(value).removesuffix(".0") for key, value in held.items()}
    assert plain == {key: question.address[key] for key in held}
    assert held


def test_weights_code_and_levels_are_those_of_the_papers_equation(experiments_shipped: RunStore) -> None:
    code = round(0.6 * 255)
    levels = " ".join(str(code // 4**place % 4) for place in (3, 2, 1, 0))

    answer = questions()["One weight on four devices"].answer()

    assert f"**{code}** of 255" in answer
    assert f"**{levels}**" in answer


def test_stds_of_a_weight_are_those_of_the_closed_form(experiments_shipped: RunStore) -> None:
    def std(device_bits: int) -> float:
        return 0.1 * (2**device_bits - 1) / 255 * ((4**8 - 1) / (4**device_bits - 1)) ** 0.5

    answer = questions()["More devices a weight"].answer()

    assert f"std **{std(2):.4g}**" in answer
    assert f"1 bit: **{std(1):.4g}**" in answer


def test_gain_of_noise_is_the_difference_of_the_stored_means(experiments_shipped: RunStore) -> None:
    means = accuracies(experiments_shipped)
    without, with_noise = means["vanilla", 0.2], means["noise_injection", 0.2]

    answer = questions()["Training under the noise that will come"].answer()

    assert {percent(without), percent(with_noise)} <= numbers(answer)
    assert f"**{signed(with_noise - without)} ± " in answer


def test_verdicts_against_the_control_are_those_of_the_stored_means(experiments_shipped: RunStore) -> None:
    means = accuracies(experiments_shipped)

    answer = questions()["Is it the feedback?"].answer()

    for variant, label in (("ovf", "OVF"), ("irs", "IRS")):
        assert f"{label}: {signed(means[variant, 0.1] - means[CONTROL, 0.1])} ± " in answer


def test_unlucky_chip_lies_below_the_stored_mean(experiments_shipped: RunStore) -> None:
    mean = accuracies(experiments_shipped)["noise_injection", 0.2]

    answer = questions()["The unlucky chip"].answer()

    assert f"keeps {percent(mean)} ± " in answer
    (first,) = re.findall(r"\*\*(\d+\.\d) %\*\*", answer)
    assert float(first) <= 100 * mean


def test_surest_method_has_the_lowest_stored_ekl(experiments_shipped: RunStore) -> None:
    lowest = [
        min(
            value
            for (variant, sigma_d), value in accuracies(experiments_shipped, metric).items()
            if sigma_d == 0.1 and variant in PLAIN
        )
        for metric in ("ekl", "calibrated_ekl")
    ]

    answer = questions()["How sure are the right answers?"].answer()

    assert re.findall(r", (\d\.\d{3}) nats", answer) == [f"{value:.3f}" for value in lowest]


def test_typical_deviations_are_those_of_the_closed_form(experiments_shipped: RunStore) -> None:
    first = next(
        record
        for record in experiments_shipped.list().records
        if record.facts.variant == "vanilla" and record.facts.seed == 0
    )
    layers = experiments_shipped.tables(first).layers
    ratio = float((0.1 * layers["closed_form_std"] * layers["w_max"] / layers["rms_weight"]).mean())

    assert f"Vanilla: {100 * ratio:.0f} %" in questions()["Why does it break?"].answer()


def test_first_device_variation_that_halves_accuracy_is_the_shipped_runs_own() -> None:
    """The small store's networks learn too little to lose half of it."""
    answer = questions()["How much variation breaks a network?"].answer()
    comparison = main_comparison(VANILLA)
    assert not isinstance(comparison, Missing)
    rows = [row for record in stored.records(comparison.run_ids(VANILLA)) for row in record.summary.test]
    means = pd.Series({at: [row.metrics["accuracy"].mean for row in rows if row.sigma_d == at] for at in SIGMA_DS})
    kept = means.map(np.mean)
    first = next(at for at in SIGMA_DS if kept[at] < kept[0.0] / 2)

    assert f"**{first:g}**: {percent(kept[first])} ± " in answer
    assert f"left of {percent(kept[0.0])} %" in answer


@pytest.mark.parametrize("answered", [False, True])
def test_printed_sheet_holds_every_question_with_its_address_and_answers_for_the_teacher_alone(
    experiments_shipped: RunStore, answered: bool
) -> None:
    asked = list(questions().values())

    text = worksheet_document(asked, HERE, answered=answered).decode()

    assert all(question.title in text for question in asked)
    assert text.count("http://127.0.0.1:8501/slices?weight=0.6") == 2
    assert ("geometric series" in text) is answered
    assert (LINE.replace("\\", "") in text) is not answered


def test_worksheet_without_runs_says_what_makes_them(nothing_shipped: None) -> None:
    assert "neft sweep accuracy" in words(open_page(Page.WORKSHEET))
