"""Every training method with every weight constraint, tuned alike, ranked: what is better, and what cannot be told."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import leaderboards, plans
from dashboard.data.foreign import foreign
from dashboard.data.leaderboards import Place
from dashboard.widgets.board_table import board_table
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import Choices, Control
from dashboard.widgets.guards import alone, show_plan_problems
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.theme_mode import readable_tags, theme_mode
from dashboard.words import leaderboard_words, scheme_words, sentences
from neft import columns
from neft.sigma_d import sigma_d_text

DEFINITION = r"""
Every row is a training method with a weight constraint. All rows of a leaderboard share data, backbone, epochs, seeds
and chips; the settings of each were chosen among the same number of trials by accuracy on **validation** images, under
variation. Test images and their chips are only reported on.

- **Accuracy**: the mean over seeds × chips, seeds and chips both random. **Difference**: to the reference row, seed by
  seed and chip by chip before anything is averaged.
- **1st percentile**: of each training over its chips; the mean over trainings, and the means of their 95 % limits,
  which order statistics set ([David2003]). It holds for these trainings. **1st of 10,000**: the same of 10,000 chips,
  of which most met few images: a race, with a probability of at least 99 % each the answer of trying all. Where every
  training of a row was raced at this $\sigma_d$; it is reported, and nothing is chosen or ranked by it.
- **Worst case**: the smallest accuracy that a search found with no weight's deviation above 0.03 of its layer's largest
  weight ([Yan2022]); the true minimum may lie lower.
- **EKL** falls with the temperature that a row was tuned to; the **calibrated EKL** does not, and can be compared.
- **Rank**: from $1+$ the rows that are told to be better to $n-$ the rows that are told to be worse ([Mogstad2024]).
  Every pair is compared by its paired interval, and the comparisons of one row are corrected for their number
  ([Holm1979]): its interval of ranks holds the true rank in at least 95 % of cases. Each interval holds by itself.
  With few seeds a lead must be many times its standard error: wide intervals are what so few trainings can say.
"""
SCHEMES_DEFINITION = r"""
Every row is a training under a **mapping** (how weights become what devices aim at) and a **programming** (how devices
are written): the same weights, laid and written otherwise, on chips of the same numbers. Each training is one, made at
one $\sigma_d$ and tried at all of them.

- **Costs** of a weight: *devices* that hold it, *pulses* to write it and *reads* to do so, expected over chips.
- **Area** and **energy** of the whole network with its converters, from unit costs with their sources: the page
  Hardware has them. They follow from the mapping alone; programming costs pulses and reads.
- **Front**: rows than which none costs as little in devices, pulses and reads and keeps as much, and is better in one.
  It goes by estimates: rows whose intervals overlap may belong there too.
- **Rank**, difference, percentile: as where trainings alone are ranked. Every pair of rows is compared by its paired
  interval, seeds and chips both random, corrected for the number of comparisons ([Holm1979], [Mogstad2024]).
