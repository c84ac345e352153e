"""Claims: verdicts as the stored runs decide them, none where there are no runs."""

import shutil
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import plans
from dashboard.pages import Page
from dashboard.words import findings
from dashboard.words.sentences import SIGMA_D
from neft.experiments import claim_words
from neft.experiments.claim_words import NO_RUNS
from neft.experiments.claims import claim_settings, claims_table
from neft.runs.places import neft_home
from neft.runs.plans import FOLDER, PlanRecord, save_plan
from neft.runs.store import INSTANCES, RunStore
from tests.dashboard.driver import charts, open_page, traces, words
from tests.dashboard.small_experiments import HELD, PLAN, a_plan, renamed, runs_of, without

HEADS = ("Claims of the paper", "What the controls say")
WIDTHS = [f"Digits 8×8, MLP, 3 × {width}" for width in (16, 12)]
KEYS = [f"digits8_mlp3x{width}" for width in (16, 12)]
FOREST = "Effects with"


def decided(plans: Sequence[PlanRecord], *stores: RunStore) -> pd.DataFrame:
    """The claims that these stores decide, one way or the other."""
    runs = {run_id: one for store in stores for run_id, one in runs_of(store).items()}
    table = claims_table(plans, runs)
    return table[table["verdict"] != "no runs"]


@pytest.fixture(scope="module")
def judged(some_experiments: RunStore) -> pd.DataFrame:
    """What the small store decides."""
    return decided([a_plan(*HELD)], some_experiments)


@pytest.fixture(scope="module")
def opened(some_experiments: RunStore) -> AppTest:
    """The small store's page, to be read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neft.runs.store.CACHED_RUNS", some_experiments.root)
        patch.setenv("NEFT_HOME", str(some_experiments.root / "none"))
        return open_page(Page.CLAIMS)


def verdicts(app: AppTest) -> list[pd.DataFrame]:
    """The tables of verdicts: the paper's claims, then ours."""
    return [table.value for table in app.dataframe if "Claim" in table.value]


def effects(rows: pd.DataFrame) -> list[str]:
    """Effects in words, as the page has them."""
    return [claim_words.effect_words(row) for row in rows.to_dict("records")]


def claims(app: AppTest) -> list[str]:
    """The claims for which there is a verdict."""
    return [words for table in verdicts(app) for words in table["Claim"]]


# ---------------------------------------------------------------- verdicts
@pytest.mark.parametrize(("index", "paper"), [(0, True), (1, False)])
def test_rows_are_the_claims_that_the_stored_runs_decide(
    opened: AppTest, judged: pd.DataFrame, index: int, paper: bool
) -> None:
    expected = judged[judged["paper"] == paper]
    table = verdicts(opened)[index]

    assert not opened.exception
    assert not opened.warning
    assert not expected.empty
    assert table["Claim"].tolist() == expected["words"].tolist()
    said = [text.partition(" ")[2].partition(";")[0].removesuffix(" beyond the margin") for text in table["Verdict"]]
    assert said == expected["verdict"].tolist()
    assert table["Ours"].tolist() == effects(expected)
    assert table["Seeds"].tolist() == expected["num_seeds"].tolist()
    assert table["Chips"].tolist() == expected["num_instances"].tolist()
    assert table["Where"].tolist() == expected["source"].tolist()
    assert set(table["Run on"]) == {WIDTHS[0]}


def test_page_says_first_how_many_claims_hold(opened: AppTest, judged: pd.DataFrame) -> None:
    assert opened.title[0].value == findings.claims_title(judged)
    assert findings.controls_finding(judged) in words(opened).splitlines()


def test_published_effects_stand_beside_the_papers_claims_alone(opened: AppTest) -> None:
    paper, ours = verdicts(opened)

    assert set(ours["Published"]) == {"–"}
    assert "–" not in set(paper["Published"])


def test_every_decided_claim_is_in_a_forest(opened: AppTest, judged: pd.DataFrame) -> None:
    specs = [trace for index in range(len(charts(opened))) for trace in traces(opened, FOREST, index=index)]
    verdict_names = {"supported", "opposite", "no effect beyond the margin", "undecided"}
    # a ratio is drawn on a scale of its logarithm
    shown = judged["estimate"].where(judged["unit"] != "ratio", np.log(judged["estimate"].clip(lower=1e-9)))
    drawn = [x for trace in specs if trace["name"] in verdict_names for x in trace["x"]]

    assert all(alt.startswith(FOREST) for alt in charts(opened))
    assert len(charts(opened)) == judged.groupby(["paper", "unit"]).ngroups
    assert sorted(drawn) == pytest.approx(sorted(shown))


