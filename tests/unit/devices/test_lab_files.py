"""Files as laboratories and simulators write them: every layout read, every unit converted, nothing lost in silence."""

import contextlib
import gzip
import time
from collections.abc import Callable
from math import log10, sqrt
from typing import Any

import numpy as np
import pytest

from neft import columns
from neft.config import RunConfig
from neft.devices.lab_files import patterns
from neft.devices.lab_files.decoding import MAX_BYTES
from neft.devices.lab_files.examples import EXAMPLES, true_stds
from neft.devices.lab_files.headers import MAX_COLUMNS
from neft.devices.lab_files.tables import read_table
from neft.devices.measurements import FileOptions, MeasuredLevels, device_of, read_measurements
from neft.devices.spreads import scaled
from neft.errors import ConfigError
from neft.options import make_config

TARGETS = np.array([8.0, 20.0, 32.0, 44.0])
"""In µS."""
STDS = np.array([0.4, 1.2, 1.6, 0.8])
COUNT = 400


def drawn(*, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Each row's level and conductance in µS, levels in turn."""
    levels = np.tile(np.arange(4), COUNT)
    return levels, np.random.default_rng(seed).normal(TARGETS[levels], STDS[levels])


def read(text: str | bytes, *, g_max: float | None = None, **options: Any) -> MeasuredLevels:
    content = text.encode() if isinstance(text, str) else text
    return read_measurements(content, g_max=g_max, options=FileOptions(**options))


def stds(found: MeasuredLevels) -> list[float]:
    return found.levels[columns.STD].tolist()


def assert_drawn(found: MeasuredLevels) -> None:
    """Five standard errors, std / sqrt(2 n), and half a per cent for what a mildly curved conversion adds."""
    want = STDS / 44
    assert np.all(np.abs(np.array(stds(found)) - want) < 5 * want / sqrt(2 * COUNT) + 0.005 * want)


def rows(head: str, cells: Callable[[int, float], str]) -> str:
    levels, reads = drawn()
    return "\n".join([*([head] if head else []), *map(cells, levels.tolist(), reads.tolist())]) + "\n"


# ---------------------------------------------------------------- layouts
LAYOUTS = {
    "level, target, measured": rows("level,target,measured", lambda n, g: f"{n},{TARGETS[n]},{g}"),
    "levels numbered from 1": rows("level,target,measured", lambda n, g: f"{n + 1},{TARGETS[n]},{g}"),
    "levels by resistance": rows("level,target,measured", lambda n, g: f"{3 - n},{TARGETS[n]},{g}"),
    "states by name": rows("state,target,measured", lambda n, g: f"{['HRS', 'A', 'B', 'LRS'][n]},{TARGETS[n]},{g}"),
    "target alone": rows("target;measured", lambda n, g: f"{TARGETS[n]};{g}".replace(".", ",")),
    "comment header": rows("# level,target,measured", lambda n, g: f"{n},{TARGETS[n]},{g}"),
    "blanks": rows("# level target measured", lambda n, g: f"{n}   {TARGETS[n]} {g}"),
    "no header": rows("", lambda n, g: f"{TARGETS[n]}\t{g}"),
    "no header, decimal commas": rows("", lambda n, g: f"{TARGETS[n]} {g}".replace(".", ",")),
    "µS against S": rows("target (µS),measured (S)", lambda n, g: f"{TARGETS[n]},{g * 1e-6}"),
    "nS against mS": rows("target (nS),measured [mS]", lambda n, g: f"{TARGETS[n] * 1e3},{g * 1e-3}"),
    "units in a line below": rows("target,measured\nµS,S", lambda n, g: f"{TARGETS[n]},{g * 1e-6}"),
    "units behind a bar": rows("g_target_uS,g_meas_nS", lambda n, g: f"{TARGETS[n]},{g * 1e3}"),
    "resistances": rows("target (kΩ),measured (Ohm)", lambda n, g: f"{1e3 / TARGETS[n]},{1e6 / g}"),
    "resistances against conductances": rows("target (µS),R_MOhm", lambda n, g: f"{TARGETS[n]},{1 / g}"),
    "currents": rows("target (µS),current (nA at 200 mV)", lambda n, g: f"{TARGETS[n]},{g * 200}"),
    "voltage in the name": rows("target (µS),I @ 0.2V", lambda n, g: f"{TARGETS[n]},{g * 0.2e-6}"),
    "per cent": rows("target (%),measured (%)", lambda n, g: f"{TARGETS[n] / 0.44},{g / 0.44}"),
    "index and last cell empty": rows(",level,target,measured,", lambda n, g: f"0,{n},{TARGETS[n]},{g},"),
    "a column a level": "\n".join(
        [
            "level 0 (µS),level 1 (µS),level 2 (µS),level 3 (µS)",
            *(",".join(map(str, line)) for line in drawn()[1].reshape(-1, 4).tolist()),
        ]
    ),
    "a column a target": "\n".join(
        [
            ",".join(f"{aim:g} µS" for aim in TARGETS),
            *(",".join(map(str, line)) for line in drawn()[1].reshape(-1, 4).tolist()),
        ]
    ),
    "a name of its own with a unit": rows("target (µS),dut7 (µS)", lambda n, g: f"{TARGETS[n]},{g}"),
    "current beside its voltage": rows("Vread (mV),target (µS),I (nA)", lambda n, g: f"200,{TARGETS[n]},{g * 200}"),
    "a window, no header": rows("", lambda n, g: f"7\t{g}\t{TARGETS[n] - 2}\t{TARGETS[n] + 2}"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_device_that_it_was_drawn_from(layout: str) -> None:
    found = read(LAYOUTS[layout])

    assert_drawn(found)
    if found.effects.bias:
        assert (found.levels[columns.BIAS].abs() < 5 * STDS.max() / 44 / sqrt(COUNT)).all()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_micro_is_read_in_every_encoding_and_from_gzip(encoding: str) -> None:
    content = LAYOUTS["µS against S"].encode(encoding)

    assert_drawn(read(content))
    assert_drawn(read(gzip.compress(content, mtime=0)))


def test_one_column_is_read_as_levels_in_turn() -> None:
    found = read(rows("", lambda _, g: f"{1e6 / g}"))

    assert_drawn(found)
    assert any("go through 4 levels in turn" in note for note in found.notes)
    assert any("taken as resistances in Ω" in note for note in found.notes)
    assert found.unit == "µS"


def test_missing_rows_do_not_shift_levels_in_turn() -> None:
    lines = rows("", lambda _, g: f"{1e6 / g}").splitlines()
    kept = np.array(lines)[np.random.default_rng(3).random(len(lines)) > 0.03].tolist()

    found = read("\n".join(kept))

    assert any("Rows are missing" in note for note in found.notes)
    assert np.array(stds(found)) == pytest.approx(STDS / 44, rel=0.2)


def test_readings_side_by_side_are_gathered_by_their_place() -> None:
    levels, reads = drawn()
    codes = np.round(reads).astype(int).reshape(-1, 16)
    text = "\n".join("\t".join([f"{900 + n}", f"{1.7e9 + n}", *map(str, line)]) for n, line in enumerate(codes))

    found = read(text)

    assert found.levels[columns.NUM_MEASUREMENTS].tolist() == [COUNT] * 4
    want = [np.round(reads[levels == level]).std(ddof=1) for level in range(4)]
    assert stds(found) == pytest.approx(np.array(want) / found.g_max)


def test_lists_of_any_length_follow_their_window() -> None:
    found = read("tmin,tmax,\n0,4,2,2,3\n8,12,10,11,9,10\n")

    assert found.levels[columns.NUM_MEASUREMENTS].tolist() == [3, 4]
    # levels aim at 2 and 10; 2, 2, 3 has std 0.57735, 10, 11, 9, 10 has 0.81650
    assert stds(found) == pytest.approx([0.057735, 0.081650], rel=1e-4)
    assert found.levels[columns.BIAS].tolist() == pytest.approx([(7 / 3 - 2) / 10, 0])


def test_columns_of_levels_may_be_of_any_length() -> None:
    found = read("L1,L2\n1,10\n2,11\n1,12\n,13\n2,14\n,15\n")

    # a gap is a cell that failed, an end is none
    assert found.levels[columns.NUM_MEASUREMENTS].tolist() == [4, 6]
    assert found.effects.num_failed == 1


def test_greek_letters_name_columns() -> None:
    found = read("level,μ (µS),σ (µS)\n0,4,0.4\n1,40,2.8\n")

    assert found.roles.columns == {"level": "level", "mean": "μ", "std": "σ"}
    assert stds(found) == pytest.approx([0.01, 0.07])


def test_means_and_stds_of_a_simulator_are_over_its_highest_mean() -> None:
    found = read("\ufeffstates,mean,std\n0,1e-5,1e-7\n1,4e-5,8e-7\n")

    assert stds(found) == pytest.approx([0.0025, 0.02])
    assert found.g_max == pytest.approx(4e-5)


def test_mean_beside_a_target_is_a_bias() -> None:
    found = read("level,target (µS),mean (µS),std (µS)\n0,0,1,0.5\n1,50,48,1\n")

    assert found.levels[columns.BIAS].tolist() == pytest.approx([0.02, -0.04])
    assert found.effects.bias == pytest.approx((0.02, -0.04))


def test_devices_that_never_miss_are_said_to() -> None:
    found = read("states,mean,std\n0,1e-15,0\n1,1e-14,0\n")

    assert (found.sigma_d, found.level_stds) == (0, (1, 1))
    assert any("σ_d = 0: these devices never miss" in note for note in found.notes)


# ---------------------------------------------------------------- units of stds
@pytest.mark.parametrize(
    ("text", "g_max", "want"),
    [
        ("level,std (%)\n0,1\n1,7\n", None, [0.01, 0.07]),
        ("level,std %\n0,1\n1,7\n", None, [0.01, 0.07]),
        ("level,std\n0,1 %\n1,7 %\n", None, [0.01, 0.07]),
        ("level;mean;std\n0;4 µS;0,4 µS\n1;40 µS;2,8 µS\n", None, [0.01, 0.07]),
        ("level,std (‰)\n0,10\n1,70\n", None, [0.01, 0.07]),
        ("level,std (µS)\n0,0.4\n1,2.8\n", 40.0, [0.01, 0.07]),
        ("level,mean (µS),std (nS)\n0,4,400\n1,40,2800\n", None, [0.01, 0.07]),
        ("level,mean (µS),std (%)\n0,4,1\n1,40,7\n", None, [0.01, 0.07]),
        ("level,mean,cv (%)\n0,10,10\n1,100,7\n", None, [0.01, 0.07]),
        # std(g) = std(R) g^2: 250 kΩ ± 25 kΩ is 4 ± 0.4 µS, 25 kΩ ± 1.75 kΩ is 40 ± 2.8 µS
        ("level,mean (kΩ),std (kΩ)\n1,25,1.75\n0,250,25\n", None, [0.01, 0.07]),
    ],
)
def test_stds_are_converted_from_their_unit(text: str, g_max: float | None, want: list[float]) -> None:
    assert stds(read(text, g_max=g_max)) == pytest.approx(want)


def test_g_max_may_be_in_another_unit_than_the_file() -> None:
    assert stds(read("level,std (nS)\n0,400\n1,2800\n", g_max=0.04, g_max_unit="mS")) == pytest.approx([0.01, 0.07])


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("level,std (µS)\n0,0.4\n1,2\n", {}, "give the maximal conductance g_max in the same unit"),
        ("level,std (kΩ)\n0,0.4\n1,2\n", {}, "stds of resistances need a column of means or targets"),
        ("level,std (dB)\n0,0.4\n1,2\n", {}, "Column 'std' has the unit 'dB', which is none that is known"),
        (rows("target (µS),measured (V)", lambda n, g: f"{TARGETS[n]},{g}"), {}, "is in V, which is neither"),
        (rows("target (µS),measured (µA)", lambda n, g: f"{TARGETS[n]},{g}"), {}, "say the read voltage"),
        (rows("target,measured", lambda n, g: f"{TARGETS[n]},{g * 1e-6}"), {}, "in one unit? Say their units"),
        (rows("target,measured", lambda n, g: f"{TARGETS[n]},{1e3 / g}"), {}, "one of them is a resistance"),
        (rows("target (µS),measured (%)", lambda n, g: f"{TARGETS[n]},{g}"), {}, "do not go together"),
        (rows("x,y", lambda n, g: f"{TARGETS[n]},{g}"), {"columns": {"aim": "x"}}, "Unknown role of a column 'aim'."),
        (rows("x,y", lambda n, g: f"{TARGETS[n]},{g}"), {"columns": {"target": "z"}}, "Unknown column 'z'."),
        (rows("target,measured", lambda n, g: f"{TARGETS[n]},{g}"), {"at_time": 1.0}, "no column of times"),
        (rows("target,measured", lambda n, g: f"{TARGETS[n]},{g}"), {"choice": "all"}, "Unknown choice of levels"),
        (rows("target,measured", lambda n, g: f"{TARGETS[n]},{g}"), {"device_bits": 3}, "has 4 levels; a device of K"),
        (rows("level,log10(R)", lambda n, g: f"{n},{6 - log10(g)}"), {}, "looks like logarithms"),
        ("level,std\n0,1 %\n1,7 µS\n", {}, "Line 2, column 'std': must be a number >= 0; got '1 %'."),
        ("level,measured\n0,1\n0,x\n", {}, "Line 3, column 'measured': must be a number, or empty where a cell failed"),
        (gzip.compress(b"level,std\n0,1\n", mtime=0)[:20], {}, "ends too early"),
        (b"PK\x03\x04xxxx", {}, "looks like an Excel workbook"),
        ("<html><body>", {}, "looks like a web page"),
    ],
)
def test_what_cannot_be_told_is_asked_for(text: str | bytes, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text, **options)

    assert sentence in str(caught.value)


def test_small_letters_of_a_conductance_are_no_time() -> None:
    found = read(rows("target (us),measured (us)", lambda n, g: f"{TARGETS[n]},{g}"))

    assert_drawn(found)
    assert any("'µs' is read as µS" in note for note in found.notes)


def test_columns_and_units_can_be_said() -> None:
    text = rows("chip,a,b,c", lambda n, g: f"1,{TARGETS[n]},{1e3 / g},{g * 7}")

    found = read(text, columns={"target": "a", "measured": "3"}, units={"target": "µS", "measured": "kΩ"})

    assert_drawn(found)
    assert found.roles.columns == {"target": "a", "measured": "b"}


# ---------------------------------------------------------------- what else files tell
def test_failed_cells_are_counted_apart() -> None:
    levels, reads = drawn()
    failed = np.arange(len(levels)) % 40 == 3  # all of level 3
    lines = [
        f"{TARGETS[n]},{9e9 if bad else g},{int(not bad)}" for n, g, bad in zip(levels, reads, failed, strict=True)
    ]

    found = read("\n".join(["target,measured,success", *lines]))

    assert_drawn(found)
    assert found.effects.num_failed == failed.sum()
    assert found.effects.failed_shares == pytest.approx((0, 0, 0, failed.sum() / COUNT))
    assert any("chips have none" in note for note in found.notes)


def test_biases_and_failed_cells_are_options_of_an_evaluation() -> None:
    found = read("target,measured\n0,1\n0,2\n10,9\n10,8\n10,nan\n")

    # means 1.5 and 8.5 over 10; one of five failed
    assert found.asked_effects == {"level_bias": (0.15, -0.15), "stuck_low": 0.2}
    config = RunConfig.make(
        device=device_of(found).model_dump(), mapping={"device_bits": 1}, evaluation={"effects": found.asked_effects}
    )
    assert config.evaluation.effects.level_bias == (0.15, -0.15)


@pytest.mark.parametrize("cell", ["nan", "", "NaN", "inf", "-"])
def test_cells_without_a_number_have_failed(cell: str) -> None:
    found = read(f"target,measured\n0,1\n0,2\n10,9\n10,8\n10,{cell}\n")

    assert (found.effects.num_failed, found.effects.num_cells) == (1, 5)


def over_time(growth: float) -> str:
    """Stds of 1 + growth x log10(t), over 50, at four times."""
    rng = np.random.default_rng(5)
    lines = ["target,measured,time (s)"]
    for seconds in (0.0, 1.0, 100.0, 10_000.0):
        std = 1 + (growth * log10(seconds) if seconds else 0)
        lines += [f"{aim},{rng.normal(aim, std)},{seconds}" for aim in (10, 50) for _ in range(2000)]
    return "\n".join(lines)


def test_spread_that_grows_with_time_is_fitted_and_said_to_be_left_out() -> None:
    found = read(over_time(0.25))

    retention = found.effects.retention
    assert retention is not None
    # a std's standard error is std / sqrt(2 n), n = 4000; the slope's over x = 0, 2, 4 (about 2): that over sqrt(8)
    assert retention.a == pytest.approx(1 / 50, abs=5 * 2 / 50 / sqrt(8000))
    assert retention.b == pytest.approx(0.25 / 50, abs=5 * 2 / 50 / sqrt(8000 * 8))
    assert retention.times[columns.TIME].tolist() == [0, 1, 100, 10_000]
    assert found.effects.time == 0
    assert any("Not applied to chips" in note for note in found.notes)


def test_levels_can_be_taken_at_a_later_time() -> None:
    early, late = read(over_time(0.25)), read(over_time(0.25), at_time=1e4)

    assert early.sigma_d == pytest.approx(1 / 50, rel=0.05)
    assert late.sigma_d == pytest.approx(2 / 50, rel=0.05)
    with pytest.raises(ConfigError, match=r"about 5 s after programming; there are: 0, 1, 100, 10000 s\."):
        read(over_time(0.25), at_time=5.0)


def test_what_follows_a_window_is_what_was_measured_whatever_it_is_called() -> None:
    rng = np.random.default_rng(0)
    lines = [
        f"{row},{1000 + row},{row % 16},{aim + rng.integers(-1, 2)},{aim - 2},{aim + 2}"
        for row, aim in enumerate(np.tile(np.arange(4, 64, 4), 30))
    ]

    found = read("\n".join([",addr,i,lvl,tmin,tmax", *lines]))

    assert found.roles.of("measured") == "lvl"
    assert len(found.file_levels) == 15


# ---------------------------------------------------------------- any number of levels
def many(count: int) -> str:
    """Per level: std of 0.01 x (1 + level), at even conductances."""
    return "level,target,std (%)\n" + "".join(f"{n},{n},{n + 1}\n" for n in range(count))


@pytest.mark.parametrize(
    ("count", "options", "want"),
    [
        (7, {}, [1, 3, 5, 7]),
        (9, {}, [1, 2, 3, 4, 6, 7, 8, 9]),
        (30, {"device_bits": 1}, [1, 30]),
        (64, {"device_bits": 2}, [1, 22, 43, 64]),
        (7, {"device_bits": 1, "choice": "quantile"}, [1, 7]),
        (7, {"device_bits": 3, "choice": "interpolate"}, [1 + 6 * step / 7 for step in range(8)]),
        (64, {"max_bits": 4, "choice": "evenly"}, None),
        (3, {}, [1, 3]),
    ],
)
def test_any_number_of_levels_makes_a_device(count: int, options: dict[str, Any], want: list[float] | None) -> None:
    found = read(many(count), **options)

    if want is None:
        assert len(found.levels) == 16
    else:
        assert [100 * std for std in stds(found)] == pytest.approx(want)
        assert any(f"file's {count} levels" in note for note in found.notes)
    assert device_of(found).device_bits == int(log10(len(found.levels)) / log10(2) + 0.5)


def test_even_steps_that_meet_a_level_twice_are_refused_where_asked_for() -> None:
    text = "level,target,std (%)\n0,0,1\n1,1,2\n2,2,3\n3,3,4\n4,100,5\n"

    assert [100 * std for std in stds(read(text))] == pytest.approx([1, 2, 4, 5])
    with pytest.raises(ConfigError, match="nearest to two of 4 even steps"):
        read(text, choice="evenly")


def test_targets_met_once_each_are_gathered_in_bins() -> None:
    rng = np.random.default_rng(0)
    aims = rng.uniform(0, 100, 8000)
    lines = "\n".join(f"{aim},{rng.normal(aim, 2)}" for aim in aims)

    found = read("target,measured\n" + lines)

    assert len(found.levels) == 16
    # n is about 500 in each; five standard errors of a std
    assert np.abs(np.array(stds(found)) - 0.02).max() < 5 * 0.02 / sqrt(2 * 400) + 0.001


def test_rows_of_one_state_give_every_level_its_std() -> None:
    rng = np.random.default_rng(0)
    text = "\n".join(f"{row}\t1.4\t1.6\t{rng.normal(4000, 100):.3f}\t0\t1" for row in range(400))

    found = read(text)

    assert found.level_stds == (1, 1)
    assert found.sigma_d == pytest.approx(100 / 4000, rel=5 / sqrt(800))
    assert any("all are taken as one state" in note for note in found.notes)


# ---------------------------------------------------------------- what is no such file
NO_DEVICE = {
    "oscilloscope's waveform": "x-axis,1,2\nsecond,Volt,Volt\n-4.0E+00,-11.5E-03,-461E-06\n-3.9E+00,1E-03,2E-03\n",
    "I–V sweep": "t,I,V\n0.0,-6.6e-10,1e-06\n0.1,1e-9,0.01\n",
    "bit error rates": "ber,temperature\n0.1,25\n0.2,85\n",
    "train of pulses": "\n".join(f"{-1 + n / 50 + 0.1 * (-1) ** n},{1 - n / 50}" for n in range(100)),
    "network's layers": "id,a\nclass,Linear\nnum_weights,4\nheight,2\nwidth,2\nfc\n1.5,2.5,3.5,4.5\n",
    "one device read over time": "time (s),conductance (µS)\n" + "\n".join(f"{n},{30 - n / 9}" for n in range(20)),
}


@pytest.mark.parametrize("kind", NO_DEVICE)
def test_what_is_no_device_data_is_told_by_what_it_looks_like(kind: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(NO_DEVICE[kind])

    assert kind in str(caught.value)
    assert "What is needed:" in str(caught.value)


def test_without_a_header_what_cannot_be_guessed_is_asked_for_by_place() -> None:
    with pytest.raises(ConfigError, match=r"say which column is what\. Columns: 1 \(1 to 9\); 2 \(3 to 3\)\."):
        read("1,3\n9,3\n")


# ---------------------------------------------------------------- examples
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_read_as_the_device_that_it_was_drawn_from(name: str) -> None:
    found = read(EXAMPLES[name].content())

    # 60 measurements a level, at least 50 that did not fail; codes add 1 / (63 sqrt(12)) = 0.5 %
    want = np.array(true_stds())
    assert np.all(np.abs(np.array(stds(found)) - want) < 5 * want / sqrt(2 * 50) + 0.005)
    assert found.sigma_d == pytest.approx(scaled(true_stds())[0], rel=5 / sqrt(2 * 200))


def test_every_example_has_a_layout_and_a_name_of_its_own() -> None:
    assert len({example.file_name for example in EXAMPLES.values()}) == len(EXAMPLES)
    assert len({example.label for example in EXAMPLES.values()}) == len(EXAMPLES)


# ---------------------------------------------------------------- size
def test_a_million_rows_are_read_in_seconds() -> None:
    count = 1_000_000
    line = "a,3,12.5,12.75\na,0,0,0.25\na,1,4,4.5\na,2,8,7.5\n"
    text = "chip,level,target,measured\n" + line * (count // 4)

    started = time.perf_counter()
    with pytest.raises(ConfigError, match="No level misses"):
        read(text)

    assert time.perf_counter() - started < 60  # about 3 s on two cores


def test_long_and_short_files_are_read_alike() -> None:
    text = LAYOUTS["index and last cell empty"]
    head, *lines = text.splitlines()
    # a blank line sends a long file the careful way, row by row
    careful = "\n".join([head, *lines[:5], "", *lines[5:]])

    assert stds(read(text)) == pytest.approx(stds(read(careful)), rel=1e-12)


@pytest.mark.parametrize("place", [3, 1500])
def test_a_cut_row_is_named_in_short_and_long_files(place: int) -> None:
    lines = LAYOUTS["level, target, measured"].splitlines()[: place + 50]
    lines[place] = "1,20"

    with pytest.raises(ConfigError, match=rf"Line {place + 1} has 2 cells, the header 3"):
        read("\n".join(lines))


def test_a_small_gzip_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 50 MB"):
        read(gzip.compress(b"1,2\n" * (MAX_BYTES // 4 + 1), mtime=0))


# ---------------------------------------------------------------- the device
def test_device_keeps_the_file_s_checksum() -> None:
    content = EXAMPLES["raw"].content()

    made = device_of(read(content), title="wafer 7")

    assert made.title == "wafer 7"
    assert made.file_sha256 == read(content).checksum
    assert len(made.file_sha256) == 64


def test_small_sigma_d_stays_small() -> None:
    assert read("level,std\n0,0.0002\n1,0.0004\n2,0.0004\n3,0.0002\n").sigma_d == pytest.approx(0.00031623, rel=1e-4)


@pytest.mark.parametrize("mark", ["1e10", "1e+12", "10000000000"])
def test_cells_marked_by_a_huge_power_of_ten_are_open(mark: str) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{level},{1 / (20e-6 * (level + 1) + error):.6g}" for level in (0, 1) for error in rng.normal(0, 1e-6, 20)]
    text = "\n".join(["level,measured (Ω)", *rows, f"1,{mark}"])

    found = read_measurements(text.encode())

    assert (found.effects.num_failed, found.effects.num_cells) == (1, 41)
    without = read_measurements("\n".join(["level,measured (Ω)", *rows]).encode())
    np.testing.assert_allclose(found.levels["std"], without.levels["std"])


def test_large_numbers_that_mark_nothing_stay() -> None:
    found = read_measurements(b"level,measured (Ohm)\n0,1e9\n0,9e8\n0,1.1e9\n1,5e8\n1,4e8\n1,5.5e8\n")

    assert found.effects.num_failed == 0


# ---------------------------------------------------------------- options that are given
@pytest.mark.parametrize("volts", [0.0, -0.2, float("inf"), float("nan")])
def test_a_read_voltage_that_is_none_is_refused(volts: float) -> None:
    text = rows("level,current (nA)", lambda level, value: f"{level},{200 * value}")

    with pytest.raises(ConfigError, match="read voltage must be greater than 0 V"):
        read(text, read_voltage=volts)
    assert_drawn(read(text, read_voltage=0.2))


@pytest.mark.parametrize("head", ["level,read (µS)", ""])
def test_a_role_that_is_said_to_be_no_column_s_is_not_guessed(head: str) -> None:
    text = rows(head, lambda level, value: f"{level},{value}")
    assert read(text).roles.of("measured")

    with pytest.raises(ConfigError, match="say which column is what"):
        read(text, columns={"measured": ""})


def test_a_level_that_is_said_to_be_no_column_s_is_not_guessed() -> None:
    text = rows("", lambda level, value: f"{level},{value}")
    assert read(text).roles.of("level")

    found = read(text, columns={"level": "", "target": "", "measured": "2"})

    assert not found.roles.has_levels or found.roles.cycle
    assert not found.roles.of("level")
    assert not found.roles.of("target")


def test_lists_that_are_said_not_to_be_measured_are_not() -> None:
    text = "tmin,tmax,\n0,4,2,2,3\n8,12,10,11,9,10\n"
    assert read(text).roles.of("measured")

    with pytest.raises(ConfigError, match="say which column is what"):
        read(text, columns={"measured": ""})


# ---------------------------------------------------------------- how many columns
def side_by_side(num_columns: int, *, head: bool = False, separator: str = ",") -> str:
    """A reading of each device in turn, three times."""
    reads = [separator.join([f"{10 + row}"] * num_columns) for row in range(3)]
    return "\n".join([*([separator.join(f"d{n}" for n in range(num_columns))] if head else []), *reads]) + "\n"


@pytest.mark.parametrize("num_columns", [MAX_COLUMNS + 1, 40_000])
@pytest.mark.parametrize(("head", "separator"), [(True, ","), (True, " "), (False, ","), (False, ";"), (False, "\t")])
def test_more_columns_than_are_read_are_refused_before_anything_is_looked_for(
    num_columns: int, *, head: bool, separator: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read(side_by_side(num_columns, head=head, separator=separator))

    assert str(refused.value).startswith(f"The file has {num_columns:,} columns; at most {MAX_COLUMNS:,} are read. ")


def test_as_many_columns_as_are_read_are() -> None:
    text = side_by_side(MAX_COLUMNS, head=True).replace("d0,d1", "level,measured").replace(".", ",")

    assert len(read_table(text.encode()).columns) == MAX_COLUMNS


def test_a_row_s_list_may_be_longer_than_a_table_is_wide() -> None:
    draws = np.random.default_rng(0).normal(0, 0.1, (2, MAX_COLUMNS + 10)) + np.array([[2], [10]])
    lists = [",".join(f"{value:.4f}" for value in row[: len(row) - short]) for short, row in enumerate(draws)]

    found = read(f"tmin,tmax,\n0,4,{lists[0]}\n8,12,{lists[1]}\n")

    assert found.levels[columns.NUM_MEASUREMENTS].tolist() == [MAX_COLUMNS + 10, MAX_COLUMNS + 9]


def test_empty_cells_that_end_a_line_of_text_are_no_columns() -> None:
    text = f"Array A{',' * 2 * MAX_COLUMNS}\nlevel,std\n0,0.1\n1,0.2\n"

    assert stds(read(text)) == [0.1, 0.2]


@pytest.mark.parametrize(
    "head",
    [
        ",".join(f"d{n}" for n in range(1000)),
        ",".join("\x1b[31m" + f"{n}" + "x" * 190 for n in range(40)),
        "x" * 5000,
        "a" + " " * 20_000 + "b",
        ",".join(["x" * 150] * 9),
    ],
    ids=["many", "long", "one of 5,000", "blanks", "twice"],
)
def test_a_header_s_names_do_not_lengthen_a_refusal(head: str) -> None:
    cells = ",".join(["1"] * (head.count(",") + 1))
    with pytest.raises(ConfigError) as refused:
        read(f"{head}\n{cells}\n{cells}\n")

    said = str(refused.value)
    assert 20 < len(said) <= 300
    assert said.isprintable()


def test_columns_are_held_against_one_another_in_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    explained = patterns.share_explained

    def counted(groups: np.ndarray, values: np.ndarray) -> float:
        asked.append(len(values))
        return explained(groups, values)

    monkeypatch.setattr(patterns, "share_explained", counted)
    numbers = np.arange(400)[None, :] + np.repeat([0.0, 0.5], 4)[:, None]
    text = "\n".join(",".join(f"{value:.1f}" for value in row) for row in numbers)
    with contextlib.suppress(ConfigError):
        _ = read(text)

    assert len(asked) <= patterns.HELD**2


@pytest.mark.parametrize(
    "text",
    [
        "1;2\n" + "1" * 100_000 + "x 2\n",
        'level,std\n0,"' + "." * 100_000 + '\n"\n1,"' + "." * 100_000 + '\n"\n',
    ],
    ids=["digits", "points"],
)
def test_a_long_cell_is_read_in_time_that_grows_as_it_does(text: str) -> None:
    started = time.perf_counter()
    with contextlib.suppress(ConfigError):
        _ = read(text)

    assert time.perf_counter() - started < 5  # about 0.01 s


# ---------------------------------------------------------------- a file's own law of retention
def retained(times: tuple[float, ...] = (1, 10, 100), *, growth: float = 1.0) -> str:
    """Two reads of each level at each time, whose std is 2, 2 + growth and so on in % of g_max."""
    lines = [
        f"{level},{100 * level / 3:.6f},{100 * level / 3 + side * (2 + growth * decade) / sqrt(2):.6f},{time}"
        for decade, time in enumerate(times)
        for level in range(4)
        for side in (-1, 1)
    ]
    return "\n".join(["level,target (µS),measured (µS),time (s)", *lines]) + "\n"


def test_a_file_s_law_is_an_effect_at_the_time_asked_for() -> None:
    found = read(retained()).effects_at(1e4)

    # 2 % at 1 s, 1 % a decade, of which 2 % are programmed
    assert {name: value for name, value in found.items() if name.startswith("retention")} == {
        "retention_seconds": 1e4,
        "retention_law": "given",
        "retention_std": 0.02,
        "retention_growth": 0.01,
        "retention_programmed": 0.02,
    }
    config = make_config(found)
    assert config.evaluation.effects.retention_spread(0.0) == pytest.approx(sqrt(0.06**2 - 0.02**2))


def test_levels_of_a_later_time_spread_from_there() -> None:
    found = read(retained(), at_time=100.0).effects_at(1e4)

    assert found["retention_programmed"] == 0.04
    assert make_config(found).evaluation.effects.retention_spread(0.0) == pytest.approx(sqrt(0.06**2 - 0.04**2))


def test_a_file_without_times_has_no_law() -> None:
    with pytest.raises(ConfigError, match="tells no law of retention: that takes a time column"):
        read("level,std\n0,0.01\n1,0.02\n").effects_at(10.0)
    with pytest.raises(ConfigError, match="time column"):
        read(retained((1,))).effects_at(10.0)


def test_stds_that_do_not_grow_have_no_law() -> None:
    with pytest.raises(ConfigError, match="do not grow with time"):
        read(retained(growth=-0.5)).effects_at(10.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match="must be greater than 0 s"):
        read(retained()).effects_at(seconds)
