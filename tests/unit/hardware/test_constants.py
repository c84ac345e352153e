"""The table of unit costs: whole, sourced, in its units; and a user's own in its place."""

from pathlib import Path

import pytest

from neft.errors import ConfigError
from neft.hardware.constants import FILE, VARIABLE, Constants, load_constants
from neft.reference.citations import cite

TEXT = FILE.read_text(encoding="utf-8")


def changed(folder: Path, old: str, new: str) -> Path:
    assert old in TEXT
    path = folder / "own.toml"
    _ = path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return path


def test_every_shipped_constant_has_a_source_that_is_known_or_says_that_it_is_none() -> None:
    for name in Constants.model_fields:
        source = getattr(load_constants(FILE), name).source
        assert cite(source) != source or source.startswith(("a rule", "an assumption")), name


def test_energies_follow_from_the_powers_that_their_notes_name() -> None:
    """mW ÷ GS/s = pJ a sample, and mW · 100 ns = 100 pJ a read, over the group's number."""
    table = load_constants(FILE)

    assert table.adc_energy.value == pytest.approx(16 / 8 / 1.28)
    assert table.array_energy.value == pytest.approx(2.4 / 8 * 100)
    assert table.dac_energy.value == pytest.approx(4 / 1024 * 100, rel=1e-2)
    assert table.hold_energy.value == pytest.approx(0.01 / 1024 * 100, rel=1e-3)
    assert table.shift_add_energy.value == pytest.approx(0.2 / 4 / (2 * 1.28), rel=2e-3)


def test_areas_follow_from_the_groups_areas() -> None:
    table = load_constants(FILE)

    assert table.adc_area.value == pytest.approx(9600 / 8)
    assert table.array_area.value == pytest.approx(200 / 8)
    assert table.dac_area.value == pytest.approx(170 / 1024, rel=1e-3)
    assert table.hold_area.value == pytest.approx(40 / 1024, rel=1e-3)
    assert table.shift_add_area.value == pytest.approx(240 / 4)


def test_a_file_of_ones_own_is_taken_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = changed(tmp_path, "value = 1200.0", "value = 580")
    monkeypatch.setenv(VARIABLE, str(own))

    assert load_constants().adc_area.value == load_constants(own).adc_area.value == 580
    assert load_constants(FILE).adc_area.value == 1200


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    own = changed(tmp_path, "value = 1200.0", "value = 580")
    _ = load_constants(own)
    _ = own.write_text(TEXT, encoding="utf-8")

    assert load_constants(own).adc_area.value == 1200


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[adc_area]", "[adc_aera]", r"Unknown hardware constant in '.*own\.toml' 'adc_aera'. Did you mean 'adc_area'"),
        ('[adc_area]\nvalue = 1200.0\nunit = "µm²"\n', "[adc_area]\n", r"adc_area in '.*': Constant\.value is req"),
        ("value = 1200.0", "value = -1", r"adc_area in '.*': Constant\.value.* got -1"),
        ("value = 1200.0", "value = nan", r"Constant\.value"),
        ('1200.0\nunit = "µm²"', '1200.0\nunit = "mm²"', r"adc_area\.unit must be 'µm²'; got 'mm²'"),
        ('value = 128\nunit = "rows"', 'value = 0\nunit = "rows"', r"array_rows\.value must be a whole number of at"),
        ("[adc_area]", "[adc_area", r"cannot be read: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        _ = load_constants(changed(tmp_path, old, new))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    _ = own.write_text(TEXT[: TEXT.index("[subtractor_energy]")], encoding="utf-8")

    with pytest.raises(ConfigError, match=r"own\.toml' has no subtractor_energy; every constant of"):
        _ = load_constants(own)


def test_no_file_and_an_empty_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml' cannot be read: "):
        _ = load_constants(tmp_path / "none.toml")
    monkeypatch.setenv(VARIABLE, " ")
    with pytest.raises(ConfigError, match="NEFT_HARDWARE is empty"):
        _ = load_constants()


def test_a_source_of_ones_own_need_not_be_a_citation(tmp_path: Path) -> None:
    own = changed(tmp_path, 'source = "[Shafiee2016], section V"', 'source = "[Mine2026], our own chip"')

    assert "Shafiee et al. 2016" in load_constants(own).cited
    assert load_constants(own).in_words()["adc_columns"]["source"] == "[Mine2026], our own chip"
