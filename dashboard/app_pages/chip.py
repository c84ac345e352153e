"""One chip of an evaluation, opened: where it stands, how its weights miss, which images it flips."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import address, charts
from dashboard.data import opened_chips, races, restorable
from dashboard.data.opened_chips import BY_NUMBER, PERCENTILES, RACED, ChipReport, Unit
from dashboard.data.stored import RunRecord, look
from dashboard.pages import Page
from dashboard.widgets.changed_images import changed_images
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control, Number, sigma_d_control
from dashboard.widgets.following import first_sigma_d, look_at_sigma_d
from dashboard.widgets.guards import alone, stop_without_runs
from dashboard.widgets.network_picker import layer_control, pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.race_card import Raced, ToRace, pick_raced, race_for, still_in_card, tail_card
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import chip_words, percentile_words, race_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import NeftError
from neft.sigma_d import sigma_d_text

CHIP = Control(
    key=address.CHIP,
    label="Chip",
    options=PERCENTILES | {RACED: "The worst of very many", BY_NUMBER: "By its number"},
    default="1",
    kind="list",
    stays=True,
    help="Of the stored chips at this device variation, in order of accuracy: the p-th percentile of C chips is the "
    "one of rank p·C/100, rounded up, from the worst. The worst of many more chips are raced for.",
)
UNIT = Control(
    key=address.ERROR_UNIT,
    label="Deviations over",
    options={"w_max": "w_max", "rms": "RMS"},
    once={"RMS weight": "rms"},
    help="The layer's largest weight, or its typical one (RMS).",
)
UNIT_TITLES: dict[str, str] = {"w_max": "w<sub>max</sub>", "rms": "RMS weight"}
RANK_DEFINITION = r"""
**Chips in order.** Each dot is a stored chip: one sampled set of all device errors, tried on every test image. The
stair says which share of the $C$ chips keeps at most that accuracy.

**The $p$-th percentile chip** is the one of rank $\lceil p\,C/100 \rceil$ from the worst, at least 1 (nearest rank), so
that it is a chip there is; of equal ones the lower number comes first. With 100 chips the 1st percentile is the worst
one. Summaries elsewhere interpolate between two neighbours. What these chips say of the percentile of *all* chips has
limits: those of the binomial number of chips below it ([David2003], section 7.1).

The grey band is the 95 % interval of the mean over these chips.
"""
LAYER_DEFINITION = r"""
**Asked** is what the device model says: $\mathrm{std}(W_p - W_d) / (\sigma_d w_{max})$ over the layer's codes
([Qin2025], Eq. 5). **Sampled** is the RMS over this very chip's weights. A layer of $n$ weights lies
off by about $1/\sqrt{2n}$ of it: small layers have luck, large ones do not.
"""
MAP_DEFINITION = r"""
**The deviation $W_p - W_d$** of each weight of the layer on this chip ([Qin2025], Eq. 5),
made again from the run's chip seed; a row is an output, a column an input (of a convolution: an input channel and a
place of the kernel). Weights as trained, before BatchNorm is folded.

Layers with more than 64 outputs or 256 inputs are summed up: a cell is then the RMS deviation
$\sqrt{\frac{1}{n}\sum (W_p - W_d)^2}$ of a block of $n$ weights, and has no sign.
"""
CONFUSION_DEFINITION = """
**Confusion that the chip adds**: its confusion matrix minus that of the same network without variation, in test
images. Rows add up to zero: every image that leaves a cell turns up in another of its row.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    st.title("What went wrong on this chip?")
    runs = [record for record in restorable.candidates() if opened_chips.tried_sigma_ds(record)]
    if not runs:
        say_no_weights("Opening a chip")
        return
    with st.sidebar:
        record = pick_network(runs)
        sigma_d = _pick_sigma_d(record)
    try:
        with st.sidebar:
            opened = _pick_chip(record, sigma_d)
        if isinstance(opened, ToRace):
            race_for(record, sigma_d, opened)
            return
        report = _report(record, sigma_d, opened)
    except NeftError as error:
        say_why_not(error)
        return
    _finding(report, opened)
    raced = opened.raced
    if raced is None:
        _to_the_race()
        _side_by_side(lambda: _ranks(record, report), lambda: _layers(record, report))
    else:
        _side_by_side(lambda: tail_card(record, raced, report), lambda: still_in_card(record, raced, report))
    changed_images(record, report)
    _side_by_side(lambda: _confusion(record, report), lambda: _map(record, report))
    if raced is not None:
        _layers(record, report)
    _onward(record, report)


