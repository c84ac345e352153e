"""The lessons that stand on the comparison of methods: charts and answers held against the stored files."""

from collections.abc import Callable
from math import isnan

from streamlit.testing.v1 import AppTest

from tests.dashboard.driver import words
from tests.dashboard.read_back import SIGMA_DS, Files, assert_says, has_values, named, near, percent, points, traces
from tests.dashboard.read_claims import contrasts, effects
from tests.dashboard.read_series import (
    AT,
    CONTROL,
    LABELS,
    chips_are_counted,
    of,
    shown,
    trained_at,
)
from tests.independent.naive import statistics
from tests.independent.naive.mapping import Plan
from tests.independent.naive.statistics import crossed, limits, paired, quantile, student, welch

LAST = SIGMA_DS[-1]
PREDICTED = "what the reader predicted"
LIVE = "drawn anew while the page is open"
UNREAD_IN_LESSONS = {
    "your prediction": PREDICTED,
    "Programmed levels of one weight": LIVE,
    "Histogram of one programmed weight": LIVE,
    "Share of the weight's variance by device.: sampled chips": LIVE,
    "Accuracy with variation in one layer": LIVE,
    "level asked of a device": "one weight's levels, which the worksheet's answer tells",
}
"""Of charts, and why."""


def curve_is_drawn(
    app: AppTest, alt: str, files: Files, *labels: str, metric: str = "accuracy", scale: float = 100, index: int = 0
) -> None:
    """Means and half-widths over seeds and chips, each trained at what it meets or without noise."""
    for label in labels:
        drawn = points(app, alt, label, index=index)
        assert set(SIGMA_DS) <= set(drawn), (alt, label)
        for sigma_d, found in drawn.items():
            expected = crossed(of(files, label, sigma_d, metric))
            assert found == near([scale * expected.mean, scale * expected.half])


def ratio_of(files: Files, label: str) -> float:
    """A typical deviation over a typical weight, the mean over layers of the lowest seed."""
    layers = files.csv(trained_at(files, label, AT)[0], "layers.csv")
    return statistics.mean([float(one) for one in AT * layers["realised_std"] * layers["w_max"] / layers["rms_weight"]])


def device_variation(app: AppTest, files: Files) -> None:
    """In closed form: variances of independent devices add, each with its significance squared."""
    del files
    steps = [step**2 for step in Plan().significance]
    shares = [100 * step / sum(steps) for step in steps]
    closed = named(app, "Share of the weight's variance", "closed form")
    assert sorted(closed["x"]) == near(sorted(shares))
    said = words(app)
    assert f"It adds {max(shares):.2f} % in closed form" in said
    assert f"every weight misses by {100 * AT * Plan().factor:.1f} % of the layer's *largest* weight" in said


