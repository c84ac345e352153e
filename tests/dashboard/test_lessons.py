"""The lessons: a prediction hides the answer, and the answer's numbers are those of the stored runs."""

import json
import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.lessons import LESSONS
from dashboard.lessons.base import Choice, Guess
from dashboard.lessons.comparison import ALL
from dashboard.pages import Page
from dashboard.words.sentences import percent
from neft import columns, tables
from neft.experiments.claim_words import effect_words, verdict_words
from neft.experiments.claims import claims_table
from neft.experiments.questions import CONTROL
from neft.inspection.margin_tables import margin_bins, summarise_margins
from neft.inspection.margins import image_margins
from neft.inspection.opened_chips import OpenedChips
from neft.pipeline import Settings, chip_law, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.plans import save_plan
from neft.runs.store import LAYERS, WEIGHTS, RunStore
from tests.dashboard.driver import charts, open_page, traces, words
from tests.dashboard.small_experiments import HELD, a_plan, chips_of, runs_of
from tests.dashboard.test_app import without_help

NAMES = list(LESSONS)
ON_RUNS = NAMES[1:]
REVEALED = "Your prediction and the chips"
MIDDLE_SIGMA_D = 0.2
"""Of two device variations, the one at which the unlucky chip is looked for."""


def lesson(name: str) -> AppTest:
    """A lesson before a prediction."""
    app = open_page(Page.LEARN, lesson=name)
    assert not app.exception
    return app


def committed(app: AppTest, *, said: float = 1) -> AppTest:
    """The same after one."""
    if app.radio:
        app.radio[0].set_value(int(said))
    else:
        guess = next(slider for slider in app.slider if str(slider.key).startswith("guess_"))
        guess.set_value(float(said))
    app = app.button(key="commit").click().run()
    assert not app.exception
    return app


def answered(name: str, *, said: float = 1) -> AppTest:
    """A lesson's answer."""
    return committed(lesson(name), said=said)


def links(app: AppTest) -> set[str]:
    """The pages that a page leads to."""
    return {link.proto.page for link in app.get("page_link")}


def points(store: RunStore, metric: str = "accuracy") -> dict[tuple[str, float], Any]:
    """The stored comparison, by method and device variation."""
    frame = tables.setting_points(chips_of(store, a_plan(*HELD), "accuracy"), metric)
    return {(row["variant"], row["sigma_d"]): row for row in frame.to_dict("records")}


@pytest.mark.parametrize("name", NAMES)
def test_answer_and_its_links_are_hidden_until_a_prediction_is_made(experiments_shipped: RunStore, name: str) -> None:
    app = lesson(name)
    before, links_before = charts(app), links(app)
    assert without_help(app) == []

    assert "Predict first" in words(app)
    assert REVEALED not in words(app)
    assert not app.success

    app = committed(app)

    assert "Predict first" not in words(app)
    assert "Your prediction: **" in app.info[0].value
    assert len(charts(app)) > len(before)
    assert len(app.success) == 1
    assert links(app) - links_before
    assert links(app) <= {page.path for page in Page}

    app = app.button(key="predict_again").click().run()

    assert charts(app) == before
    assert not app.success


def test_choice_has_no_answer_before_something_is_chosen(experiments_shipped: RunStore) -> None:
    app = lesson("Feedback").button(key="commit").click().run()

    assert "Choose one of the answers first." in words(app)
    assert REVEALED not in words(app)


def test_prediction_stays_in_the_session_and_never_in_the_address(experiments_shipped: RunStore) -> None:
    app = answered("EKL")

    assert set(app.query_params) == {"lesson"}
    app = app.button(key="next").click().run().button(key="previous").click().run()
    assert REVEALED in words(app)


def test_lessons_follow_one_another_to_the_glossary(experiments_shipped: RunStore) -> None:
    app = lesson(NAMES[0])
    for number in range(1, len(NAMES)):
        assert f"Lesson {number} of {len(NAMES)}" in app.get("progress")[0].proto.text
        app = app.button(key="next").click().run()

    assert not app.exception
    assert f"Lesson {len(NAMES)} of {len(NAMES)}" in app.get("progress")[0].proto.text
    assert "Every word, in the glossary" in words(app)


