"""All stored runs: a table with what differs, and the details of those that are picked."""

import json
import re

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import comparisons, stored
from dashboard.data.citations import bibtex
from dashboard.data.comparisons import SHOWN_ELSEWHERE
from dashboard.data.stored import RunRecord, look
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Choices
from dashboard.widgets.delete_run import delete_run, problems_to_delete
from dashboard.widgets.guards import alone, failing_alone, saying_why_not, stop_without_runs
from dashboard.widgets.hardware_card import hardware_card
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.note_editor import all_tags, note_editor, show_note_problems, tags_of_runs
from dashboard.widgets.page_link import page_link
from dashboard.widgets.shown_table import shown_table, table_files
from dashboard.widgets.theme_mode import readable_tags, theme_mode
from dashboard.widgets.train_again import other_seed_link, same_seed_link
from dashboard.widgets.waterfall_card import waterfall_card
from dashboard.words import paper_words, percentile_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.runs.paragraph import bibtex as run_bibtex
from neft.runs.paragraph import methods_paragraph
from neft.sigma_d import sigma_d_text

COLUMNS = {
    columns.LABEL: st.column_config.TextColumn("Method", pinned=True),
    "backbone_label": st.column_config.TextColumn("Backbone"),
    "dataset_label": st.column_config.TextColumn("Data set"),
    "device_label": st.column_config.TextColumn("Device"),
    columns.TRAIN_SIGMA_D: st.column_config.NumberColumn("Train σ_d", format="%.2f"),
    columns.SEED: st.column_config.NumberColumn("Seed"),
    "seeds": st.column_config.ListColumn("Seeds"),
    "differs": st.column_config.TextColumn(
        "What else differs", width="medium", help="Settings that not all listed runs share."
    ),
    "accuracy_at_train_sigma_d": st.column_config.ProgressColumn(
        "At train σ_d", format="%.1f %%", min_value=0, max_value=100, help="Mean accuracy at the training's own σ_d."
    ),
    "accuracy_std": st.column_config.NumberColumn(
        "± seeds", format="%.2f", help="Std of that mean over seeds, in points."
    ),
    "percentile_1_at_train_sigma_d": st.column_config.NumberColumn(
        "1st percentile",
        format="%.1f %%",
        help="The chip that 99 of 100 beat, at the training's own σ_d. Its limits stand with the picked run.",
    ),
    "curve": st.column_config.LineChartColumn(
        "Over σ_d",
        width="small",
        y_min=0,
        y_max=100,
        help="Mean accuracy at every tested σ_d, the smallest on the left, from 0 to 100 %.",
    ),
    "tags": st.column_config.ListColumn("Tags", help="Yours: write them in a picked run's note."),
    "clean_accuracy": st.column_config.NumberColumn(
        "Clean", format="%.1f %%", help="Accuracy at σ_d = 0, 8-bit weights."
    ),
    "validation_accuracy": st.column_config.NumberColumn("Validation", format="%.1f %%"),
    "num_epochs": st.column_config.NumberColumn("Epochs"),
    "training_seconds": st.column_config.NumberColumn("Training (s)", format="%.0f"),
    "created": st.column_config.DatetimeColumn("Created", format="YYYY-MM-DD HH:mm"),
    columns.RUN_ID: st.column_config.TextColumn("Id"),
}
BY_SEEDS = ("seeds", "accuracy_std")  # columns of a row that holds several seeds
SHORT = 2
PERCENT = ("accuracy_at_train_sigma_d", "percentile_1_at_train_sigma_d", "clean_accuracy", "validation_accuracy")
TRAINING_DEFINITION = r"""
**Training.** Loss on training images, and accuracy on training and validation images after every epoch. Validation is
under variation at the training $\sigma_d$, mean over its chips, and once more without variation; the gap between the
two is what the devices cost. Nothing is smoothed.
"""
LAYERS_DEFINITION = r"""
**Asked and realised deviation.** A ring is the closed form of Eq. 4 and 5 ([Qin2025]), a dot the standard deviation of
the sampled $(W_p - W_d) / (\sigma_d\,w_{max})$ of some chips. For RRAM1 with 8-bit weights on 2-bit devices the
closed form is 0.7776 in every layer.
"""
TABLE_KEY = "runs_table"
NO_SHARES = (
    columns.SIGMA_D,
    columns.EKL,
    columns.PERCENTILE_1,
    columns.PERCENTILE_5,
    columns.NUM_INSTANCES,
    columns.PULSES,
    columns.READS,
)
RESULTS = {
    "sigma_d": st.column_config.NumberColumn("σ_d", format="%.2f"),
    "accuracy": st.column_config.NumberColumn("Accuracy", format="%.2f %%"),
    "ci95": st.column_config.NumberColumn("± 95 %", format="%.2f", help="Half-width over chips, in points."),
    "percentile_1": st.column_config.TextColumn(
        "1st percentile", help="99 of 100 chips beat it; in brackets its one-sided 95 % limits."
    ),
    "percentile_5": st.column_config.TextColumn(
        "5th percentile", help="95 of 100 chips beat it; in brackets its one-sided 95 % limits."
    ),
    "num_instances": st.column_config.NumberColumn("Chips", format="%d"),
    "ekl": st.column_config.NumberColumn("EKL", format="%.4f", help="Nats, of correct predictions."),
    "mean_confidence": st.column_config.NumberColumn("Confidence", format="%.1f %%"),
    "calibration_error": st.column_config.NumberColumn("Calibration error", format="%.1f %%"),
    columns.PULSES: st.column_config.NumberColumn("Pulses", format="%.3g", help="A weight, to program it; expected."),
    columns.READS: st.column_config.NumberColumn("Reads", format="%.3g", help="A weight, while programming; expected."),
}


