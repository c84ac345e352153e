"""Each claim of the papers, and ours: the published number, our number and a verdict, computed from stored runs."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import plans
from dashboard.data.citations import departures, with_references
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Choices
from dashboard.widgets.guards import show_plan_problems
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import findings
from neft import columns

DEFINITION = r"""
A claim says that an effect is positive. It is

- **supported** where the paired 95 % interval lies above zero,
- **not supported** where the interval lies below the smallest effect that would matter: one point of accuracy, a tenth
  of the EKL, one training in ten,
- **undecided** otherwise; then the number of further seeds is given that would decide it if effect and spread stayed.

Effects are taken seed by seed and chip by chip; the interval counts seeds and chips both as random. A comparison of
methods is averaged over the $\sigma_d$ at which they were trained. Failures of trainings are paired by seed
([Bonett2012]). Nothing corrects for the number of claims: of forty true nulls, one or two would look decided.
"""
UNITS = {"points": "points of accuracy", "percent": "% of EKL", "share": "trainings of 100"}
GROUPS = {True: "Claims of the paper", False: "What the controls say"}


def page() -> None:
    """Draw the page."""
    st.title("Which claims hold?")
    stamp = plans.fingerprint()
    claims = plans.claims(stamp)
    decided = claims[claims["verdict"] != "no runs"]
    if decided.empty:
        st.info("No experiment is stored yet that decides a claim.", icon=":material/inbox:")
        st.code("neft sweep paper_digits", language=None)
        show_plan_problems(stamp)
        return
    st.markdown(findings.claims_finding(claims))
    chosen = _pick_data(decided)
    shown = decided[decided["data_key"].isin(chosen)]
    for paper, title in GROUPS.items():
        group = shown[shown["paper"] == paper]
        if group.empty:
            continue
        st.markdown(f"## {title}")
        _verdicts(group, key=f"verdicts_{paper}")
        _forests(group, key="paper" if paper else "ours")
    _details(shown, stamp)
    _missing(claims)
    _departures()
    show_plan_problems(stamp)


def _pick_data(decided: pd.DataFrame) -> list[str]:
    words = dict(zip(decided["data_key"], decided["data"], strict=True))
    if len(words) < 2:
        return list(words)
    choices = Choices(
        key=address.CLAIM_DATA,
        label="Run on",
        options=words,
        default=tuple(words),
        help="The data and networks on which the claims are judged; each is judged by itself.",
    )
    return choices.draw()


def _verdicts(group: pd.DataFrame, *, key: str) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Claim": group["words"],
                "Verdict": findings.verdict_words(group),
                "Ours": findings.effect_words(group),
                "Published": findings.published_effect_words(group),
                "Unit": group["unit"].map(UNITS),
                "Seeds": group[columns.NUM_SEEDS],
                "Chips": group[columns.NUM_INSTANCES],
                "Run on": group["data"],
                "Where": group[columns.SOURCE],
            }
        ),
        column_config={
            "Claim": st.column_config.TextColumn(width="large", pinned=True),
            "Ours": st.column_config.TextColumn(help="Effect and its paired 95 % interval."),
            "Published": st.column_config.TextColumn(help="The paper's effect, on its own network and data."),
            "Chips": st.column_config.NumberColumn(help="Chips each training was tried on."),
        },
        hide_index=True,
        key=key,
        height="content",
    )


def _forests(group: pd.DataFrame, *, key: str) -> None:
    places = st.columns(2)
    with places[0]:
        _forest(group[group["unit"] == "points"], unit="points", key=f"{key}_points")
    with places[1]:
        _forest(group[group["unit"] == "percent"], unit="percent", key=f"{key}_percent")
        _forest(group[group["unit"] == "share"], unit="share", key=f"{key}_share")


QUESTIONS = {
    "points": "How large are the effects on accuracy?",
    "percent": "How much larger is the other's EKL?",
    "share": "How many more trainings converge?",
}


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
        caption="Right of zero speaks for the claim. The band is what would not matter; stars are the published "
        "effects, on other networks and data.",
        definition=DEFINITION,
        alt="Effects with 95 % intervals, one line a claim.",
    )
    chart_card(card, charts.claims_forest(frame, unit_title=UNITS[unit], mode=theme_mode()), rows)


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
        st.caption("It was run at one σ_d only.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "At": table[columns.SETTING_LABEL],
                "Verdict": findings.verdict_words(table),
                "Ours": findings.effect_words(table),
                "Seeds": table[columns.NUM_SEEDS],
                "Chips": table[columns.NUM_INSTANCES],
            }
        ),
        hide_index=True,
        key="claim_settings",
    )


def _departures() -> None:
    title, _, text = departures().partition("\n")
    with st.expander(title.removeprefix("# "), icon=":material/alt_route:", key="departures"):
        st.markdown(with_references(text))


def _missing(claims: pd.DataFrame) -> None:
    missing = claims[claims["verdict"] == "no runs"]
    if missing.empty:
        return
    with st.expander(f"{len(missing)} claims have no runs yet", icon=":material/inbox:"):
        for row in missing.to_dict("records"):
            st.markdown(f"- {row['words']} `neft sweep {row[columns.EXPERIMENT]}`")


page()