@pytest.mark.parametrize("name", ON_RUNS)
def test_lesson_without_its_runs_says_what_makes_them(nothing_shipped: None, name: str) -> None:
    app = lesson(name)

    assert "no such runs are stored" in words(app)
    assert f"neft sweep {'flat_weights' if name == 'Flat weights' else 'accuracy'}" in words(app)
    assert not charts(app)


def test_network_whose_deviations_cannot_be_read_is_missed_with_words(experiments_copy: RunStore) -> None:
    for record in experiments_copy.list().records:
        if record.facts.method == "vanilla":
            (experiments_copy.root / record.id / LAYERS).unlink()

    assert "whose stored deviations can be read" in words(lesson("Networks break"))


def test_weights_spread_follows_the_slider_as_the_closed_form_says() -> None:
    app = lesson("Device variation")
    app = app.slider(key="lesson_at").set_value(0.2).run()

    caption = next(text for text in words(app).splitlines() if "closed form" in text)
    realised, ratio, closed_form = (float(found) for found in re.findall(r"0\.\d{3,}", caption))
    assert closed_form == pytest.approx(0.777628 * 0.2, abs=5e-5)
    # 2,000 chips: five standard errors of a std are 8 %
    assert realised == pytest.approx(closed_form, rel=0.08)
    assert ratio == pytest.approx(realised / 0.2, abs=1e-3)


def test_most_significant_device_carries_the_closed_forms_share() -> None:
    app = answered("Device variation", said=3)

    assert f"{100 * 64**2 / (1 + 4**2 + 16**2 + 64**2):.2f} % in closed form" in app.info[0].value
    assert "That is what the chips say" in app.info[0].value


def test_predicted_share_is_a_box_along_the_most_significant_devices_bar() -> None:
    app = answered("Device variation", said=1)

    spec = next(json.loads(chart.proto.spec) for chart in app.get("plotly_chart") if "variance" in chart.proto.alt)
    (box,) = spec["layout"]["shapes"]
    assert (box["x0"], box["x1"], box["name"]) == (40, 65, "your prediction")
    bars = next(trace for trace in spec["data"] if trace["type"] == "bar")
    assert bars["y"][round((box["y0"] + box["y1"]) / 2)] == "× 64"


def test_network_without_noise_keeps_what_its_chips_keep(experiments_shipped: RunStore) -> None:
    app = answered("Networks break", said=100)
    stored = points(experiments_shipped)["vanilla", 0.1]
    mean, half = stored["mean"], stored["ci95"]

    assert f"**{percent(mean)} ± {percent(half)} %**" in app.info[0].value
    assert f"{100 - 100 * mean:.1f} too high" in app.info[0].value
    (bars,) = [trace for trace in traces(app, "Histogram of chips") if trace["type"] == "bar"]
    assert sum(bars["y"]) == 3
    assert any(alt.startswith("Accuracy with variation in one layer") for alt in charts(app))


def test_cost_of_noise_injection_is_the_paired_loss_without_variation(experiments_shipped: RunStore) -> None:
    app = answered("Noise injection")
    clean = {
        (record.facts.variant, record.facts.seed): record.summary.at(0.0)
        for record in experiments_shipped.list().records
        if record.facts.variant == "vanilla" or record.facts.train_sigma_d == 0.2
    }

    def mean(variant: str) -> float:
        found = [row.metrics["accuracy"].mean for (of, _), row in clean.items() if of == variant and row is not None]
        return sum(value for value in found if value is not None) / len(found)

    assert f"{percent(mean('vanilla') - mean('noise_injection'))} ± " in app.info[0].value
    drawn = [trace for trace in traces(app, "Accuracy against device variation of networks") if "x" in trace]
    assert [trace["name"] for trace in drawn] == ["without noise", "at 0.1", "at 0.2", "matched", "your prediction"]
    assert drawn[1]["x"] == pytest.approx([0, 0.1, 0.2])
    stored = points(experiments_shipped)
    assert drawn[-2]["y"] == pytest.approx([100 * stored["noise_injection", at]["mean"] for at in (0.1, 0.2)])