CONVERTER_COLUMNS = {
    columns.LAYER: st.column_config.TextColumn("Layer"),
    columns.INPUT_RANGE: st.column_config.NumberColumn("DAC range", format="%.3g"),
    columns.INPUT_USED: st.column_config.NumberColumn("Peak", format="%.0f %%", help="Over the DAC's range."),
    columns.INPUT_CLIPPED: st.column_config.NumberColumn("Clipped", format="%.2f %%", help="Inputs beyond the range."),
    columns.OUTPUT_RANGE: st.column_config.NumberColumn("ADC range", format="%.3g"),
    columns.OUTPUT_USED: st.column_config.NumberColumn("Peak ", format="%.0f %%", help="Over the ADC's range."),
    columns.OUTPUT_CLIPPED: st.column_config.NumberColumn(
        "Clipped ", format="%.2f %%", help="Outputs beyond the range."
    ),
}


def page() -> None:
    """Draw the page."""
    stop_without_runs(problems=problems_to_delete)
    readable_tags()
    st.title("Stored runs")
    shown = _found(_filtered(stored.runs_table()))
    by_seeds = st.session_state.get(address.RUNS_SEEDS, False)
    count = f"**{len(shown)} runs.**"
    if by_seeds:
        shown = stored.seeds_together(shown)
        count = f"{count[:-3]} in {len(shown)} rows, those of one training and several seeds together.**"
    st.markdown(f"{count} Pick rows to see what differs between them and what each one is.")
    _table(shown, by_seeds=by_seeds)
    say_where_more_are()
    picked = _picked(stored.runs_table())
    problems_to_delete()
    show_note_problems()
    if not picked:
        return
    records = stored.records(picked)
    _ways_on(picked)
    if len(records) > 1:
        _differences(picked)
    tabs = st.tabs([record.facts.name for record in records])
    for tab, record in zip(tabs, records, strict=True):
        with tab:
            _details(record)


def _ways_on(picked: list[str]) -> None:
    with st.container(horizontal=True):
        if len(picked) > 1:
            page_link(Page.COMPARE, "Compare these", query_params={address.RUNS: picked})
        page_link(Page.SHARE, "Export these", query_params={address.BUNDLE: picked})


