"""Each claim of the papers, and ours: the published number, our number and a verdict, computed from stored runs."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import plans
from dashboard.data.citations import departures, with_references
from dashboard.data.plans import TRAINING_BUDGET
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Choices
from dashboard.widgets.guards import alone, show_plan_problems
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import findings
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.experiments import claim_words
from neft.experiments.claim_words import NO_RUNS

DEFINITION = r"""
A claim says that an effect is positive. Effects within a margin that was fixed before anything was run do not matter:
half a point of accuracy, a ratio of EKL up to 1.1, one training in ten. A claim is

- **supported** where the paired 95 % interval lies above zero,
- **opposite** where it lies below,
- of **no effect beyond the margin** where it lies within the margin on either side,
- **undecided** otherwise; then the number of further seeds is given that would decide it if effect and spread stayed.

Effects are taken seed by seed and chip by chip; the interval counts seeds and chips both as random. A comparison of
methods is averaged over the $\sigma_d$ at which they were trained. Failures of trainings are paired by seed
([Bonett2012]).

**More seeds.** Whoever trains more until a claim is decided is fooled too often. The usual interval decides only at the
number of seeds that the experiment's preset fixes; at any other number the interval decides that holds at all numbers
together ([Wang2024]). The number of further seeds counts on it.

**Failed trainings.** Where a training ends more than 5 points below its method's mean, seeds are not normal, and an
interval that takes them for normal covers too seldom. There the median over seeds has to say the same, by an interval
that assumes nothing (up to five seeds: their range, with the confidence that it has).
"""
QUESTION = "Which claims hold?"
UNITS = {"points": "points of accuracy", "ratio": "the other's EKL over ours", "share": "trainings of 100"}
GROUPS = {True: "Claims of the paper", False: "What the controls say"}


def page() -> None:
    """Draw the page."""
    stamp = plans.fingerprint()
    claims, own = plans.claims(stamp), plans.claims(stamp, own=True)
    decided = pd.concat([claims.assign(own=False), own.assign(own=True)], ignore_index=True)
    decided = decided[decided["verdict"] != NO_RUNS]
    if decided.empty:
        st.title(QUESTION)
        st.info("No experiment is stored yet that decides a claim.", icon=":material/inbox:")
        st.code("neft sweep paper_digits", language=None)
        say_where_more_are()
        show_plan_problems(stamp)
        return
    top = st.container()
    chosen = _pick_data(decided)
    shown = decided[decided["data_key"].isin(chosen)]
    with top:
        st.title(findings.claims_title(shown) or QUESTION)
        _tuned_and_long(stamp)
        st.markdown(findings.controls_finding(shown))
    groups = {paper: group for paper in GROUPS if not (group := shown[shown["paper"] == paper]).empty}
    for paper, group in groups.items():
        st.markdown(f"## {GROUPS[paper]}")
        _forests(group, key="paper" if paper else "ours")
    for paper, group in groups.items():
        with st.expander(f"{GROUPS[paper]}: every verdict in numbers", icon=":material/table_rows:"):
            _verdicts(group, key=f"verdicts_{paper}")
    for owned in sorted(shown["own"].unique()):
        st.caption(claim_words.holm_words(decided[decided["own"] == owned]))
    _details(shown, stamp)
    _missing(claims[~claims["claim"].isin(decided["claim"])])
    _departures()
    show_plan_problems(stamp)


def _tuned_and_long(stamp: str) -> None:
    """First what is left of the gains after a tuned and long training, as the claims were run at short ones."""
    for plan, size in plans.sizes(stamp).get(TRAINING_BUDGET, {}).items():
        said = findings.budget_words(plans.advantages(plan, TRAINING_BUDGET, None, stamp), "plain noise injection")
        if said:
            st.markdown(f"**Each tuned on validation data** ({size}): {said[:1].lower()}{said[1:]}")


def _pick_data(decided: pd.DataFrame) -> list[str]:
    words = {
        str(key): f"{data} (your runs)" if own else str(data)
        for key, data, own in zip(decided["data_key"], decided["data"], decided["own"], strict=True)
    }
    shipped = tuple(dict.fromkeys(decided.loc[~decided["own"], "data_key"]))
    if len(words) < 2:
        return list(words)
    choices = Choices(
        key=address.CLAIM_DATA,
        label="Run on",
        options=words,
        default=shipped or tuple(words),
        once=dict(zip(decided["once"], decided["data_key"], strict=True)),
        help="The data and networks on which the claims are judged; each is judged by itself. Your own runs are left "
        "out at first.",
    )
    return choices.draw()


@alone
def _verdicts(group: pd.DataFrame, *, key: str) -> None:
    rows = group.to_dict("records")
    shown_table(
        pd.DataFrame(
            {
                "Claim": group["words"],
                "Verdict": findings.verdict_words(group),
                "Ours": [claim_words.effect_words(row) for row in rows],
                "Published": [claim_words.published_words(row) for row in rows],
                "Margin": [claim_words.margin_words(row) for row in rows],
                "Holm": ["yes" if row["holm"] else "no" for row in rows],
                "Keep in mind": ["; ".join(claim_words.caveats(row)) for row in rows],
                "Run on": group["data"],
                "Ours at": group["ours_at"],
                "Trained": group["trained"],
                "Published at": group["published_at"],
                "Seeds": group[columns.NUM_SEEDS],
                "Chips": group[columns.NUM_INSTANCES],
                "Where": group[columns.SOURCE],
            }
        ),
        column_config={
            "Claim": st.column_config.TextColumn(width="large", pinned=True),
            "Ours": st.column_config.TextColumn(help="Effect and its paired 95 % interval."),
            "Published": st.column_config.TextColumn(help="The same statistic, on the paper's network and data."),
            "Margin": st.column_config.TextColumn(help="Effects within it do not matter."),
            "Holm": st.column_config.TextColumn(help="Whether the effect is told from zero with all answers together."),
            "Keep in mind": st.column_config.TextColumn(width="medium"),
            "Chips": st.column_config.NumberColumn(help="Chips each training was tried on."),
        },
        hide_index=True,
        key=key,
        title="Claims and verdicts",
        height="content",
    )


def _forests(group: pd.DataFrame, *, key: str) -> None:
    places = st.columns(2)
    with places[0]:
        _forest(group[group["unit"] == "points"], unit="points", key=f"{key}_points")
    with places[1]:
        _forest(group[group["unit"] == "ratio"], unit="ratio", key=f"{key}_ratio")
        _forest(group[group["unit"] == "share"], unit="share", key=f"{key}_share")


QUESTIONS = {
    "points": "How large are the effects on accuracy?",
    "ratio": "How many times as large is the other's EKL?",
    "share": "How many more trainings converge?",
}


@alone
def _forest(rows: pd.DataFrame, *, unit: str, key: str) -> None:
    if rows.empty:
        return
    frame = pd.DataFrame(
        {
            "claim": rows["short"],
            "data": rows["data"],
            "estimate": rows["estimate"],
            columns.LOWER: rows[columns.LOWER],
            columns.UPPER: rows[columns.UPPER],
            "margin": rows["margin"],
            "verdict": rows["verdict"],
            "published": rows["published"],
            columns.NUM_SEEDS: rows[columns.NUM_SEEDS],
            columns.NUM_INSTANCES: rows[columns.NUM_INSTANCES],
        }
    )
    card = Card(
        key=f"forest_{key}",
        question=QUESTIONS[unit],
        caption=f"Right of {'one' if unit == 'ratio' else 'zero'} speaks for the claim; stars are published, on other "
        "networks and data.",
        definition=DEFINITION,
        alt="Effects with 95 % intervals, one line a claim.",
    )
    chart_card(
        card,
        charts.claims_forest(
            frame, unit_title=UNITS[unit], scale="ratio" if unit == "ratio" else "difference", mode=theme_mode()
        ),
        rows,
    )


@alone
def _details(shown: pd.DataFrame, stamp: str) -> None:
    averaged = shown[(shown[columns.EXPERIMENT] == "accuracy")]
    if averaged.empty:
        return
    st.markdown("## One claim, σ_d by σ_d")
    labels = {(row["claim"], row["plan"]): f"{row['words']} ({row['data']})" for row in averaged.to_dict("records")}
    claim, plan = st.selectbox(
        "Claim",
        list(labels),
        format_func=labels.__getitem__,
        key="claim_detail",
        help="One claim at every setting at which it was run.",
    )
    table = plans.claim_settings(claim, plan, "accuracy", stamp)
    if table.empty:
        st.caption(f"It was run at one {SIGMA_D} only.")
        return
    shown_table(
        pd.DataFrame(
            {
                "At": table[columns.SETTING_LABEL],
                "Verdict": findings.verdict_words(table),
                "Ours": [claim_words.effect_words(row) for row in table.to_dict("records")],
                "Seeds": table[columns.NUM_SEEDS],
                "Chips": table[columns.NUM_INSTANCES],
            }
        ),
        hide_index=True,
        key="claim_settings",
        title="A claim at every setting",
    )


def _departures() -> None:
    title, _, text = departures().partition("\n")
    with st.expander(title.removeprefix("# "), icon=":material/alt_route:", key="departures"):
        st.markdown(with_references(text))


def _missing(missing: pd.DataFrame) -> None:
    if missing.empty:
        return
    with st.expander(f"{len(missing)} claims have no runs yet", icon=":material/inbox:"):
        for row in missing.to_dict("records"):
            st.markdown(f"- {row['words']} `neft sweep {row[columns.EXPERIMENT]}`")
        say_where_more_are()


page()
