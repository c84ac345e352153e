"""Hand runs on and take runs in: one zip file, checked before anything of it is stored."""

import io
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.data import comparisons, exchange, stored
from dashboard.data.comparisons import MOST_RUNS
from dashboard.data.exchange import MAX_UPLOAD, MIB, Found
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.control import Choices
from dashboard.widgets.guards import alone, show_problems
from dashboard.widgets.page_link import page_link
from dashboard.widgets.theme_mode import readable_tags
from dashboard.widgets.upload_fix import reachable_uploads
from neft.errors import NeftError

STATUS = {"new": "new", "there": "already here", "refused": "refused", "imported": "imported"}
TAKEN = "share_taken"  # what the session has imported, by the file's id
COLUMNS = {
    "Status": st.column_config.TextColumn(width=96),
    "Train σ_d": st.column_config.NumberColumn(format="%.2f", width=80),
    "Seed": st.column_config.NumberColumn(width=56),
    "MB": st.column_config.NumberColumn(format="%.2f", width=56),
}


def page() -> None:
    """Draw the page."""
    readable_tags()
    st.title("Share and import runs")
    own = exchange.own_ids()
    st.markdown(_held(own))
    left, right = st.columns(2)
    with left, st.container(border=True, key="card_export"):
        _export(own)
    with right, st.container(border=True, key="card_import"):
        _import()
    show_problems()


def _held(own: Sequence[str]) -> str:
    """What there is to hand on."""
    mine = f"{_count(own)} of your own ({_megabytes(exchange.bundle_size(own))})" if own else "no runs of your own yet"
    return (
        f"Stored here are **{mine}** and {exchange.num_shipped()} that came with the package. A bundle is one file of "
        "the runs you pick: settings, numbers, every chip, weights where they were kept, notes, and the commands that "
        "make them again."
    )


@alone
def _export(own: Sequence[str]) -> None:
    st.markdown("## Hand runs on")
    if stored.runs_table().empty:
        st.info("No runs are stored yet. Train a network, or take runs in.", icon=":material/inbox:")
        page_link(Page.TRAIN, "Train a network")
        return
    picked = _picked(own)
    if not picked:
        st.info("Pick runs here, or on the page of all runs.", icon=":material/touch_app:")
        page_link(Page.RUNS)
        return
    size = exchange.bundle_size(picked)
    st.download_button(
        f"Download {_count(picked)}",
        data=lambda: exchange.bundle_bytes(picked),
        file_name="neft_runs.zip",
        mime="application/zip",
        key="export",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="One zip file, made and checked now; README.txt in it says how to import it and make the runs again.",
    )
    large = size > MAX_UPLOAD * MIB
    st.caption(
        f"{_megabytes(size)} before packing."
        + (f" A page takes in files of up to {MAX_UPLOAD} MB: import this one with `neft import`." if large else "")
    )
    st.markdown("The same from a command line:")
    st.code(f"neft export {' '.join(picked)} --out neft_runs.zip", language=None, wrap_lines=True)
    _addresses(picked)


def _picked(own: Sequence[str]) -> list[str]:
    names = comparisons.readable_names()
    options = {run_id: names[run_id] for run_id in stored.runs_table()["run_id"]}
    if address.BUNDLE not in st.session_state and address.BUNDLE not in st.query_params:
        st.session_state[address.BUNDLE] = st.session_state.get(address.PICKED, [])  # what another page picked

    def pick_own() -> None:
        st.session_state[address.BUNDLE] = list(own)

    choices = Choices(
        key=address.BUNDLE,
        label="Runs",
        options=options,
        default=(),
        kind="list",
        stays=False,
        placeholder="Type to search",
        width="stretch",
        help="Kept in the address by their ids. Pick by method, data or result on the page of all runs, and come back.",
    )
    picked = choices.draw()
    st.session_state[address.PICKED] = picked
    if own:
        _ = st.button(
            "All of my own",
            on_click=pick_own,
            icon=":material/select_all:",
            key="all_own",
            help="Every run that you trained or imported here.",
        )
    return picked


