"""The sidebar's selection: data set, backbone, device, methods, way of reading, slice. All of it in the address."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.address import Protocol, Selection
from dashboard.data import stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunFacts
from dashboard.pages import Page
from dashboard.widgets.control import Choices, Control, sigma_d_control
from dashboard.widgets.page_link import page_link
from dashboard.words.sentences import SIGMA_D
from neft import columns


def pick_runs() -> Selection:
    """Draw the sidebar and return what is selected."""
    with st.sidebar:
        dataset, dataset_label = _pick(
            "Data set", address.DATASET, stored.DATA_KEY, "dataset_label", (), help=_DATASET_HELP
        )
        backbone, backbone_label = _pick(
            "Backbone", address.BACKBONE, columns.BACKBONE, "backbone_label", (dataset,), help=_BACKBONE_HELP
        )
        device, device_label = _pick(
            "Device",
            address.DEVICE,
            columns.DEVICE,
            "device_label",
            (dataset, backbone),
            help="The technology whose levels miss their targets; RRAM1 misses alike in every level.",
        )
        place = (dataset, backbone, device)
        named = _named(place)
        variants = _pick_variants(named)
        _say_no_curves()
        protocol = _pick_protocol()
        chosen = _chosen(place, tuple(variants), protocol)
        if chosen.single:
            st.caption(
                f"Trained at one {SIGMA_D}, so a single mark: {'; '.join(chosen.single)}. *Fixed* draws the line."
            )
        train_sigma_d = (
            _pick_sigma(r"Train $\sigma_d$", address.TRAIN_SIGMA_D, chosen.trained, _TRAIN_HELP)
            if protocol == "fixed"
            else None
        )
        sigma_d = _pick_sigma(r"Slice at $\sigma_d$", address.SLICE, chosen.stops, _SLICE_HELP)
        published, published_label = _pick_published()
        if st.button("Look again", icon=":material/refresh:", help="Read the stores again, for runs stored meanwhile."):
            st.rerun()
    selection = Selection(
        dataset=dataset,
        dataset_label=dataset_label,
        backbone=backbone,
        backbone_label=backbone_label,
        device=device,
        device_label=device_label,
        num_classes=chosen.num_classes,
        variants=tuple(variants),
        run_ids=chosen.run_ids,
        ablation_ids=chosen.ablation_ids,
        protocol=protocol,
        train_sigma_d=train_sigma_d,
        sigma_d=sigma_d,
        stops=chosen.stops,
        published=published,
        published_label=published_label,
    )
    st.session_state[address.SELECTED] = selection
    return selection


@dataclass(frozen=True)
class _Chosen:
    """What some methods of a place are."""

    num_classes: int
    run_ids: tuple[str, ...]
    ablation_ids: tuple[str, ...]
    trained: tuple[float, ...]
    """The device variations at which some network of the place was trained."""
    stops: tuple[float, ...]
    """Where the slice can lie."""
    single: tuple[str, ...]
    """Labels of the methods that are no line under this reading."""


@kept(max_entries=16)
def _table(place: tuple[str, ...]) -> pd.DataFrame:
    """The runs that can be selected, of a data set, then of a backbone of it, then of a device."""
    if not place:
        return _with_curves(stored.runs_table()[_COLUMNS])
    table = _table(place[:-1])
    return table[table[_PLACE[len(place) - 1]] == place[-1]]


@kept(max_entries=16)
def _curves(place: tuple[str, ...]) -> pd.DataFrame:
    """Those of a place that are curves, under the names that they have there."""
    table = _table(place)
    full = table[table["num_sigma_ds"] >= stored.FULL_CURVE]
    named = {record.id: record.facts.variant for record in stored.named_records(tuple(full[columns.RUN_ID]))}
    return full.assign(**{columns.VARIANT: full[columns.RUN_ID].map(named)})


@kept(max_entries=16)
def _named(place: tuple[str, ...]) -> list[RunFacts]:
    """What is known of them."""
    return [record.facts for record in stored.named_records(tuple(_curves(place)[columns.RUN_ID]))]


@kept(max_entries=128)
def _chosen(place: tuple[str, ...], variants: tuple[str, ...], protocol: Protocol) -> _Chosen:
    table, full = _table(place), _curves(place)
    chosen = full[full[columns.VARIANT].isin(variants)]
    trained = _trained_sigma_ds(full)
    families = set(chosen[columns.FAMILY])
    feedback = table[columns.NUM_FEEDBACK].notna()
    varied = table[feedback & table[columns.FAMILY].isin(_ablation_families(table, families))]
    beside = table[table[columns.IS_CONTROL].astype(bool)] if len(varied) else varied
    return _Chosen(
        num_classes=int(table["num_classes"].iloc[0]) if len(table) else 2,
        run_ids=tuple(chosen[columns.RUN_ID]),
        ablation_ids=(*varied[columns.RUN_ID], *beside[columns.RUN_ID]),
        trained=tuple(trained),
        stops=_stops(chosen, trained, protocol),
        single=_single_marks(chosen, _named(place)) if protocol == "matched" else (),
    )


_PLACE = (stored.DATA_KEY, columns.BACKBONE, columns.DEVICE)
_COLUMNS = [
    *_PLACE,
    "dataset_label",
    "backbone_label",
    "device_label",
    "num_classes",
    "num_sigma_ds",
    columns.RUN_ID,
    columns.FAMILY,
    columns.RECIPE,
    columns.USES_NOISE,
    columns.IS_CONTROL,
    columns.NUM_FEEDBACK,
    columns.TRAIN_SIGMA_D,
]
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
    title: str,
    key: str,
    column: str,
    label_column: str,
    place: tuple[str, ...],
    *,
    help: str,  # noqa: A002 - as Streamlit's
) -> tuple[str, str]:
    """One of what there is at a place: its key and label."""
    options = _options(place, column, label_column)
    chosen = Control(key=key, label=title, options=options, help=help, kind="list", stays=True).draw()
    return chosen, options[chosen]


@kept(max_entries=32)
def _options(place: tuple[str, ...], column: str, label_column: str) -> dict[str, str]:
    """Labels by their keys: first of what has the most curves under one device, then of what has the most runs."""
    table = _table(place)
    labels: dict[str, str] = dict(zip(table[column], table[label_column], strict=True))
    counts = table[column].value_counts()
    places = [column, *(name for name in _PLACE if name != column)]
    curves = table[table["num_sigma_ds"] >= stored.FULL_CURVE].groupby(places).size().groupby(level=0).max()
    keys = sorted(labels, key=lambda name: (-int(curves.get(name, 0)), -int(counts[name]), name))
    return {key: labels[key] for key in keys}


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


def _single_marks(chosen: pd.DataFrame, named: Sequence[RunFacts]) -> tuple[str, ...]:
    """Labels of the methods that are no line where the reading is matched: trained at one device variation."""
    noisy = chosen[chosen[columns.USES_NOISE].astype(bool)]
    counts = noisy.groupby(columns.VARIANT, sort=False)[columns.TRAIN_SIGMA_D].nunique()
    labels = {facts.variant: facts.label for facts in sorted(named, key=stored.shown_place)}
    return tuple(label for variant, label in labels.items() if counts.get(variant, 0) == 1)


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
