"""From a file of measurements to level stds: numbers by hand, the law in samples, and every wrong file named."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neft import columns
from neft.devices.lab_files.decoding import MAX_BYTES
from neft.devices.measurements import read_measurements
from neft.devices.spreads import scaled
from neft.errors import ConfigError


def column(content: str | bytes, name: str, *, g_max: float | None = None) -> list[float]:
    raw = content.encode() if isinstance(content, str) else content
    return [float(value) for value in read_measurements(raw, g_max=g_max).levels[name]]


# ---------------------------------------------------------------- by hand
def test_per_level_stds_are_split_into_sigma_d_and_level_stds() -> None:
    # sqrt((0.01^2 + 0.07^2)/2) = sqrt(0.0025) = 0.05; 0.01/0.05 = 0.2, 0.07/0.05 = 1.4
    found = read_measurements(b"level,std\n0,0.01\n1,0.07\n")

    assert found.kind == "per level"
    assert found.sigma_d == pytest.approx(0.05)
    assert found.level_stds == pytest.approx((0.2, 1.4))
    assert found.histograms.empty


def test_stds_in_a_unit_of_conductance_are_divided_by_g_max() -> None:
    assert column("level,std (uS)\n1,3.5\n0,0.5\n", columns.STD, g_max=50.0) == pytest.approx([0.01, 0.07])


def test_raw_measurements_by_hand() -> None:
    # level 0 aims at 0 and holds 1, 3: mean 2, std sqrt(2). Level 1 aims at 10: 8, 10, 12: mean 10, std 2.
    # Over g_max = 10: bias 0.2 and 0, std 0.141421 and 0.2; sigma_d = sqrt((0.02 + 0.04)/2) = 0.173205.
    found = read_measurements(b"target,measured\n0,1\n0,3\n10,8\n10,10\n10,12\n")

    levels = found.levels
    assert found.g_max == 10
    assert levels[columns.NUM_MEASUREMENTS].tolist() == [2, 3]
    assert levels[columns.BIAS].tolist() == pytest.approx([0.2, 0.0])
    assert levels[columns.STD].tolist() == pytest.approx([sqrt(0.02), 0.2])
    assert found.sigma_d == pytest.approx(sqrt(0.03))
    assert found.level_stds == pytest.approx((sqrt(2 / 3), sqrt(4 / 3)))
    assert "5 measurements, 2 to 3 a level." in found.notes
    assert "Conductances are over g_max = 10, the highest target." in found.notes
    assert any("by up to 20 % of g_max (level 0); the model has no bias" in note for note in found.notes)
    assert found.shape.startswith("Too few measurements")


def test_interval_of_a_std_is_chi_squares() -> None:
    # ten values of std 1: chi^2 of 9 degrees of freedom is 19.0228 at 97.5 % and 2.7004 at 2.5 %,
    # sqrt(9/19.0228) = 0.68784, sqrt(9/2.7004) = 1.82562
    values = np.array([-1.0, 1.0] * 5) * sqrt(0.9)
    rows = "".join(f"{level},{10 * level + value:.12f}\n" for level in (0, 1) for value in values)
    content = f"level,measured\n{rows}"

    assert column(content, columns.STD, g_max=10.0) == pytest.approx([0.1, 0.1])
    assert column(content, columns.LOWER, g_max=10.0) == pytest.approx([0.068784] * 2, rel=1e-4)
    assert column(content, columns.UPPER, g_max=10.0) == pytest.approx([0.182562] * 2, rel=1e-4)


def test_without_targets_the_highest_levels_mean_is_the_maximal_conductance() -> None:
    found = read_measurements(b"level,measured\n0,1\n0,-1\n1,19\n1,21\n")

    assert found.g_max == 20
    assert found.levels[columns.BIAS].tolist() == pytest.approx([0, 0])
    assert any("the highest level's mean, which therefore has no bias" in note for note in found.notes)


# ---------------------------------------------------------------- laws
@given(stds=st.lists(st.floats(1e-6, 1), min_size=2, max_size=16))
def test_scaled_stds_have_rms_1_and_give_the_stds_back(stds: list[float]) -> None:
    sigma_d, level_stds = scaled(stds)

    assert float(np.sqrt(np.mean(np.square(level_stds)))) == pytest.approx(1)
    assert [sigma_d * level for level in level_stds] == pytest.approx(stds)


def drawn(stds: list[float], *, count: int, seed: int, skewed: bool = False) -> bytes:
    """Measurements of a device with these stds, g_max 20, each mean 0.4 too high."""
    rng = np.random.default_rng(seed)
    lines = ["level\ttarget\tmeasured (µS)"]
    for level, std in enumerate(stds):
        target = 20 * level / (len(stds) - 1)
        errors = rng.exponential(size=count) - 1 if skewed and level == 1 else rng.normal(size=count)
        lines += [f"{level}\t{target!r}\t{float(target + 0.4 + 20 * std * error)!r}" for error in errors]
    return "\n".join(lines).replace(".", ",").encode()


def test_stds_and_biases_of_samples_are_those_they_were_drawn_with() -> None:
    stds, count = [0.01, 0.05, 0.04, 0.02], 2000

    found = read_measurements(drawn(stds, count=count, seed=1)).levels

    # standard errors of a std and of a mean: std/sqrt(2n), std/sqrt(n)
    for level, std in enumerate(stds):
        assert abs(found[columns.STD][level] - std) < 5 * std / sqrt(2 * count)
        assert abs(found[columns.BIAS][level] - 0.02) < 5 * std / sqrt(count)


def test_interval_holds_the_true_std_in_19_of_20_files() -> None:
    files = 200
    held = 0
    for seed in range(files):
        found = read_measurements(drawn([0.03, 0.03], count=8, seed=seed)).levels
        held += int(found[columns.LOWER][0] <= 0.03 <= found[columns.UPPER][0])

    # five standard errors of a share: 5 sqrt(0.95 * 0.05 / 200) = 0.077
    assert abs(held / files - 0.95) < 0.077


def test_gaussian_measurements_look_so_and_skewed_ones_do_not() -> None:
    even = read_measurements(drawn([0.02] * 4, count=300, seed=2))
    skewed = read_measurements(drawn([0.02] * 4, count=300, seed=2, skewed=True))

    assert even.shape.startswith("No level departs from a Gaussian")
    assert skewed.shape.startswith("Not Gaussian: level 1 (skewness ")


def test_histogram_of_a_level_sums_to_all_of_it_and_so_does_its_gaussian() -> None:
    found = read_measurements(drawn([0.01, 0.05, 0.04, 0.02], count=500, seed=3)).histograms

    sums = found.groupby(columns.LEVEL)[[columns.SHARE, columns.GAUSSIAN_SHARE]].sum()
    # 4 stds either side leave out 6e-5 of a Gaussian
    assert sums[columns.GAUSSIAN_SHARE].tolist() == pytest.approx([1 - 6.334e-5] * 4, abs=1e-6)
    assert (sums[columns.SHARE] > 0.99).all()
    assert sums[columns.SHARE].max() <= 1 + 1e-9


# ---------------------------------------------------------------- how files are written
@pytest.mark.parametrize(
    "content",
    [
        b"level,std\n0,0.01\n1,0.07\n",
        b"\xef\xbb\xbfLevel; STD\r\n0;0,01\r\n1;0,07\r\n",
        b"std\tlevel\n0,07\t1\n0.01\t0\n",
        b"# a comment, with a comma\n\nlevel,std,,\n0,0.01,,\n\n1.0,7e-2,,\n",
        "level,std\n0,0.01\n1,0.07\n".encode("utf-16"),
        b'"level","std [g_max]"\n"0","0.01"\n"1","0.07"\n',
        b"level std\n0 0.01\n1 0.07\n",
        b"# level std\n0 0.01\n1 0.07\n",
        b"# level,std\n0,0.01\n1,0.07\n",
        b"sep=;\nlevel;std\n0;0,01\n1;0,07\n",
        b"Device 3\nmade: 2026\nlevel,std\n0,0.01\n1,0.07\n",
        b"level,std\n,%\n0,1\n1,7\n",
        b",level,std\n0,0,0.01\n1,1,0.07\n",
        b"level,std\n1,0.01\n2,0.07\n",
        b"0,0.01\n1,0.07\n",
    ],
)
def test_separators_decimals_marks_and_order_do_not_matter(content: bytes) -> None:
    assert column(content, columns.STD) == pytest.approx([0.01, 0.07])


def test_columns_that_are_not_read_are_named() -> None:
    assert read_measurements(b"level,std,wafer\n0,0.01,7\n1,0.07,7\n").notes == ("Columns that are not read: wafer.",)


def test_uneven_targets_are_pointed_out() -> None:
    notes = read_measurements(b"target,measured\n2,1\n2,3\n10,8\n10,12\n").notes

    assert any("not evenly spaced from no conductance to g_max" in note and "lowest: 20 %" in note for note in notes)


RAW = "level,measured\n0,1\n0,2\n1,9\n1,10\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "must have a header and at least one row"),
        ("level,std\n", "must have a header and at least one row"),
        (
            "a,b\n1,2\n",
            "must name the columns 'level' and 'std', or 'level' (or 'target') and 'measured'; got 'a', 'b'.",
        ),
        ("level,std,measured\n0,1,1\n", "raw or per level, not both"),
        ("level,std,std\n0,1,1\n", "names the column 'std' more than once"),
        ("level,std\n0,0.1\n1,a\n", "Line 3, column 'std': must be a number >= 0; got 'a'."),
        ("level,std\n0,0.1\n1,nan\n", "Line 3, column 'std': must be a number >= 0; got 'nan'."),
        ("level,std\n0,-1\n1,1\n", "Line 2, column 'std': must be a number >= 0; got '-1'."),
        ("level,std\n0.5,1\n1,1\n", "Line 2, column 'level': must be a whole number from 0 to 65535; got '0.5'."),
        ("level,std\n70000,1\n1,1\n", "Line 2, column 'level': must be a number >= 0 and <= 65535; got '70000'."),
        ("level,std\n0,0,01\n1,0,07\n", "Line 2 has 3 cells, the header 2 (commas between columns). With commas"),
        ("level,std\n0,0.1\n1\n", "Line 3 has 1 cell, the header 2"),
        ("level,std\n0,0.1\n0,0.1\n1,0.1\n", "Level 0 is given more than once"),
        ("level,std\n0,0.1\n3,0.1\n", "Levels 1, 2 of 0 … 3 are missing"),
        (
            "level,std\n0,0.1\n1,2.5\n",
            "Line 3, column 'std': must lie in [0, 1] of the maximal conductance; got 2.5. If",
        ),
        (RAW.replace("1,9\n1,10\n", "1,9\n"), "Level 1 has 1 measurement; a std needs at least 2."),
        (RAW.replace("1,9\n1,10", "2,9\n2,10"), "Level 1 of 0 … 2 is missing"),
        (RAW.replace("9", "-9").replace("10", "-10"), "Conductances must be positive; a level's mean is -9.5"),
        ("level,target,measured\n0,0,1\n0,1,2\n1,9,9\n1,9,8\n", "Level 0 has more than one target: 0 and 1."),
        ("target,measured\n0,0\n0,90\n5,5\n5,6\n", "Level 0 has a std of 12.7279 of the maximal conductance (5)"),
        ("target,measured\n0,0\n0,0\n5,5\n5,5\n", "No level misses"),
    ],
    ids=range(21),
)
def test_wrong_file_is_refused_with_its_line_and_what_is_allowed(content: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_measurements(content.encode())

    assert sentence in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"level,std\n0,0.1\0\n", "null characters"),
        (b"x" * (MAX_BYTES + 1), "more than 50 MB of text; at most so many are read"),
    ],
    ids=["binary", "size"],
)
def test_what_is_no_text_or_too_much_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_measurements(content)


@pytest.mark.parametrize("g_max", [0.0, -1.0, float("inf"), float("nan")])
def test_g_max_must_be_positive(g_max: float) -> None:
    with pytest.raises(ConfigError, match="g_max must be a positive conductance"):
        read_measurements(RAW.encode(), g_max=g_max)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_other_bytes_are_a_config_error(content: bytes) -> None:
    with pytest.raises(ConfigError):
        read_measurements(content)
