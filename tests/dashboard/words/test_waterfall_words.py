"""What a waterfall says in words."""

import pandas as pd

from dashboard.words.waterfall_words import CODES_ALONE, dearest_label, finding, labelled
from neft import columns as c


def causes(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Rows of step, layer or effect, cost, half-width."""
    frame = pd.DataFrame(rows, columns=[c.STEP, c.LAYER, c.COST, c.COST_CI95])
    is_effect = frame[c.STEP] == "effect"
    return frame.assign(**{c.EFFECT: frame[c.LAYER].where(is_effect, ""), c.LAYER: frame[c.LAYER].mask(is_effect, "")})


def test_the_dearest_cause_is_named_with_its_size() -> None:
    said = finding(
        causes(("variation", "stage 1 conv", 0.27, 0.03), ("training_images", "", 0.05, 0.0)),
        sigma_d=0.2,
        has_real_weights=True,
    )

    assert said.startswith("Of 32.0 points that are lost, **27.0 ± 3.0** go to device variation at ")
    assert "stage 1 conv costs the most" in said


def test_what_training_did_not_learn_has_no_interval() -> None:
    said = finding(causes(("training_images", "", 0.7, 0.0)), sigma_d=0.1, has_real_weights=True)

    assert "**70.0** go to what training did not learn" in said


def test_a_cost_within_its_interval_is_no_finding() -> None:
    table = causes(("variation", "a", 0.01, 0.02))

    assert dearest_label(table) == ""
    assert finding(table, sigma_d=0.1, has_real_weights=True).startswith("No step costs anything for certain")


def test_of_codes_alone_it_is_said_what_is_not_known() -> None:
    assert CODES_ALONE in finding(causes(("test_images", "", 0.1, 0.0)), sigma_d=0.1, has_real_weights=False)


def test_steps_are_labelled_so_that_the_dearest_is_found_among_them() -> None:
    steps = pd.DataFrame(
        {c.STEP: ["test_images", "variation", "effect"], c.LAYER: ["", "stage 1 conv", ""], c.EFFECT: ["", "", "drift"]}
    )

    assert labelled(steps)[c.LABEL].tolist() == ["test images", "variation in stage 1 conv", "drift"]
    assert dearest_label(causes(("effect", "drift", 0.2, 0.0))) == "drift"
    assert "variation in stage 1 conv".startswith(dearest_label(causes(("variation", "x", 0.2, 0.0))))