def test_control_stands_beside_feedback_with_paired_intervals(experiments_shipped: RunStore) -> None:
    app = answered("Feedback")
    chips = chips_of(experiments_shipped, a_plan(*HELD), "accuracy")
    rows = tables.differences_to_series(chips, "noise_injection").to_dict("records")
    expected: dict[tuple[str, float], Any] = {(row["variant"], row["position"]): row for row in rows}

    drawn = {trace["name"]: trace for trace in traces(app, "Paired differences", index=1) if len(trace["y"]) == 2}
    control = [100 * expected[CONTROL, at]["mean"] for at in (0.1, 0.2)]
    assert drawn["Noise injection, T = 4"]["y"] == pytest.approx(control)
    before = {trace["name"] for trace in traces(app, "Paired differences")}
    assert "Noise injection, T = 4" not in before
    claims = claims_table([a_plan(*HELD)], runs_of(experiments_shipped))
    claim = claims[claims["claim"] == "irs_beats_control"].iloc[0]
    assert f"IRS is **{claim['estimate']:+.1f}".replace("-", "−") in app.info[0].value


def test_ekl_before_and_after_calibration_are_the_stored_means(experiments_shipped: RunStore) -> None:
    app = answered("EKL")
    ekl = points(experiments_shipped, "ekl")
    before, after = ekl["vanilla", 0.1]["mean"], ekl["vanilla", 0.2]["mean"]

    assert f"from **{before:.3f}** to **{after:.3f} nats**" in app.info[0].value
    calibrated = points(experiments_shipped, "calibrated_ekl")
    drawn = {trace["name"]: trace["y"] for trace in traces(app, "And with the scale taken out?")}
    assert len(drawn) == len(ALL) < len({variant for variant, _ in ekl})
    assert drawn["IRS"] == pytest.approx([calibrated["irs", at]["mean"] for at in (0.1, 0.2)])


def test_unlucky_chip_is_the_percentile_of_the_runs_own_chips(experiments_shipped: RunStore) -> None:
    app = answered("Unlucky chip", said=50)
    record = next(
        record
        for record in experiments_shipped.list().records
        if (record.facts.variant, record.facts.train_sigma_d, record.facts.seed)
        == ("noise_injection", MIDDLE_SIGMA_D, 0)
    )
    rows = experiments_shipped.instances(record)
    chips = rows[(rows["sigma_d"] - MIDDLE_SIGMA_D).abs() < 1e-9]["accuracy"]

    assert f"**{percent(chips.quantile(0.01))} %**" in app.info[0].value
    assert "no lower limit before 299 chips" in words(app)


@pytest.mark.parametrize(("said", "how"), [(57.0, "close"), (80.0, "22.5 too high"), (0.0, "57.5 too low")])
def test_guess_is_told_how_far_off_it_is(said: float, how: str) -> None:
    guess = Guess("How many?", 0, 100, 1, 0, "%", truth=57.5, close=5, told="It is 57.5 %.")

    assert guess.verdict(said) == f"Your prediction: **{said:g} %**, {how}. It is 57.5 %."


def test_choice_is_told_whether_it_is_right() -> None:
    choice = Choice("Which?", ("This", "That"), truth=1, told="It is that.")

    assert choice.verdict(1) == "Your prediction: **That**. That is what the chips say. It is that."
    assert choice.verdict(0) == "Your prediction: **This**. The chips say otherwise. It is that."


