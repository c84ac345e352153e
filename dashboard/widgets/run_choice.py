"""Runs chosen by id, under readable names: a run's name changes with what else is stored and chosen, its id does not.

The page of all runs keeps the same ids under the same key.
"""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from dashboard import address
from dashboard.data import results
from dashboard.data.foreign import foreign
from dashboard.widgets.following import selected
from dashboard.widgets.in_address import asked, is_news, keep


def choose_runs(names: Mapping[str, str], *, most: int) -> list[str]:
    """Draw the choice of runs and return their ids, in the order in which they were chosen.

    What was picked on the page of all runs comes along, else a run of each method that the results show. Ids of no
    stored run, and those beyond the most, are left out and named.
    """
    seen = _of_the_selection()[:most]
    wanted = _asked(address.RUNS) or list(st.session_state.get(address.PICKED, [])) or seen
    if _is_new(address.RUNS):
        known = [run_id for run_id in dict.fromkeys(wanted) if run_id in names]
        st.session_state[_key(address.RUNS)] = known[:most]
        st.session_state[_left_out()] = ([one for one in wanted if one not in names], known[most:])

    def forget_left_out() -> None:
        st.session_state[_left_out()] = ([], [])

    chosen = st.multiselect(
        "Runs",
        list(names),
        format_func=names.__getitem__,
        key=_key(address.RUNS),
        max_selections=most,
        select_all=False,
        on_change=forget_left_out,
        filter_mode="fuzzy",
        placeholder="Type a method, a seed, a data set or part of an id",
        help=f"Up to {most} runs; type to search. The address holds their ids: copy it to show these runs to others.",
    )
    st.session_state[address.PICKED] = [] if chosen == seen else chosen
    keep(address.RUNS, chosen)
    _say_left_out(most)
    return list(chosen)


def choose_reference(run_ids: Sequence[str], name: Callable[[str], str]) -> str:
    """Draw the choice of the run that others are compared with; the first by default."""
    wanted = [run_id for run_id in _asked(address.COMPARED_WITH) if run_id in run_ids]
    key = _key(address.COMPARED_WITH)
    if _is_new(address.COMPARED_WITH) or st.session_state.get(key) not in run_ids:
        st.session_state[key] = (wanted or list(run_ids))[0]
    chosen = st.selectbox(
        "Compared with",
        run_ids,
        format_func=name,
        key=key,
        help="The reference: every difference is another run's accuracy minus this one's, chip by chip.",
    )
    keep(address.COMPARED_WITH, [] if chosen == run_ids[0] else [chosen])
    return chosen


def choose_shown(run_ids: Sequence[str], name: Callable[[str], str]) -> list[str]:
    """Draw a button a run and return the ids of those to be drawn; all by default, also those chosen later.

    The address holds what is hidden.
    """
    key = _key(address.HIDDEN)
    if _is_new(address.HIDDEN):
        st.session_state[_hidden()] = _asked(address.HIDDEN)
    hidden: list[str] = [run_id for run_id in st.session_state.get(_hidden(), []) if run_id in run_ids]
    st.session_state[key] = [run_id for run_id in run_ids if run_id not in hidden]

    def keep_hidden() -> None:
        st.session_state[_hidden()] = [run_id for run_id in run_ids if run_id not in st.session_state[key]]

    chosen = st.pills(
        "Shown",
        run_ids,
        selection_mode="multi",
        format_func=name,
        key=key,
        on_change=keep_hidden,
        help="Hiding a run changes neither means, colours nor letters of the others; it stays in the table.",
    )
    keep(address.HIDDEN, [run_id for run_id in run_ids if run_id not in chosen])
    return [run_id for run_id in run_ids if run_id in chosen]


def _of_the_selection() -> list[str]:
    """A run of each method that the results show, the control first: others are compared with it."""
    selection = selected()
    runs = results.one_run_each(selection) if selection is not None else ()
    return [record.id for record in sorted(runs, key=lambda record: not record.facts.is_control)]


def _key(parameter: str) -> str:
    return f"compare_{parameter}"


def _hidden() -> str:
    return "compare_hidden_ids"


def _left_out() -> str:
    return "compare_left_out"


def _asked(parameter: str) -> list[str]:
    return [value for value in asked(parameter) if value]


def _is_new(parameter: str) -> bool:
    """Whether the page is drawn for the first time, or its address was changed by other than its own widgets."""
    return _key(parameter) not in st.session_state or is_news(parameter)


def _say_left_out(most: int) -> None:
    unknown, beyond = st.session_state.get(_left_out(), ([], []))
    if unknown:
        named = ", ".join(foreign(run_id[:130]) for run_id in unknown[:most])
        st.warning(
            f"Not stored here, and left out: {named}. Runs of another machine come along in a bundle.",
            icon=":material/link_off:",
        )
    if beyond:
        named = ", ".join(f"`{run_id}`" for run_id in beyond[:most])
        more = f" and {len(beyond) - most} more" if len(beyond) > most else ""
        st.warning(
            f"Up to {most} runs are compared at once: more lines nobody tells apart. Left out: {named}{more}.",
            icon=":material/filter_list:",
        )
