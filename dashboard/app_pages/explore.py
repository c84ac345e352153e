"""The landing page: four views of one selection, side by side."""

import pandas as pd
import streamlit as st

from dashboard import charts, data, sentences, state
from dashboard.sentences import SIGMA_D
from dashboard.state import Selection, sigma_text
from dashboard.widgets.chart_card import Card, chart_card, chosen_control, empty_card
from dashboard.widgets.guards import show_problems, stop_without_runs
from dashboard.widgets.run_picker import pick_runs
from dashboard.widgets.theme_mode import theme_mode
from neft import columns
from neft.experiments import CONTROL

UNITS = {"rms": "the layer's RMS weight", "w_max": "the layer's largest weight"}

ACCURACY_DEFINITION = r"""
**Accuracy against device variation.** Every chip is the trained network with its weights programmed into devices that
miss:

$$W_p = W_d + \frac{w_{max}}{2^M-1}\sum_j \Delta g_j\,2^{jK},\qquad
\Delta g_j \sim \mathcal N\big(0,\ \sigma_d\,(2^K-1)\big)$$

(NeFT, Eq. 4 and 5; $\sigma_d$ is relative to a device's maximal conductance). Chip 7 is the same chip for every
method.

*Matched*: every point is a network trained at that $\sigma_d$, as in the papers. *Fixed*: one network over all
$\sigma_d$.

*Published figures* (chosen in the sidebar) are the NeFT authors' measurements, digitised from the accuracy figure in
their public repository (January 2025; IEEE TCAD, doi 10.1109/TCAD.2025.3591409). The figure names no device, RRAM1 is
assumed, and its CorrectNet has no compensation layers. Compare the order of the methods and the gaps, not point with
point.

The interval counts seeds and chips both as random (two-way random effects, each mean square with the t of its own
degrees of freedom).
"""
EKL_DEFINITION = r"""
**Expected KL divergence**, in nats: $\mathrm{KL}(\text{one-hot}\,\|\,\text{softmax}) = -\ln p_y$, averaged over the
images a chip gets *right* (NeFT section 4.2). One value per chip; the curve is the share of chips below a value.

Only correct predictions count, and a network trained at a higher temperature has larger logits when it is deployed
without one: a low EKL alone is no proof of a better network. Read it beside the accuracy.
"""
DECAY_DEFINITION = r"""
**Decay factors.** Feedback training minimises

$$\mathrm{CE}\Big(\big(O - \beta\textstyle\sum_{n=1}^{N}\gamma_n\,\mathrm{Out}_n\big)/(N+1),\ y\Big)$$

(NeFT section 3). Paper: $\gamma_n = 10^{\,n-N}$ for OVF, $10^{\,1-n}$ for IRS; *reversed* swaps the order; *constant*
is $\gamma_n = 1$ (our reconstruction). N also sets the temperature N+1, so the number of terms and the temperature move
together.
The band is noise injection at temperature 4, the control without any feedback for N = 3.
"""
DEVIATION_DEFINITION = r"""
**Weight deviations.** Sampled $W_p - W_d$ of eight chips, layer by layer, with the closed form as a dashed line. For
RRAM1 with 8-bit weights on 2-bit devices, $\mathrm{std}(W_p-W_d) = 0.7776\,\sigma_d\,w_{max}$.

Over the *largest* weight all methods meet the same law. Over the *RMS* weight one sees what training changes: a
deviation of 1 is as large as a typical weight.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    selection = pick_runs()
    st.title("How does accuracy survive device variation?")
    if not selection.variants:
        st.info(
            f"Choose at least one method in the sidebar. Runs that were tried at fewer than three {SIGMA_D} are no "
            "curves; they stand with their experiment.",
            icon=":material/touch_app:",
        )
        st.page_link("app_pages/experiments.py", label="Experiments", icon=":material/science:")
        return
    stamp = data.fingerprint()
    rows = data.at_slice(selection.run_ids, selection.protocol, selection.train_sigma_d, selection.sigma_d, stamp)
    _headline(selection, rows)
    left, right = st.columns(2)
    with left:
        _accuracy(selection, stamp)
    with right:
        _ekl(selection, rows)
    left, right = st.columns(2)
    with left:
        _decay(selection, stamp)
    with right:
        _deviations(selection, stamp)
    show_problems()


def _headline(selection: Selection, rows: pd.DataFrame) -> None:
    if rows.empty:
        st.info(
            f"None of the chosen networks was trained at {SIGMA_D} = {sigma_text(selection.sigma_d)}. "
            "Move the slice, or read with fixed networks.",
            icon=":material/touch_app:",
        )
        return
    differences = data.differences(rows, CONTROL)
    fair = differences[columns.VARIANT].isin(data.comparable_variants(selection.run_ids))
    feedback = differences[differences[columns.METHOD].isin(["ovf", "irs"]) & fair]
    means = data.means(rows)
    labels = dict(zip(means[columns.VARIANT], means[columns.LABEL], strict=True))
    st.markdown(sentences.finding(selection, means, feedback, labels.get(CONTROL)))


def _accuracy(selection: Selection, stamp: str) -> None:
    curves = data.curves(selection.run_ids, columns.ACCURACY, selection.protocol, selection.train_sigma_d, stamp)
    published = data.published_accuracy(selection.published, selection.variants)
    spread = sentences.spread_words(curves)
    beside = "" if published.empty else f" Hollow marks are published for {selection.published_label}."
    card = Card(
        key="accuracy",
        question="How fast does accuracy fall?",
        caption=f"{_accuracy_caption(selection, curves)} {sentences.published_words(published)}".strip(),
        definition=ACCURACY_DEFINITION,
        alt=f"Accuracy against device variation for {len(selection.variants)} methods, {spread}.{beside}",
    )
    if curves.empty:
        empty_card(card, "No chips for this selection.")
        return
    figure = charts.accuracy_vs_sigma_d(
        curves,
        slice_sigma_d=selection.sigma_d,
        chance=1 / selection.num_classes,
        interval_name=f"mean, {spread}",
        connect=True,
        published=published,
        published_name=f"hollow: published, {selection.published_label}",
        mode=theme_mode(),
    )
    chart_card(card, figure, curves)


def _accuracy_caption(selection: Selection, curves: pd.DataFrame) -> str:
    if selection.protocol == "matched":
        return (
            f"Every point of a method is a network trained at that device variation {SIGMA_D}; training without noise "
            "is one network. Look at where the lines part."
        )
    trained = f"{SIGMA_D} = {sigma_text(selection.train_sigma_d or 0)}"
    start = f"One network a seed, trained at {trained}, tried at every {SIGMA_D}."
    has_batchnorm = not selection.backbone.startswith("mlp")
    comparable = curves[curves[columns.VARIANT].isin(data.comparable_variants(selection.run_ids))]
    clean = sentences.clean_words(data.clean_means(comparable), has_batchnorm=has_batchnorm)
    return f"{start} {clean}".strip()


def _ekl(selection: Selection, rows: pd.DataFrame) -> None:
    means = data.means(rows, columns.EKL) if not rows.empty else rows
    spread = "every seed and chip is one value"
    card = Card(
        key="ekl",
        question="How sure are the right answers?",
        caption=(
            f"EKL of correct predictions at {SIGMA_D} = {sigma_text(selection.sigma_d)}; further left is surer. "
            f"{_ekl_words(means)}"
        ),
        definition=EKL_DEFINITION,
        alt="Distribution of the expected KL divergence over chips, by method.",
    )
    if rows.empty:
        empty_card(card, f"No chips at this {SIGMA_D}.")
        return
    figure = charts.ekl_distribution(data.quantiles(rows, columns.EKL), interval_name=spread, mode=theme_mode())
    chart_card(card, figure, rows[[columns.VARIANT, columns.SEED, columns.INSTANCE, columns.EKL, columns.ACCURACY]])


def _ekl_words(means: pd.DataFrame) -> str:
    if means.empty:
        return ""
    each = ", ".join(f"{row[columns.LABEL]} {row[columns.MEAN]:.3f}" for row in means.to_dict("records"))
    return f"Means in nats: {each}."


def _decay(selection: Selection, stamp: str) -> None:
    sigma_d = _ablation_sigma(selection)
    card = Card(
        key="decay",
        question="Do the decay factors matter?",
        caption=(
            f"Trained and tested at {SIGMA_D} = {sigma_text(sigma_d)}. Marks inside the band do no better than the "
            "control, whatever their schedule; N also sets the temperature N+1."
        ),
        definition=DECAY_DEFINITION,
        alt="Accuracy over the number of feedback terms for three decay schedules, beside the control's interval.",
    )
    points = data.decay_points(selection.ablation_ids, sigma_d, stamp) if selection.ablation_ids else pd.DataFrame()
    if points.empty:
        empty_card(
            card,
            "No runs with other decay factors are stored for this selection. Choose OVF or IRS, or train one with "
            "another γ schedule or N.",
        )
        return
    controls = _controls(selection, sigma_d, stamp)
    chart_card(card, charts.decay_ablation(points, controls=controls, mode=theme_mode()), points)


def _ablation_sigma(selection: Selection) -> float:
    """The training sigma_d nearest to the slice at which more than the main runs exist."""
    counts: dict[float, set[str]] = {}
    for record in data.records(selection.ablation_ids):
        counts.setdefault(record.facts.train_sigma_d, set()).add(record.facts.variant)
    most = max((len(variants) for variants in counts.values()), default=0)
    rich = [sigma_d for sigma_d, variants in counts.items() if len(variants) == most]
    return min(rich, key=lambda sigma_d: abs(sigma_d - selection.sigma_d), default=selection.sigma_d)


def _controls(selection: Selection, sigma_d: float, stamp: str) -> pd.DataFrame:
    rows = data.at_slice(selection.run_ids, "matched", None, sigma_d, stamp)
    return data.means(rows[rows[columns.VARIANT] == CONTROL])


def _deviations(selection: Selection, stamp: str) -> None:
    run_ids = _one_run_each(selection)
    ratios = data.deviation_ratios(run_ids, selection.sigma_d, stamp) if run_ids else pd.DataFrame()
    card = Card(
        key="deviations",
        question="How far do the weights miss?",
        caption=(
            f"One network a method (its lowest seed) at {SIGMA_D} = {sigma_text(selection.sigma_d)}; dashed is the "
            f"closed form. {sentences.deviation_words(ratios)}"
        ),
        definition=DEVIATION_DEFINITION,
        alt="Histograms of weight deviations, one panel per layer, with the closed form.",
    )
    if not run_ids or selection.sigma_d == 0:
        reason = f"At {SIGMA_D} = 0 nothing misses." if run_ids else f"No network was trained at this {SIGMA_D}."
        empty_card(card, reason)
        return
    unit = chosen_control(state.UNIT, UNITS)
    frame = data.deviations(run_ids, selection.sigma_d, unit, stamp)
    if frame.empty:
        empty_card(card, "The stored deviations of these runs cannot be read.")
        return
    figure = charts.weight_deviations(frame, x_title=f"deviation over {UNITS[unit]}", mode=theme_mode())
    chart_card(card, figure, frame, controls=_pick_unit)


def _pick_unit() -> None:
    _ = st.segmented_control(
        "Deviations over",
        list(UNITS),
        format_func=UNITS.__getitem__,
        default="rms",
        required=True,
        key=state.UNIT,
        bind="query-params",
    )


def _one_run_each(selection: Selection) -> tuple[str, ...]:
    """Per method the run of the lowest seed, trained at the slice (matched) or at the chosen sigma_d (fixed)."""
    at = selection.sigma_d if selection.protocol == "matched" else selection.train_sigma_d
    found: dict[str, tuple[int, str]] = {}
    for record in data.named_records(selection.run_ids):
        facts = record.facts
        fits = facts.method == "vanilla" or (at is not None and abs(facts.train_sigma_d - at) < state.CLOSE)
        if fits and (facts.variant not in found or facts.seed < found[facts.variant][0]):
            found[facts.variant] = (facts.seed, record.id)
    return tuple(run_id for _, run_id in found.values())


page()