@dataclass(frozen=True)
class Opened:
    """The chip that is asked for."""

    instance: int
    name: str = ""
    """What it is called; nothing where its number was asked for, or its rank in a race."""
    raced: Raced | None = None
    """Of one of very many: their race."""


def _side_by_side(draw_left: Callable[[], None], draw_right: Callable[[], None]) -> None:
    left, right = st.columns(2)
    with left:
        draw_left()
    with right:
        draw_right()


def _report(record: RunRecord, sigma_d: float, opened: Opened) -> ChipReport:
    if opened.raced is None:
        return opened_chips.report(record, sigma_d, opened.instance)
    return opened_chips.raced_report(record, opened.raced.race, opened.instance)


def _to_the_race() -> None:
    """To the worst of many more chips than the run's evaluation tried."""

    def go() -> None:
        st.session_state[address.CHIP] = RACED

    st.button(
        f"Open the {race_words.count_title(races.NUM_INSTANCES).lower()}",
        key="to_the_race",
        icon=":material/flag:",
        on_click=go,
        help="Where they were raced; otherwise it is offered.",
    )


def _onward(record: RunRecord, report: ChipReport) -> None:
    """To the votes of a hundred chips on the image that this one is surest of among those it flips."""
    first = int(report.flipped[columns.IMAGE].iloc[0]) if len(report.flipped) else 0
    page_link(
        Page.VOTES,
        f"What do a hundred chips say of {report.called.one} {first}?",
        query_params={
            address.RUNS: record.id,
            address.IMAGE: str(first),
            address.VOTE_SIGMA_D: sigma_d_text(opened_chips.nearest_stop(report.sigma_d)),
        },
    )


def _pick_sigma_d(record: RunRecord) -> float:
    tried = opened_chips.tried_sigma_ds(record)
    control = sigma_d_control(
        address.CHIP_SIGMA_D,
        f"Device variation {SIGMA_D}",
        tried,
        near=opened_chips.usual_sigma_d(record, tried),
        begins_near=first_sigma_d(),
        stays=False,
        help="Where the run's evaluation tried chips: std of a device's error over its maximal conductance.",
    )
    sigma_d = float(control.draw())
    look_at_sigma_d(sigma_d)
    return sigma_d


def _pick_chip(record: RunRecord, sigma_d: float) -> Opened | ToRace:
    """The chip; of very many, that they are to be raced first, where they were not."""
    chosen = CHIP.draw()
    if chosen == RACED:
        raced = pick_raced(record, sigma_d)
        if isinstance(raced, ToRace):
            return raced
        _step_buttons(raced.order, raced.instance, lambda place: {address.RACED_RANK: str(place + 1)})
        return Opened(raced.instance, raced=raced)
    ranked = opened_chips.ranked(record, sigma_d)
    known = ranked[columns.INSTANCE].tolist()

    def by_number(place: int) -> dict[str, object]:
        return {address.CHIP: BY_NUMBER, address.CHIP_NUMBER: known[place]}

    if chosen != BY_NUMBER:
        instance, name = opened_chips.percentile_chip(ranked, float(chosen)), PERCENTILES[chosen]
        _step_buttons(known, instance, by_number)
        return Opened(instance, name[0].lower() + name[1:].replace(" percentile", "-percentile"))
    number = Number(
        key=address.CHIP_NUMBER,
        label="Number",
        last=max(known),
        stays=True,
        help="Chip 7 is the same draw of devices for every network of equal shape, and at every $\\sigma_d$.",
    )
    instance = number.draw()
    _step_buttons(known, instance, by_number)
    return Opened(instance)


def _step_buttons(order: Sequence[int], instance: int, choose: Callable[[int], Mapping[str, object]]) -> None:
    """To the chips beside this one in the order of accuracy; what the session then holds, by the place in the order."""
    place = order.index(instance)

    def go(to: int) -> None:
        for key, chosen in choose(to).items():
            st.session_state[key] = chosen

    with st.container(horizontal=True):
        st.button(
            "Worse",
            on_click=go,
            args=(place - 1,),
            disabled=place == 0,
            key="worse_chip",
            icon=":material/chevron_left:",
            help="The chip one rank below.",
        )
        st.button(
            "Better",
            on_click=go,
            args=(place + 1,),
            disabled=place == len(order) - 1,
            key="better_chip",
            icon=":material/chevron_right:",
            help="The chip one rank above.",
        )