def test_claims_without_runs_are_named_with_their_command(opened: AppTest, judged: pd.DataFrame) -> None:
    every = claims_table([], {})
    missing = every[~every["claim"].isin(judged["claim"])]

    assert not missing.empty
    assert f"{len(missing)} claims have no runs yet" in words(opened)
    for row in missing.to_dict("records"):
        assert f"- {row['words']} `neft sweep {row['experiment']}`" in words(opened)


def test_one_seed_decides_no_claim(experiments_shipped: RunStore) -> None:
    save_plan(neft_home() / "runs", without(a_plan(*HELD), seed=1))

    app = open_page(Page.CLAIMS)

    assert not app.exception
    rows = [row for table in verdicts(app) for row in table.to_dict("records")]
    by_chips = [row for row in rows if not row["Margin"].endswith("trainings of 100")]
    assert {row["Verdict"] for row in by_chips} == {"◐ undecided; one seed decides nothing"}


# ---------------------------------------------------------------- one claim in detail
def test_claim_can_be_read_sigma_d_by_sigma_d(experiments_shipped: RunStore) -> None:
    expected = claim_settings("irs_lowers_ekl", a_plan(*HELD), runs_of(experiments_shipped))
    app = open_page(Page.CLAIMS)

    app = app.selectbox(key="claim_detail").set_value(("irs_lowers_ekl", PLAN)).run()
    (table,) = [one.value for one in app.dataframe if "At" in one.value]

    assert not app.exception
    assert expected["setting"].tolist() == ["sigma_d_0.1", "sigma_d_0.2"]
    assert table["At"].tolist() == ["σ_d = 0.1", "σ_d = 0.2"]
    assert table["Ours"].tolist() == effects(expected)
    assert table["Verdict"].tolist() == findings.verdict_words(expected)


def test_detail_offers_the_claims_over_several_sigma_d(opened: AppTest, judged: pd.DataFrame) -> None:
    averaged = judged[judged["experiment"] == "accuracy"]

    assert opened.selectbox(key="claim_detail").options == [f"{text} ({WIDTHS[0]})" for text in averaged["words"]]


def test_comparison_at_one_sigma_d_has_no_detail(experiments_shipped: RunStore) -> None:
    save_plan(neft_home() / "runs", a_plan(*HELD, sigma_ds=(0.1,)))

    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert f"It was run at one {SIGMA_D} only." in words(app)


def test_without_the_comparison_there_is_no_detail(experiments_shipped: RunStore) -> None:
    save_plan(neft_home() / "runs", a_plan("classifier_noise"))

    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert claims(app) == ["IRS needs noise in its snapshot heads."]
    assert "σ_d by σ_d" not in words(app)


# ---------------------------------------------------------------- several data
def test_pills_leave_out_what_was_run_on_other_data(own_other_size: RunStore, experiments_shipped: RunStore) -> None:
    plans = [a_plan(*HELD), a_plan("classifier_noise", name="classifier_noise-0000abcd", hidden_units=12)]
    both = decided(plans, experiments_shipped, own_other_size)
    app = open_page(Page.CLAIMS, on=KEYS)
    pills = app.button_group(key="on")
    assert not app.exception
    assert pills.value == KEYS
    assert len(claims(app)) == len(both)

    app = pills.set_value([KEYS[1]]).run()

    assert not app.exception
    assert {data for table in verdicts(app) for data in table["Run on"]} == {WIDTHS[1]}
    assert claims(app) == both.loc[both["data"] == WIDTHS[1], "words"].tolist()
    assert len(charts(app)) == 1


def test_own_runs_change_no_word_of_the_shipped_claims_until_they_are_asked_for(
    opened: AppTest, own_other_size: RunStore
) -> None:
    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert app.button_group(key="on").value == [KEYS[0]]
    assert app.button_group(key="on").options == [WIDTHS[0], f"{WIDTHS[1]} (your runs)"]
    assert [text.value for text in app.markdown] == [text.value for text in opened.markdown]
    assert [text.value for text in app.caption] == [text.value for text in opened.caption]
    assert claims(app) == claims(opened)


def test_own_runs_are_judged_where_nothing_ships(nothing_shipped: None, other_size: RunStore) -> None:
    _ = shutil.copytree(other_size.root, neft_home() / "runs")

    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert claims(app) == ["IRS needs noise in its snapshot heads."]


