"""The sidebar's selection: data set, backbone, device, methods, way of reading, slice. All of it in the address."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.address import Protocol, Selection
from dashboard.data import stored
from dashboard.data.stored import RunFacts
from dashboard.pages import Page
from dashboard.widgets.control import Choices, Control, sigma_d_control
from dashboard.widgets.page_link import page_link
from dashboard.words.sentences import SIGMA_D
from neft import columns


def pick_runs() -> Selection:
    """Draw the sidebar and return what is selected."""
    table = _with_curves(stored.runs_table())
    with st.sidebar:
        table, dataset, dataset_label = _pick(
            table, "Data set", address.DATASET, stored.DATA_KEY, "dataset_label", help=_DATASET_HELP
        )
        table, backbone, backbone_label = _pick(
            table, "Backbone", address.BACKBONE, columns.BACKBONE, "backbone_label", help=_BACKBONE_HELP
        )
        table, device, device_label = _pick(
            table,
            "Device",
            address.DEVICE,
            columns.DEVICE,
            "device_label",
            help="The technology whose levels miss their targets; RRAM1 misses alike in every level.",
        )
        full = table[table["num_sigma_ds"] >= stored.FULL_CURVE]
        named = {record.id: record.facts for record in stored.named_records(tuple(full[columns.RUN_ID]))}
        full = full.assign(
            **{columns.VARIANT: full[columns.RUN_ID].map({run_id: facts.variant for run_id, facts in named.items()})}
        )
        variants = _pick_variants(list(named.values()))
        chosen = full[full[columns.VARIANT].isin(variants)]
        _say_no_curves()
        protocol = _pick_protocol()
        if protocol == "matched":
            _say_single_marks(chosen, named)
        trained = _trained_sigma_ds(full)
        train_sigma_d = (
            _pick_sigma(r"Train $\sigma_d$", address.TRAIN_SIGMA_D, trained, _TRAIN_HELP)
            if protocol == "fixed"
            else None
        )
        stops = _stops(chosen, trained, protocol)
        sigma_d = _pick_sigma(r"Slice at $\sigma_d$", address.SLICE, stops, _SLICE_HELP)
        published, published_label = _pick_published()
        if st.button("Look again", icon=":material/refresh:", help="Read the stores again, for runs stored meanwhile."):
            st.rerun()
    families = set(chosen[columns.FAMILY])
    feedback = table[columns.NUM_FEEDBACK].notna()
    varied = table[feedback & table[columns.FAMILY].isin(_ablation_families(table, families))]
    beside = table[table[columns.IS_CONTROL].astype(bool)] if len(varied) else varied
    ablation = [*varied[columns.RUN_ID], *beside[columns.RUN_ID]]
    selection = Selection(
        dataset=dataset,
        dataset_label=dataset_label,
        backbone=backbone,
        backbone_label=backbone_label,
        device=device,
        device_label=device_label,
        num_classes=int(table["num_classes"].iloc[0]) if len(table) else 2,
        variants=tuple(variants),
        run_ids=tuple(chosen[columns.RUN_ID]),
        ablation_ids=tuple(ablation),
        protocol=protocol,
        train_sigma_d=train_sigma_d,
        sigma_d=sigma_d,
        stops=stops,
        published=published,
        published_label=published_label,
    )
    st.session_state[address.SELECTED] = selection
    return selection


_DATASET_HELP = "What the networks were trained on, with the size of its images. First what has the most curves."
_BACKBONE_HELP = "The network's architecture and width, of those that are stored for this data set."
_VARIANTS_HELP = (
    "The training methods to show. Leaving one out changes no other's numbers. The control is noise injection at the "
    "temperature that feedback training brings with it."
)
_TRAIN_HELP = "Which models: those trained at this device variation."
_PROTOCOL_HELP = (
    "**Matched**: every point is a network trained at that very $\\sigma_d$, as in the papers. "
    "**Fixed**: one network, trained at one $\\sigma_d$, is tried at all of them. "
    "Training without noise is one network in both."
)
_SLICE_HELP = "Device variation at which distributions, differences and weight deviations are shown."
MOST_LINKED = 8
"""Runs that a link opens at once."""
USUAL_SIGMA_D = 0.1
"""Near which the selection begins."""
_NO_PANEL = "none"
_PUBLISHED_HELP = (
    "A panel of the NeFT authors' accuracy figure, drawn beside our own as hollow marks. It is of another network and "
    "other data: compare the order of the methods and the gaps between them."
)


READING = Control(key=address.PROTOCOL, label="Reading", options=address.PROTOCOLS, help=_PROTOCOL_HELP, stays=True)


def _with_curves(table: pd.DataFrame) -> pd.DataFrame:
    """The runs of every data set, backbone and device of which some run is a curve; all runs where none is.

    What was only run for an ablation has a page of its own.
    """
    place = [table[stored.DATA_KEY], table[columns.BACKBONE], table[columns.DEVICE]]
    longest = table["num_sigma_ds"].groupby(place).transform("max")
    kept = table[longest >= stored.FULL_CURVE]
    return table if kept.empty else kept


def _ablation_families(table: pd.DataFrame, chosen: set[str]) -> set[str]:
    """Families of the chosen methods that hold more than one setting of the decay factors."""
    feedback = table[table[columns.NUM_FEEDBACK].notna()]
    counts = feedback.groupby(columns.FAMILY)[columns.RECIPE].nunique()
    return {str(family) for family in counts[counts > 1].index if family in chosen}


def _pick(
    table: pd.DataFrame,
    title: str,
    key: str,
    column: str,
    label_column: str,
    help: str | None = None,  # noqa: A002
) -> tuple[pd.DataFrame, str, str]:
    labels: dict[str, str] = dict(zip(table[column], table[label_column], strict=True))
    # first what has the most curves under one device, then what has the most runs
    counts = table[column].value_counts()
    places = [column, *(name for name in (stored.DATA_KEY, columns.BACKBONE, columns.DEVICE) if name != column)]
    curves = table[table["num_sigma_ds"] >= stored.FULL_CURVE].groupby(places).size().groupby(level=0).max()
    options = sorted(labels, key=lambda name: (-int(curves.get(name, 0)), -int(counts[name]), name))
    control = Control(
        key=key,
        label=title,
        options={name: labels[name] for name in options},
        help=help or "",
        kind="list",
        stays=True,
    )
    chosen = control.draw()
    return table[table[column] == chosen], chosen, labels[chosen]


def _pick_variants(named: Sequence[RunFacts]) -> list[str]:
    variants = {facts.variant: facts for facts in sorted(named, key=stored.shown_place)}
    plain = [variant for variant, facts in variants.items() if not facts.departure]
    choices = Choices(
        key=address.VARIANTS,
        label="Methods",
        options={
            variant: stored.variant_words(facts.label, is_control=facts.is_control)
            for variant, facts in variants.items()
        },
        default=tuple(plain or variants),
        help=_VARIANTS_HELP,
    )
    return choices.draw()


def _say_no_curves() -> None:
    """Which of the user's own runs are not among the methods, and where they are."""
    own = sorted(stored.own_records(), key=lambda record: record.provenance.created, reverse=True)
    few = [record.id for record in own if not stored.is_curve(record)]
    if few:
        runs = "One of your runs was" if len(few) == 1 else f"{len(few)} of your runs were"
        st.caption(f"{runs} tried at fewer than three {SIGMA_D}: no curves, and not drawn here.")
        page_link(Page.RUNS, "See what they keep", query_params={address.RUNS: few[:MOST_LINKED]})