def _addresses(picked: Sequence[str]) -> None:
    st.markdown("Where they are shown, for whoever reaches this dashboard and has the runs:")
    here = st.context.url or ""
    paths = ("runs", "compare") if 2 <= len(picked) <= MOST_RUNS else ("runs",)
    for path in paths:
        st.code(exchange.whole_address(here, path, {address.RUNS: list(picked)}), language=None, wrap_lines=True)


@alone
def _import() -> None:
    st.markdown("## Take runs in")
    reachable_uploads()
    file = st.file_uploader(
        "A bundle, or a run's folder, zipped",
        type="zip",
        key="upload",
        max_upload_size=MAX_UPLOAD,
        help="Made here, by `neft export`, or by zipping a run's own folder. It is looked through first; nothing is "
        "stored before you say so, and nothing in it is ever run.",
    )
    if file is None:
        st.caption(
            "Every file is checked against its checksum. A run that is here already stays as it is. On a command line:"
        )
        st.code("neft import FILE.zip", language=None)
        return
    try:
        found = exchange.look_into(file, file.file_id)
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        st.caption("Choose another file, or have it exported again. Nothing was stored.")
        return
    _taken(file.file_id)
    _contents(found)
    new = [one.run_id for one in found if one.status == "new"]
    if new and changing_button(
        f"Import {_count(new)}",
        icon=":material/download_done:",
        key="import",
        help="Into your own store. Each is taken whole or not at all.",
    ):
        _take_in(file, file.file_id, new)
    if not new:
        there = [one.run_id for one in found if one.status == "there"]
        if there and file.file_id not in st.session_state.get(TAKEN, {}):
            st.success("Everything that can be taken in is here already.", icon=":material/check_circle:")
            _links(there)


@alone
def _contents(found: Sequence[Found]) -> None:
    st.dataframe(
        pd.DataFrame([_row(one) for one in found]),
        column_config=COLUMNS,
        hide_index=True,
        key="contents",
        alt="The runs in the file, and what would become of each.",
    )
    for one in found:
        if one.status == "refused":
            st.warning(foreign(one.words), icon=":material/block:")


def _row(one: Found) -> dict[str, object]:
    facts = one.record.facts if one.record else None
    return {
        "Status": STATUS[one.status],
        "Method": facts.label if facts else None,
        "Train σ_d": facts.train_sigma_d if facts else None,
        "Seed": facts.seed if facts else None,
        "Data set": facts.dataset_label if facts else None,
        "Backbone": facts.backbone_label if facts else None,
        "MB": one.num_bytes / 1e6,
        "Note": one.note.text if one.note else None,
        "Id": one.run_id,
    }


def _take_in(file: io.BytesIO, file_id: str, run_ids: Sequence[str]) -> None:
    try:
        with st.spinner("Storing …"):
            taken = exchange.take_in(file, run_ids)
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        return
    st.session_state[TAKEN] = {file_id: taken}
    st.rerun()


def _taken(file_id: str) -> None:
    """What became of the file's runs when they were imported."""
    taken: Sequence[Found] = st.session_state.get(TAKEN, {}).get(file_id, ())
    held = [one.run_id for one in taken if one.status in ("imported", "there")]
    if held:
        st.success(f"{_count(held)} imported.", icon=":material/check_circle:")
        _links(held)
    for one in taken:
        if one.words:
            st.warning(f"{foreign(one.run_id)}: {foreign(one.words)}", icon=":material/info:")


def _links(run_ids: Sequence[str]) -> None:
    with st.container(horizontal=True):
        page_link(Page.RUNS, "Open them", query_params={address.RUNS: list(run_ids)})
        page_link(Page.EXPLORE, "See the first in the four views", query_params=stored.view_address(run_ids[0]))


def _count(run_ids: Sequence[str]) -> str:
    return f"{len(run_ids)} run{'' if len(run_ids) == 1 else 's'}"


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB"


page()