def _found(table: pd.DataFrame) -> pd.DataFrame:
    """The runs in whose name, id or tags every word of the search stands, and one's own alone where asked."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search",
            key=address.RUNS_FIND,
            bind="query-params",
            placeholder="a method, a setting, a tag, part of an id",
            icon=":material/search:",
            width=340,
            help="Every word must stand in a run's name, its settings, its id or its tags.",
        )
        is_mine = st.toggle(
            "Mine only", key=address.RUNS_MINE, bind="query-params", help="Runs that you trained or imported here."
        )
        st.toggle(
            "Seeds together",
            key=address.RUNS_SEEDS,
            bind="query-params",
            help="One row for the runs that agree in all but the seed: the mean over seeds, and how far they spread.",
        )
    if is_mine:
        table = table[[not stored.is_shipped(run_id) for run_id in table[columns.RUN_ID]]]
    wanted = (words or "").casefold().split()
    if wanted:
        names, tags = comparisons.readable_names(), tags_of_runs()
        said = [f"{names[run_id]} {run_id} {' '.join(tags.get(run_id, ()))}" for run_id in table[columns.RUN_ID]]
        table = table[[all(_holds(text.casefold(), word) for word in wanted) for text in said]]
    return table.reset_index(drop=True)


def _holds(text: str, word: str) -> bool:
    """Whether a word stands in a text; one of a letter or two, as a seed, stands there by itself."""
    return word in text if len(word) > SHORT else word in re.split(r"[\s,·]+", text)


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    with st.container(horizontal=True):
        for title, column, shown, key in (
            ("Data set", stored.DATA_KEY, "dataset_label", "f_data"),
            ("Backbone", columns.BACKBONE, "backbone_label", "f_net"),
            ("Method", columns.VARIANT, columns.LABEL, "f_method"),
            ("Train σ_d", columns.TRAIN_SIGMA_D, columns.TRAIN_SIGMA_D, "f_train"),
        ):
            keys = table[column].map(sigma_d_text) if column == columns.TRAIN_SIGMA_D else table[column]
            words = dict(zip(keys, table[shown].astype(str), strict=True))
            choices = Choices(
                key=key,
                label=title,
                options=dict(sorted(words.items(), key=lambda option: option[1])),
                default=(),
                kind="list",
                stays=False,
                help="Show only runs with one of these; all where none is chosen.",
            )
            chosen = choices.draw()
            if chosen:
                table = table[keys.isin(chosen)]
        known = all_tags()
        if known:
            wanted = st.multiselect(
                "Tags",
                known,
                key=address.TAGS,
                bind="query-params",
                placeholder="All",
                width=260,
                help="Runs that have at least one of these tags.",
            )
            if wanted:
                tags = tags_of_runs()
                table = table[[not set(wanted).isdisjoint(tags.get(run_id, ())) for run_id in table[columns.RUN_ID]]]
    return table.sort_values("created", ascending=False, ignore_index=True)


@alone
def _table(shown: pd.DataFrame, *, by_seeds: bool) -> None:
    ids = shown[columns.RUN_ID].tolist()
    picks = shown[columns.RUN_IDS].tolist() if by_seeds else [(run_id,) for run_id in ids]

    def keep_picked() -> None:
        # the table's selection is by position: ids at once
        rows = st.session_state[TABLE_KEY]["selection"]["rows"]
        st.session_state[address.RUNS] = [run_id for row in rows if row < len(picks) for run_id in picks[row]]

    differs = stored.differing_settings(tuple(ids), without=SHOWN_ELSEWHERE)
    drawn = shown.assign(
        created=pd.to_datetime(shown["created"], format="ISO8601", utc=True),
        differs=shown[columns.RUN_ID].map(differs),
        curve=shown[columns.RUN_ID].map(comparisons.accuracy_lines()),
        tags=shown[columns.RUN_ID].map(tags_of_runs()),
    )
    for name in (*PERCENT, "accuracy_std"):
        if name in drawn:
            drawn[name] = drawn[name].astype(float) * 100
    order = [
        name for name in COLUMNS if name not in ((columns.SEED, columns.RUN_ID, "curve") if by_seeds else BY_SEEDS)
    ]
    _ = st.dataframe(
        drawn,
        key=TABLE_KEY,
        column_order=order,
        column_config=COLUMNS,
        hide_index=True,
        height=380,
        placeholder="",
        on_select=keep_picked,
        selection_mode="multi-row",
        alt="All stored runs, one a row.",
    )
    table_files(drawn, key=TABLE_KEY, title="Stored runs", column_config=COLUMNS, column_order=order, numbers=shown)


def _picked(table: pd.DataFrame) -> list[str]:
    names = comparisons.readable_names()
    options = {run_id: names[run_id] for run_id in table[columns.RUN_ID]}
    if address.RUNS not in st.session_state and address.RUNS not in st.query_params:
        st.session_state[address.RUNS] = list(st.session_state.get(address.PICKED, []))
    choices = Choices(
        key=address.RUNS,
        label="Picked runs",
        options=options,
        default=(),
        kind="list",
        stays=False,
        placeholder="Pick rows above, or choose here",
        width="stretch",
        help="Kept in the address by their ids: copy it to show these runs to someone else.",
    )
    picked = choices.draw()
    st.session_state[address.PICKED] = picked  # other pages take them along
    return picked


@alone
def _differences(picked: list[str]) -> None:
    differences = stored.config_differences(picked)
    st.markdown("## What differs")
    if differences.shape[1] == 0:
        st.caption("Nothing: these runs have the same settings.")
        return
    names = {record.id: record.facts.name for record in stored.records(picked)}
    told = differences.T.astype(str).rename(columns=names if len(set(names.values())) == len(names) else {})
    shown_table(
        told.reset_index(names="Setting"),
        key="picked_differences",
        title="Settings that differ",
        hide_index=True,
        alt="The settings in which the picked runs differ.",
    )


def _details(record: RunRecord) -> None:
    """Whatever of it cannot be read or drawn, the rest stays: its settings, and the way to delete it."""
    kept = _tables_of(record)
    left, right = st.columns(2)
    with left:
        _on_test_chips(record)
    with right:
        if kept is not None and record.summary.num_epochs:
            _training(record, kept.history)
    left, right = st.columns(2)
    with left:
        if kept is not None:
            waterfall_card(record)
            _layers(record)
            _converters(record)
        hardware_card(record)
    with right:
        _provenance(record)
        delete_run(record.id)
    _for_a_paper(record)
    with failing_alone("The note on this run cannot be shown"):
        note_editor(record.id)
    _settings(record)


def _tables_of(record: RunRecord) -> stored.RunTables | None:
    """None where they cannot be read, which is said."""
    found: list[stored.RunTables] = []
    with failing_alone("The tables of this run cannot be read"), saying_why_not():
        found.append(stored.run_tables(record.id))
    return found[0] if found else None


@alone
def _on_test_chips(record: RunRecord) -> None:
    st.markdown("## Results on test chips")
    shown_table(
        _results(record),
        key=f"results_{record.id}",
        title=f"{record.facts.name}, on test chips",
        numbers=stored.results(record),
        hide_index=True,
        column_config=RESULTS,
        alt="Accuracy, EKL and calibration at every device variation.",
    )
    missing = percentile_words.too_few_words([record.facts.num_instances])
    if missing:
        st.caption(missing)


@alone
def _settings(record: RunRecord) -> None:
    with st.expander("All settings"):
        st.json(record.config, expanded=2)


@alone
def _for_a_paper(record: RunRecord) -> None:
    with st.expander(
        "For a paper: methods paragraph and BibTeX", icon=":material/menu_book:", key=f"paper_{record.id}"
    ):
        st.code(methods_paragraph(record), language=None, wrap_lines=True)
        st.code(f"{run_bibtex(record)}\n{bibtex(paper_words.sources(record))}", language="latex")


def _results(record: RunRecord) -> pd.DataFrame:
    """The stored summary, fractions as percentages, percentiles with their limits."""
    frame = percentile_words.in_cells(stored.results(record))
    shares = [name for name in RESULTS if name not in NO_SHARES]
    frame[shares] = frame[shares].astype(float) * 100
    return frame


@alone
def _training(record: RunRecord, history: pd.DataFrame) -> None:
    card = Card(
        key=f"history_{record.id}",
        runs=(record.id,),
        question="How did it train?",
        caption=f"Epoch {record.summary.selected_epoch} was kept: the best validation accuracy under variation.",
        definition=TRAINING_DEFINITION,
        alt="Loss and accuracies by epoch.",
    )
    figure = charts.training_curves(history, num_epochs=record.summary.num_epochs, mode=theme_mode(), look=look(record))
    chart_card(card, figure, history)


@alone
def _layers(record: RunRecord) -> None:
    frame = stored.layers((record.id,), 1.0)
    card = Card(
        key=f"layers_{record.id}",
        runs=(record.id,),
        question="Do the devices miss as they were asked to?",
        caption=(
            f"Std of the sampled weights' deviation over {SIGMA_D} and the layer's largest weight: "
            + (
                f"at the largest {SIGMA_D} tried, where it is not alike at all; no ring where none is known."
                if record.facts.chips
                else f"alike at every {SIGMA_D}."
            )
        ),
        definition=LAYERS_DEFINITION,
        alt="Asked and realised standard deviation of each layer's weights.",
    )
    chart_card(card, charts.layer_std(frame, mode=theme_mode()), frame)


@alone
def _converters(record: RunRecord) -> None:
    """How each layer's converters are used, where the run has any."""
    shown = stored.converters(record.id)
    if shown.empty:
        return
    st.markdown("## Do the converters' ranges fit?")
    st.caption(
        "What comes to a layer's DACs and ADCs, on validation images and the chip that misses nothing. A peak over 100 "
        "% of the range is clipped; one far below it wastes levels."
    )
    numbers = shown.copy()
    for name in (columns.INPUT_USED, columns.INPUT_CLIPPED, columns.OUTPUT_USED, columns.OUTPUT_CLIPPED):
        if name in shown:
            shown[name] = 100 * shown[name]
    shown_table(
        shown,
        key=f"converters_{record.id}",
        title=f"{record.facts.name}, ranges of its converters",
        numbers=numbers,
        hide_index=True,
        column_config=CONVERTER_COLUMNS,
        alt="Range, peak and clipped share of every layer's converters.",
    )