def _finding(report: ChipReport, opened: Opened) -> None:
    mean = report.mean.iloc[0]
    first = chip_words.chip_finding(
        name=opened.name,
        instance=report.instance,
        rank=report.rank,
        num_chips=len(report.ranked),
        sigma_d=report.sigma_d,
        accuracy=report.accuracy,
        clean=report.clean,
        mean=float(mean[columns.MEAN]),
        ci95=float(mean[columns.CI95]),
        num_images=report.num_images,
        num_ranked=report.num_ranked,
        called=report.called,
    )
    flips = chip_words.flip_words(
        len(report.flipped), len(report.mended), report.commonest, report.class_names, report.called
    )
    st.markdown(f"{first} {flips}")
    race = None if opened.raced is None else opened.raced.race
    if race is not None:
        st.markdown(race_words.finding(race, races.percentile(race), report.called))
    st.caption(
        chip_words.check_words(
            report.accuracy,
            report.stored_accuracy,
            num_right=report.num_right,
            num_images=report.num_images,
            off_by=report.off_by,
            called=report.called,
            by="evaluation" if race is None else "race",
        )
    )


@alone
def _ranks(record: RunRecord, report: ChipReport) -> None:
    card = Card(
        key="chip_ranks",
        runs=(record.id,),
        question="Where does it stand?",
        caption=(
            f"Every stored chip at {SIGMA_D} = {sigma_d_text(report.sigma_d)}, worst to best; the ring is this one. A "
            "long foot on the left: chips far worse than most. "
            f"{percentile_words.percentile_of_all_words(opened_chips.percentile(report.ranked, 1, report.sigma_d))}"
        ),
        definition=RANK_DEFINITION,
        alt=f"Chips in order of accuracy; chip {report.instance} has rank {report.rank} of {len(report.ranked)}.",
    )
    figure = charts.chip_ranks(
        report.ranked,
        report.mean,
        instance=report.instance,
        clean=report.clean,
        look=look(record),
        mode=theme_mode(),
    )
    chart_card(card, figure, report.ranked)


@alone
def _layers(record: RunRecord, report: ChipReport) -> None:
    card = Card(
        key="chip_layers",
        runs=(record.id,),
        question="How far does each layer miss?",
        caption="Rings: asked by the device model; dots: this chip. Only small layers stray from their rings.",
        definition=LAYER_DEFINITION,
        alt=f"Asked and realised spread of the deviations of {len(report.layers)} layers on this chip.",
    )
    chart_card(card, charts.layer_std(report.layers, mode=theme_mode()), report.layers)


@alone
def _map(record: RunRecord, report: ChipReport) -> None:
    layers = [str(layer) for layer in report.layers[columns.LAYER]]
    which = layer_control(layers)
    layer = which.chosen()
    unit: Unit = "rms" if UNIT.chosen() == "rms" else "w_max"
    found = opened_chips.error_map(record, layer=layer, instance=report.instance, sigma_d=report.sigma_d, unit=unit)
    rows, inputs = found.block
    told = (
        "Each cell is one weight: blue ones came out too low, orange ones too high"
        if found.is_signed
        else f"Each cell is the RMS of {rows} × {inputs} weights"
    )
    card = Card(
        key="error_map",
        runs=(record.id,),
        question="Where do its weights miss?",
        caption=f"{told}. With devices that miss alike in every level there is no pattern; otherwise the weights show.",
        definition=MAP_DEFINITION,
        alt=f"Deviations of the weights of {layer} on chip {report.instance} as an image.",
    )
    figure = charts.weight_errors(found.cells, signed=found.is_signed, unit=UNIT_TITLES[unit], mode=theme_mode())
    chart_card(card, figure, found.cells, controls=lambda: _pick_layer(which))


def _pick_layer(which: Control) -> None:
    with st.container(horizontal=True):
        which.draw()
        UNIT.draw()


@alone
def _confusion(record: RunRecord, report: ChipReport) -> None:
    gained = report.confusion[report.confusion[columns.DIFFERENCE] > 0]
    moved, many = int(gained[columns.DIFFERENCE].sum()), report.called.many
    card = Card(
        key="confusion",
        runs=(record.id,),
        question="Which confusion does it add?",
        caption=(
            f"{many.capitalize()} more (orange) or fewer (blue) than without variation; {moved:,} {many} moved on "
            "balance. A column that fills up is a class that the chip says too often."
        ),
        definition=CONFUSION_DEFINITION,
        alt=f"Confusion matrix of chip {report.instance} minus that of the network without variation.",
    )
    figure = charts.confusion_change(report.confusion, class_names=report.class_names, of=many, mode=theme_mode())
    chart_card(card, figure, report.confusion)


page()