@pytest.mark.parametrize("said", [KEYS[1], f"{WIDTHS[1]} (your runs)"], ids=["key", "words"])
def test_address_chooses_the_data(own_other_size: RunStore, said: str) -> None:
    app = open_page(Page.CLAIMS, on=[said])

    assert {data for table in verdicts(app) for data in table["Run on"]} == {WIDTHS[1]}


def test_without_data_there_is_no_verdict(own_other_size: RunStore) -> None:
    app = open_page(Page.CLAIMS)

    app = app.button_group(key="on").set_value([]).run()

    assert not app.exception
    assert not claims(app)
    assert not charts(app)


def test_data_of_one_plan_offers_no_choice(opened: AppTest) -> None:
    assert not opened.button_group


def test_plans_on_the_same_data_are_told_apart_by_their_names(experiments_shipped: RunStore) -> None:
    save_plan(neft_home() / "runs", renamed(a_plan("classifier_noise"), "again"))

    app = open_page(Page.CLAIMS, on=[KEYS[0], f"{KEYS[0]}_again"])

    assert not app.exception
    assert app.button_group(key="on").value == [KEYS[0], f"{KEYS[0]}_again"]
    assert f"{WIDTHS[0]}, again (your runs)" in app.button_group(key="on").options


def test_shipped_claims_are_told_apart_by_data_network_and_sigma_d_and_older_addresses_still_mean_them() -> None:
    shipped = plans.claims(plans.fingerprint())
    shipped = shipped[shipped["verdict"] != NO_RUNS]

    assert not [data for data in set(shipped["data"]) if "_" in data.replace("σ_d", "")]
    assert not shipped.duplicated(["claim", "data"]).any()
    assert {"Digits 8×8, VGG-8, width 1/8, σ_d = 0.2", "Digits 8×8, VGG-8, width 1/8, σ_d = 0.4"} < set(shipped["data"])
    before = dict(zip(shipped["once"], shipped["data_key"], strict=True))
    assert before["paper_fashion_fashion_mnist16_vgg8w8"] == "fashion_mnist16_vgg8w8"
    assert before["flat_weights_noisier_digits8_vgg8w8"] == "digits8_vgg8w8_s0.4"


def test_the_cached_claims_begin_with_what_is_left_after_a_tuned_and_long_training() -> None:
    app = open_page(Page.CLAIMS)

    first = app.markdown[0].value
    advantages = plans.advantages("training_budget", "training_budget", None, plans.fingerprint())
    assert first.startswith("**Each tuned on validation data** (Digits 8×8, VGG-8, width 1/8")
    assert first.casefold().endswith(findings.budget_words(advantages, "plain noise injection").casefold())
    assert set(verdicts(app)[0]["Trained"]) >= {"60 epochs at learning rate 0.001"}


def test_older_address_chooses_the_data_that_it_meant(own_other_size: RunStore) -> None:
    app = open_page(Page.CLAIMS, on=[f"{PLAN}_{KEYS[0]}"])

    assert {data for table in verdicts(app) for data in table["Run on"]} == {WIDTHS[0]}


# ---------------------------------------------------------------- stores that are not as they should be
def test_empty_store_offers_the_command(nothing_shipped: None) -> None:
    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert "No experiment is stored yet that decides a claim." in words(app)
    assert [code.value for code in app.code] == ["neft sweep paper_digits"]
    assert not app.dataframe


@pytest.mark.parametrize("store", ["nothing_shipped", "experiments_shipped"])
def test_plan_that_cannot_be_read_is_named(request: pytest.FixtureRequest, store: str) -> None:
    request.getfixturevalue(store)
    folder = neft_home() / "runs" / FOLDER
    folder.mkdir(parents=True)
    (folder / "torn.json").write_text("{", encoding="utf-8")

    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert "The plan torn cannot be read: not a plan" in words(app)


def test_damaged_chips_of_a_run_are_named_while_the_rest_works(experiments_copy: RunStore) -> None:
    damaged = a_plan("classifier_noise").entries[0].run_id
    (experiments_copy.root / damaged / INSTANCES).write_bytes(b"no table")

    app = open_page(Page.CLAIMS)

    assert not app.exception
    assert f"Left out: Run '{damaged}' is corrupt" in words(app)
    assert claims(app)


# ---------------------------------------------------------------- the paper
def test_departures_from_the_paper_are_shown_with_their_sources(opened: AppTest) -> None:
    text = words(opened)

    assert "Where we depart from the paper" in [expander.label for expander in opened.expander]
    assert "| Best epoch | Qin et al. 2025, released code:" in text
    assert "doi 10.1109/TCAD.2025.3591409" in text