def _chips(record: RunRecord) -> str:
    unseen = stored.unseen_words(record)
    most = f"at most {record.facts.num_instances}" if unseen else str(record.facts.num_instances)
    return "; ".join(filter(None, (f"{most} at each σ_d, chip seed {record.facts.chip_seed}", unseen)))


@alone
def _provenance(record: RunRecord) -> None:
    st.markdown("## Where it came from")
    provenance, summary = record.provenance, record.summary
    facts = {
        "Run": f"`{record.id}`",
        "Parameters": f"{summary.num_parameters:,}, on {summary.num_devices:,} devices",
        "Chips": _chips(record),
        "Time": f"{provenance.training_seconds:.0f} s training, {provenance.evaluation_seconds:.0f} s evaluation",
        "Made": f"{provenance.created}, {provenance.machine}, {provenance.torch_device}",
        "Versions": ", ".join(f"{name} {version}" for name, version in provenance.versions.items()),
        "Revision": f"`{(provenance.git_revision or 'unknown')[:12]}`",
        "Preset": provenance.preset or "none",
    }
    st.markdown("\n".join(f"- **{name}**: {value}" for name, value in facts.items()))
    st.caption("To make it again:")
    st.code(provenance.command or f"neft show {record.id} --config", language=None, wrap_lines=True)
    if record.summary.num_epochs:
        with st.container(horizontal=True):
            same_seed_link(record.id)
            other_seed_link(record.id)
    st.download_button(
        "Config as JSON",
        data=json.dumps(record.config, indent=2, ensure_ascii=False).encode(),
        file_name=f"{record.id}.json",
        mime="application/json",
        key=f"config_{record.id}",
        icon=":material/download:",
        on_click="ignore",
    )


page()