# ---------------------------------------------------------------- flat weights
def test_flat_weights_lesson_tells_the_clipped_networks_accuracy_and_the_ratios(experiments_shipped: RunStore) -> None:
    chips = chips_of(experiments_shipped, a_plan(*HELD), "flat_weights")
    frame = tables.setting_points(chips)
    rows = {row["setting"]: row for row in frame[frame["variant"] == CONTROL].to_dict("records")}

    app = answered("Flat weights", said=50)

    truth = 100 * float(rows["alpha_1.1"]["mean"])
    assert f"It keeps **{truth:.1f}" in app.info[0].value
    ratios = {}
    for setting in ("none", "alpha_1.1"):
        first = min(rows[setting]["run_ids"], key=lambda run_id: experiments_shipped.record(run_id).facts.seed)
        record = experiments_shipped.record(first)
        layers = experiments_shipped.tables(record).layers
        each = 0.1 * layers["closed_form_std"] * layers["w_max"] / layers["rms_weight"]
        ratios[setting] = each.mean()
    assert ratios["alpha_1.1"] < ratios["none"]
    assert all(f"**{percent(ratio, 0)} %** of a typical weight" in words(app) for ratio in [ratios["none"]])
    assert f"**{percent(ratios['alpha_1.1'], 0)} %** where none may exceed" in words(app)


# ---------------------------------------------------------------- temperature
def a_run(store: RunStore, variant: str) -> Any:
    """The lowest seed's run of a method at the lesson's device variation, of the comparison."""
    return store.record(min(points(store)[variant, 0.1]["run_ids"], key=lambda one: store.record(one).facts.seed))


def own_margins(store: RunStore, variant: str) -> Any:
    """Its margins, without the dashboard."""
    record = a_run(store, variant)
    config = stored_config(record)
    data = load_data(config, Settings(store=store))
    network = restore_network(config, data, store.weights(record))
    chips = OpenedChips(network, data, chip_law(config), seed=config.evaluation.seed)
    return image_margins(chips, sigma_d=0.1, num_chips=20, temperatures=(1.0, 4.0))


def test_temperature_lesson_tells_both_networks_margins_beside_their_noise(experiments_shipped: RunStore) -> None:
    app = answered("Temperature", said=3)

    one, four = (own_margins(experiments_shipped, variant) for variant in ("noise_injection", CONTROL))
    said = [summarise_margins(found.images) for found in (one, four)]
    rows = [
        ("**Margin over noise**", [f"{each.margin_over_noise:.1f}" for each in said]),
        ("Its noise, std over chips (nats)", [f"{each.noise:.1f}" for each in said]),
        ("Right on these chips (%)", [f"{100 * each.accuracy:.1f}" for each in said]),
    ]
    for name, values in rows:
        assert f"| {name} | {' | '.join(values)} |".replace("-", "−") in words(app).replace("-", "−")
    assert f"still pulls with **{one.pulls[columns.RIGHT_PULL][0]:.3f}**" in words(app)
    assert f"it would pull with **{one.pulls[columns.RIGHT_PULL][1]:.3f}**" in words(app)
    drawn = [trace for trace in traces(app, "Distribution of images") if trace.get("fill")]
    assert [trace["name"] for trace in drawn] == ["Noise injection", "Noise injection, T = 4"]
    for trace, found in zip(drawn, (one, four), strict=True):
        assert trace["y"][1:-2] == pytest.approx((100 * margin_bins(found.images)[columns.SHARE]).tolist())


@pytest.mark.parametrize(("said", "row"), [(0, "Largest weight"), (1, "Its noise"), (2, "**Margin over"), (3, None)])
def test_what_was_predicted_of_a_temperature_is_marked_in_the_table(
    experiments_shipped: RunStore, said: int, row: str | None
) -> None:
    app = answered("Temperature", said=said)

    marked = [line for line in words(app).splitlines() if "your prediction" in line and line.startswith("|")]
    assert [line[2 : 2 + len(row or "")] for line in marked] == ([] if row is None else [row])