def _say_single_marks(chosen: pd.DataFrame, named: Mapping[str, RunFacts]) -> None:
    """Which of the methods are no line under this reading, and what makes them one."""
    noisy = chosen[chosen[columns.USES_NOISE].astype(bool)]
    counts = noisy.groupby(columns.VARIANT, sort=False)[columns.TRAIN_SIGMA_D].nunique()
    labels = {facts.variant: facts.label for facts in sorted(named.values(), key=stored.shown_place)}
    single = [label for variant, label in labels.items() if counts.get(variant, 0) == 1]
    if single:
        st.caption(f"Trained at one {SIGMA_D}, so a single mark: {'; '.join(single)}. *Fixed* draws the line.")


def _pick_protocol() -> Protocol:
    return "fixed" if READING.draw() == "fixed" else "matched"


def _pick_published() -> tuple[str | None, str]:
    """A panel's key and label; no key where nothing published is to be drawn."""
    panels = stored.published_panels()
    control = Control(
        key=address.PUBLISHED,
        label="Published figures",
        options={_NO_PANEL: "None"} | panels,
        help=_PUBLISHED_HELP,
        kind="list",
        stays=True,
    )
    chosen = control.draw()
    return (chosen, panels[chosen]) if chosen in panels else (None, "")


def _trained_sigma_ds(full: pd.DataFrame) -> list[float]:
    noisy = full[full[columns.USES_NOISE].astype(bool)]
    return sorted({float(value) for value in noisy[columns.TRAIN_SIGMA_D]})


def _stops(chosen: pd.DataFrame, trained: Sequence[float], protocol: str) -> tuple[float, ...]:
    """Where the slice can lie."""
    tested = sorted(
        {sigma_d for record in stored.records(list(chosen[columns.RUN_ID])) for sigma_d in record.facts.sigma_ds}
    )
    options = [value for value in tested if value in trained] if protocol == "matched" and trained else tested
    return tuple(options)


def _pick_sigma(title: str, key: str, options: Sequence[float], words: str) -> float:
    return float(sigma_d_control(key, title, options or [USUAL_SIGMA_D], near=USUAL_SIGMA_D, help=words).draw())