"""
VALUE_TITLES = {
    "accuracy": "Mean",
    "percentile": "1st percentile",
    "raced": "1st of 10,000",
    "worst_case": "Worst case",
    "clean": "Clean",
    "difference": "Difference",
}
AXES = {
    "accuracy": "accuracy under variation (%)",
    "percentile": "1st percentile over chips (%)",
    "raced": "1st percentile over 10,000 chips (%)",
    "worst_case": "worst-case accuracy (%)",
    "clean": "accuracy without variation (%)",
    "difference": "difference in accuracy (points)",
}
AS_USUAL = "usual"  # what the address says of rows on the usual chips
# what rows without one are called
WITHOUT = {columns.CONSTRAINT: "None", columns.METHOD: "", columns.CHIPS: "As published, written once"}
WORTH = Control(
    key=address.BOARD_WORTH,
    label="Worth",
    options={name: VALUE_TITLES[name] for name in ("accuracy", "percentile")},
    help="What is to be high.",
    shows_label=False,
    stays=True,
)


def _cost_control(rows: pd.DataFrame) -> Control:
    words = scheme_words.COSTS | scheme_words.HARDWARE
    return Control(
        key=address.BOARD_COST,
        label="Cost",
        options={name: words[name] for name in leaderboards.costs(rows)},
        default=columns.PULSES,
        kind="list",
        width=220,
        help="What is to be cheap: of a weight, expected over chips, or of the whole network.",
        shows_label=False,
        stays=True,
    )


def _value_control(rows: pd.DataFrame) -> Control:
    unknown = {"raced"} if rows[columns.RACED_PERCENTILE_1].isna().all() else set[str]()
    return Control(
        key=address.BOARD_VALUE,
        label="By",
        options={name: title for name, title in VALUE_TITLES.items() if name not in unknown},
        help="What the rows are drawn by; ranks are always by mean accuracy.",
        shows_label=False,
    )


def page() -> None:
    """Draw the page."""
    heading = st.empty()
    heading.title("Which training method does best?")
    readable_tags()
    stamp = plans.fingerprint()
    places = leaderboards.places(stamp)
    if not places:
        _nothing_yet()
        show_plan_problems(stamp)
        return
    with st.sidebar:
        key = _pick_place(places)
        sigma_d = _pick_sigma_d(places[key])
        labels = _labels(leaderboards.board(key, sigma_d, None, stamp))
        reference = _pick_reference(labels, leaderboards.board(key, sigma_d, None, stamp))
        board = leaderboards.board(key, sigma_d, reference, stamp)
        rows = _filtered(board)
    if places[key].has_schemes:
        heading.title("Which training, mapping and programming do best?")
    st.markdown(leaderboard_words.board_finding(board, place=places[key].words, sigma_d=sigma_d, reference=reference))
    st.caption(leaderboards.budget(key, sigma_d, stamp))
    _progress(key, stamp)
    board_table(rows, board, reference)
    left, right = st.columns(2)
    has_costs = leaderboards.has_costs(rows)
    with left:
        if has_costs:
            _against_cost(rows, sigma_d)
        else:
            _ranking(rows, board, places[key], reference)
    with right:
        _against_sigma_d(key, places[key], board, stamp)
    if has_costs:
        _ranking(rows, board, places[key], reference)
    show_plan_problems(stamp)
    for run_id, reasons in leaderboards.race_problems(key, sigma_d, stamp).items():
        st.warning(f"A race of {foreign(run_id)} cannot be read: {foreign(reasons)}", icon=":material/broken_image:")


# ---------------------------------------------------------------- choices
def _pick_place(places: dict[str, Place]) -> str:
    counts = [place.words for place in places.values()]
    control = Control(
        key=address.BOARD,
        label="Run on",
        options={
            key: place.words if counts.count(place.words) == 1 else f"{place.plan}: {place.words}"
            for key, place in places.items()
        },
        kind="list",
        stays=True,
        help="Data and network; each has rankings of its own.",
    )
    return control.draw() if len(places) > 1 else control.start


def _pick_sigma_d(place: Place) -> float:
    by_text = {sigma_d_text(sigma_d): sigma_d for sigma_d in place.sigma_ds}
    control = Control(
        key=address.BOARD_SIGMA_D,
        label=f"Device variation {sentences.SIGMA_D}",
        options={text: text for text in by_text},
        default="0.2",
        stays=True,
        help="Every row was tried at it, and trained for it where trainings alone are ranked.",
    )
    return by_text[control.draw()]


def _labels(board: pd.DataFrame) -> dict[str, str]:
    return dict(zip(board[columns.VARIANT], board[columns.LABEL], strict=True))


def _pick_reference(labels: dict[str, str], board: pd.DataFrame) -> str:
    control = Control(
        key=address.BOARD_REFERENCE,
        label="Compared with",
        options=labels,
        default=leaderboards.reference_of(board),
        kind="list",
        stays=True,
        help="The row to which the differences are taken, seed by seed and chip by chip.",
    )
    return control.draw()


def _filtered(board: pd.DataFrame) -> pd.DataFrame:
    """The rows with the chosen constraints, methods, mappings and programmings; all where none is chosen."""
    rows = board
    for key, title, name, label in (
        (address.BOARD_CONSTRAINTS, "Weight constraint", columns.CONSTRAINT, columns.CONSTRAINT_LABEL),
        (address.BOARD_METHODS, "Method", columns.METHOD, columns.METHOD_LABEL),
        (address.BOARD_CHIPS, "Mapping and programming", columns.CHIPS, columns.CHIPS_LABEL),
    ):
        # the address holds no empty key
        options = {str(row[name]) or AS_USUAL: str(row[label]) or WITHOUT[name] for row in board.to_dict("records")}
        if len(options) < 2:
            continue
        choices = Choices(
            key=key,
            label=title,
            options=dict(sorted(options.items(), key=lambda option: option[1])),
            default=(),
            kind="list",
            help="Show these rows only; all where none is chosen. Ranks still count every row.",
        )
        chosen = choices.draw()
        rows = rows[rows[name].replace("", AS_USUAL).isin(chosen)] if chosen else rows
    return rows.reset_index(drop=True)


# ---------------------------------------------------------------- what is shown
def _nothing_yet() -> None:
    st.info(
        "No leaderboard is stored yet. Make one from a command line, at any size; it goes on where it was stopped:",
        icon=":material/inbox:",
    )
    st.code(f"neft sweep {leaderboards.LEADERBOARD}", language=None)
    st.markdown("`neft sweep --help` lists what can be changed: data, backbone, width, epochs, seeds, chips.")
    say_where_more_are()


def _progress(key: str, stamp: str) -> None:
    found = leaderboards.progress(key, stamp)
    if found.num_stored < found.num_planned:
        st.info(
            f"{found.num_stored} of {found.num_planned} runs are stored; `{found.command}` makes the rest.",
            icon=":material/hourglass_top:",
        )
        say_where_more_are()


@alone
def _against_cost(rows: pd.DataFrame, sigma_d: float) -> None:
    control = _cost_control(rows)
    cost, value = control.chosen(), WORTH.chosen()
    drawn, title = leaderboards.by_cost(rows, cost, value), control.options[cost]
    card = Card(
        key="board_costs",
        question="What does accuracy cost?",
        caption=f"At {sentences.SIGMA_D} = {sigma_d_text(sigma_d)}. Full marks are on the front of this cost: none is "
        "as cheap and as good. Pointing at a mark names its mapping and programming.",
        definition=SCHEMES_DEFINITION,
        alt=f"Accuracy against {title} of {len(drawn)} rows.",
    )
    figure = charts.accuracy_vs_cost(drawn, cost=cost, cost_title=title, value_title=AXES[value], mode=theme_mode())

    def controls() -> None:
        control.draw()
        WORTH.draw()

    chart_card(card, figure, drawn, controls=controls)


@alone
def _ranking(rows: pd.DataFrame, board: pd.DataFrame, place: Place, reference: str) -> None:
    values = _value_control(rows)
    value = values.chosen()
    lead = leaderboard_words.lead_words(
        leaderboards.lead_to_be_told(board), num_rows=len(board), num_seeds=leaderboards.fewest_seeds(board)
    )
    drawn = leaderboards.by_value(rows, value, reference)
    card = Card(
        key="ranking",
        question="Which rows cannot be told apart?",
        caption="Filled: may be the best. On the right the ranks that a row may have. Rows are compared pair by pair: "
        f"their intervals may overlap though they are told apart. {lead}",
        definition=_definition(place),
        alt="A mark with its interval for each method and constraint, the largest at the top.",
    )
    if drawn.empty:
        _ = values.draw()
        empty_card(card, f"None of these rows has a value of this kind: {VALUE_TITLES[value].lower()}.")
        return
    figure = charts.ranking(
        drawn,
        value_title=AXES[value],
        interval_name=f"{VALUE_TITLES[value].lower()}, {_spread(drawn, value)}",
        reference=reference,
        reference_name=_labels(board)[reference],
        is_difference=value == "difference",
        mode=theme_mode(),
    )
    chart_card(card, figure, drawn, controls=values.draw)


def _spread(drawn: pd.DataFrame, value: str) -> str:
    if value == "percentile":
        return "95 % limits over chips"
    if value == "raced":
        return "95 % limits over the chips that were raced"
    if value == "worst_case":
        return "95 % interval over seeds"
    return sentences.spread_words(drawn)


@alone
def _against_sigma_d(key: str, place: Place, board: pd.DataFrame, stamp: str) -> None:
    labels = _labels(board)
    rows = Choices(
        key=address.BOARD_ROWS,
        label="Rows",
        options=labels,
        default=leaderboards.in_picture(board),
        kind="list",
        help="The rows that are drawn.",
    )
    curves = leaderboards.curves(key, rows.chosen(), stamp)
    published = leaderboards.published(curves) if not place.has_schemes and _wants_published() else None
    hollow = (
        f" {sentences.published_words(published, leaderboards.images_words(board))}" if published is not None else ""
    )
    card = Card(
        key="board_accuracy",
        question="How does accuracy fall with device variation?",
        caption=f"{_what_is_a_point(place)}{hollow}",
        definition=_definition(place),
        alt="Accuracy over device variation of the chosen rows, with 95 % intervals.",
    )
    if curves.empty:
        _ = rows.draw()
        empty_card(card, "No row is chosen.")
        return
    figure = charts.accuracy_vs_sigma_d(
        curves,
        slice_sigma_d=None,
        chance=leaderboards.chance(key, stamp),
        interval_name=f"mean, {sentences.spread_words(curves)}",
        connect=True,
        published=published,
        published_name=leaderboards.published_name(),
        mode=theme_mode(),
    )
    chart_card(card, figure, curves, controls=rows.draw)


def _definition(place: Place) -> str:
    return SCHEMES_DEFINITION if place.has_schemes else DEFINITION


def _what_is_a_point(place: Place) -> str:
    if place.has_schemes:
        return f"Every line is one training per seed, tried at each {sentences.SIGMA_D}."
    return f"Every point is a network of its own, trained for the {sentences.SIGMA_D} at which it stands."


def _wants_published() -> bool:
    with st.sidebar:
        return st.toggle(
            "Published figures",
            value=False,
            key=address.PUBLISHED_SETTINGS,
            help="The paper's figures as hollow marks, where it has the same method: another network, other data.",
            bind="query-params",
            persist_state="session",
        )


page()