def networks_break(app: AppTest, files: Files) -> None:
    """What becomes of a network that never met a deviation."""
    curve_is_drawn(app, "Accuracy of the network trained without", files, "Vanilla")
    run_id = trained_at(files, "Vanilla", AT)[0]
    values, layers, bins = files.chips(run_id, AT), files.csv(run_id, "layers.csv"), None
    chips_are_counted(app, "Histogram of chips by accuracy, one network", values)
    mean = statistics.mean(values)
    assert named(app, "Histogram of chips", f"mean {100 * mean:.1f} %")["x"] == near([100 * mean] * 2)
    bins = files.csv(run_id, "deviations.csv.gz")
    names = [str(name) for name in layers["layer"]]
    some = [names[0], names[len(names) // 2], names[-1]]
    drawn = [one for one in traces(app, "Histograms of weight deviations") if has_values(one)]
    for kind, column in (("closed form", "closed_form_density"), ("Vanilla", "density")):
        lines = [one for one in drawn if one.get("name") == kind]
        assert len(lines) == len(some)
        for line, name in zip(lines, some, strict=True):
            layer = layers[layers["layer"] == name].iloc[0]
            rows, factor = bins[bins["layer"] == name], AT * layer["w_max"] / layer["rms_weight"]
            assert line["x"] == near([float(v) * factor for v in (rows["bin_left"] + rows["bin_right"]) / 2])
            assert line["y"] == near([float(v) / factor for v in rows[column]])
    said, clean, tried = words(app), crossed(of(files, "Vanilla", 0.0)), crossed(of(files, "Vanilla", AT))
    assert f"The chips keep **{shown(tried)} %**" in said
    assert f"right on **{100 * clean.mean:.1f} %** of" in said
    share = 100 * ratio_of(files, "Vanilla")
    assert f"A deviation of {share:.0f} % of a typical weight takes accuracy from {100 * clean.mean:.1f} %" in said
    assert f"the worst keeps {100 * min(values):.1f} %, the best {100 * max(values):.1f} %" in said
    assert f"{files.records[run_id]['summary']['num_devices']:,} devices" in said


def noise_injection(app: AppTest, files: Files) -> None:
    """What it brings where it is tried, and costs on perfect devices."""
    curve_is_drawn(app, "Accuracy against device variation of training with", files, "Vanilla", "Noise injection")
    alt = "Accuracy against device variation of networks trained at"
    for at in SIGMA_DS:
        ids = trained_at(files, "Noise injection", at)
        for sigma_d, found in points(app, alt, f"at {at:g}").items():
            assert found == near(percent(crossed(files.table(ids, sigma_d))))
    for sigma_d, found in points(app, alt, "without noise").items():
        assert found == near(percent(crossed(of(files, "Vanilla", sigma_d))))
    rings = named(app, alt, "matched")
    assert rings["y"] == near([100 * crossed(of(files, "Noise injection", at)).mean for at in rings["x"]])
    said = words(app)
    clean = {at: files.table(trained_at(files, "Noise injection", at), 0.0) for at in SIGMA_DS}
    vanilla = of(files, "Vanilla", 0.0)
    cost = paired(vanilla, clean[LAST])
    assert f"It keeps **{shown(crossed(clean[LAST]))} %**: {100 * cost.mean:.1f} ± {100 * cost.half:.1f} points" in said
    each = ", ".join(f"{at:g}: {shown(crossed(values))} %" for at, values in clean.items())
    assert f"without noise {shown(crossed(vanilla))} %; {each}." in said
    kept, gained = (crossed(of(files, label, LAST)) for label in ("Vanilla", "Noise injection"))
    assert f"**{shown(kept)} %** without, **{shown(gained)} %** with" in said


def feedback(app: AppTest, files: Files) -> None:
    """Paired differences to noise injection, of feedback and then of its control too."""
    alt = "Paired differences in accuracy to noise injection"
    for index, labels in enumerate((("OVF", "IRS"), (CONTROL, "OVF", "IRS"))):
        for label in labels:
            for sigma_d, found in points(app, alt, label, index=index).items():
                expected = paired(of(files, label, sigma_d), of(files, "Noise injection", sigma_d))
                assert found == near(percent(expected))
    said, known = words(app), contrasts()
    at = "noise injection at the same temperature (N + 1 = 4), without feedback."
    for claim, before in (
        ("IRS is more accurate than noise injection.", "IRS gains **{} points**"),
        (f"IRS is more accurate than {at}", "IRS is **{} points** from the control"),
        (f"OVF is more accurate than {at}", "OVF **{}**"),
    ):
        mean = crossed(effects(files, known[claim]))
        ends = (mean.mean, mean.mean - mean.half, mean.mean + mean.half)
        estimate, low, high = (f"{100 * end:+.1f}".replace("-", "−") for end in ends)
        assert before.format(f"{estimate} ({low} to {high})") in said


def certainty(app: AppTest, files: Files) -> None:
    """EKL as deployed and calibrated, and what it is where few are right."""
    curve_is_drawn(app, "Accuracy against device variation of training with", files, "Vanilla", "Noise injection")
    for alt, metric in (("What does EKL say?", "ekl"), ("And with the scale taken out?", "calibrated_ekl")):
        for label in LABELS:
            drawn = points(app, alt, label)
            for sigma_d in SIGMA_DS:
                assert drawn[sigma_d] == near(list(crossed(of(files, label, sigma_d, metric))))
    said = words(app)

    def ekl(label: str, sigma_d: float, metric: str = "ekl") -> float:
        return crossed(of(files, label, sigma_d, metric)).mean

    assert f"It goes from **{ekl('Vanilla', AT):.3f}** to **{ekl('Vanilla', LAST):.3f} nats**" in said
    falls = [100 * crossed(of(files, "Vanilla", at)).mean for at in (AT, LAST)]
    assert f"falls from {falls[0]:.1f} % to {falls[1]:.1f} % right" in said
    assert f"IRS has {ekl('IRS', AT):.4f} nats" in said
    assert f"the control, without feedback, has {ekl(CONTROL, AT):.4f}." in said
    for metric, before in (
        ("ekl", "nats, {:.1f} times less"),
        ("calibrated_ekl", "Noise injection over IRS is now {:.1f},"),
    ):
        ratio = ekl("Noise injection", AT, metric) / ekl("IRS", AT, metric)
        assert before.format(ratio) in said
    assert f"noise is told: {ekl('Vanilla', LAST, 'calibrated_ekl'):.2f} nats" in said


def unlucky_chip(app: AppTest, files: Files) -> None:
    """One training's mean and low percentiles, and the control's difference by pairs."""
    ids = (trained_at(files, "Noise injection", LAST)[0], trained_at(files, CONTROL, LAST)[0])
    ours, control = (files.chips(run_id, LAST) for run_id in ids)
    said, mean, first = words(app), student(ours), quantile(ours, 0.01)
    upper = limits(ours, 0.01)[1]

    assert f"**{len(ours)} chips** of that" in said
    assert f"**{100 * mean.mean:.1f} ± {100 * mean.half:.1f} %**" in said
    assert (
        f"These chips put it at **{100 * first:.1f} %**, {100 * (mean.mean - first):.1f} points below the mean" in said
    )
    assert f"and it may be as high as {100 * upper:.1f} %" in said
    difference, apart = paired([control], [ours]), welch(control, ours)
    assert f"On these {len(ours)} chips the control is {100 * difference.mean:+.1f} points" in said
    assert f"± {100 * difference.half:.2f} taken chip by chip and ± {100 * apart:.2f} had either" in said
    alt = "Histogram of one network's chips"
    chips_are_counted(app, alt, ours)
    for name, value in (("mean", mean.mean), ("5th percentile", quantile(ours, 0.05)), ("1st percentile", first)):
        assert named(app, alt, f"{name} {100 * value:.1f} %")["x"] == near([100 * value] * 2)
    alt = "The mean with its interval"
    counts = named(app, alt, "mean")["x"]
    of_first = [ours[: int(count)] for count in counts]
    assert counts[-1] == len(ours)
    assert named(app, alt, "mean")["y"] == near([100 * statistics.mean(one) for one in of_first])
    assert named(app, alt, "1st percentile")["y"] == near([100 * quantile(one, 0.01) for one in of_first])
    bands = [one for one in traces(app, alt) if one.get("fill") == "toself"]
    half = [100 * student(one).half for one in of_first]
    assert bands[0]["y"][: len(counts)] == near(
        [100 * statistics.mean(one) + h for one, h in zip(of_first, half, strict=True)]
    )
    assert_says(said, *(100 * v for v in (mean.mean, first) if not isnan(v)))


LESSONS_READ: dict[str, Callable[[AppTest, Files], None]] = {
    "Device variation": device_variation,
    "Networks break": networks_break,
    "Noise injection": noise_injection,
    "Feedback": feedback,
    "EKL": certainty,
    "Unlucky chip": unlucky_chip,
}
"""By the lesson's name; of the others, which stand on experiments of their own, `test_lessons` reads the answers."""