def test_temperature_lesson_draws_the_experiments_means(experiments_shipped: RunStore) -> None:
    app = answered("Temperature", said=3)

    chips = chips_of(experiments_shipped, a_plan(*HELD), "temperature")
    frame = tables.setting_points(chips)
    expected = frame[frame["variant"] == "noise_injection"]
    drawn = {trace["name"]: trace for trace in traces(app, "Accuracy on chips and in training")}
    assert drawn["on sampled chips"]["x"] == pytest.approx([1, 2, 4, 8, 16, 32, 64])
    assert drawn["on sampled chips"]["y"] == pytest.approx((100 * expected["mean"]).tolist())
    ids = expected[expected["position"] == 4]["run_ids"].iloc[0]
    held = [experiments_shipped.tables(experiments_shipped.record(run_id)) for run_id in ids]
    trained = sum(float(each.history["train_accuracy"].iloc[-1]) for each in held) / len(held)
    assert drawn["in training, last epoch"]["y"][2] == pytest.approx(100 * trained)
    ratio = sum(float((each.layers["w_max"] / each.layers["rms_weight"]).mean()) for each in held) / len(held)
    assert drawn["weights"]["y"][2] == pytest.approx(ratio)


def test_temperature_lesson_without_its_experiment_says_what_makes_it(experiments_copy: RunStore) -> None:
    save_plan(experiments_copy.root, a_plan(*(name for name in HELD if name != "temperature")))

    app = lesson("Temperature")

    assert "noise injection at several temperatures" in words(app)
    assert "neft sweep temperature" in words(app)


def test_temperature_lesson_without_weights_says_so(experiments_copy: RunStore) -> None:
    record = a_run(experiments_copy, CONTROL)
    (experiments_copy.root / record.id / WEIGHTS).unlink()

    assert "of one seed, with its weights and its data" in words(lesson("Temperature"))


# ---------------------------------------------------------------- predictions
def test_prediction_stands_in_the_chart_that_answers(experiments_shipped: RunStore) -> None:
    app = answered("Networks break", said=64)

    (star,) = [trace for trace in traces(app, "Accuracy of the network") if trace["name"] == "your prediction"]
    assert (star["x"], star["y"]) == ([0.1], [64.0])


def test_predicted_loss_stands_below_the_clean_network(experiments_shipped: RunStore) -> None:
    app = answered("Noise injection", said=5)
    drawn = {trace["name"]: trace for trace in traces(app, "Accuracy against device variation of networks")}

    assert drawn["your prediction"]["x"] == [0.0]
    assert drawn["your prediction"]["y"][0] == pytest.approx(drawn["without noise"]["y"][0] - 5)


def test_what_is_taken_from_the_ekl_lesson_is_the_claims_effect_and_verdict(experiments_shipped: RunStore) -> None:
    claims = claims_table([a_plan(*HELD)], runs_of(experiments_shipped))
    row = claims[claims["claim"] == "irs_ekl_below_control"].iloc[0].to_dict()

    (takeaway,) = [one.value for one in answered("EKL").success]
    assert takeaway.endswith(f"IRS's EKL is {effect_words(row)}; that it is lower: {verdict_words(row)}.")


def test_predicted_range_of_ekl_stands_at_the_larger_sigma_d(experiments_shipped: RunStore) -> None:
    app = answered("EKL", said=1)
    drawn = {trace["name"]: trace for trace in traces(app, "What does EKL say?")}

    near, mark = drawn["Vanilla"]["y"][-2], drawn["your prediction"]
    assert sorted(set(mark["y"])) == pytest.approx([near, 2 * near])
    assert min(mark["x"]) < drawn["Vanilla"]["x"][-1] < max(mark["x"])


def test_predicted_share_of_a_gain_is_an_area_around_it_at_every_sigma_d(experiments_shipped: RunStore) -> None:
    app = answered("Feedback", said=1)
    drawn = {trace["name"]: trace for trace in traces(app, "Paired differences", index=1)}

    gains = drawn["IRS"]["y"]
    assert drawn["your prediction"]["y"] == pytest.approx(
        [*(0.75 * gain for gain in gains), *(0.25 * gain for gain in reversed(gains))]
    )
