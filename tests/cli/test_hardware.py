"""neft hardware: what stored networks cost, by the constants that ship or by a user's own."""

import json
from pathlib import Path

import pytest

from neft.hardware.constants import FILE, VARIABLE, load_constants
from neft.hardware.costs import hardware_costs, totals
from neft.inspection.hardware import deployed_of
from neft.runs.places import CACHED_RUNS
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.tables.hardware import hardware_key
from tests.cli.conftest import Neft
from tests.cli.test_wrong_input import the_error


def shown(neft: Neft, *arguments: str) -> dict[str, object]:
    return json.loads(neft("hardware", "--json", *arguments).out)


def test_a_run_has_the_devices_that_its_record_counts(neft: Neft, stored: RunRecord) -> None:
    (run,) = shown(neft, stored.id)["runs"]  # type: ignore[misc, str-unpack]

    assert run["totals"]["devices"] == stored.summary.num_devices
    assert (run["totals"]["area_share"], run["totals"]["energy_share"]) == (1, 1)


def test_people_read_a_row_a_layer_the_whole_and_whose_numbers_they_are(neft: Neft, stored: RunRecord) -> None:
    answer = neft("hardware", stored.id)
    rows = [line.split("\t") for line in answer.out.splitlines()]

    assert rows[0][:3] == ["layer", "devices", "columns"]
    assert [row[0] for row in rows[1:]] == ["stages.0.1", "stages.1.0", "classifier", "all"]
    # 64 pixels to 16 units to 16 units to 10 classes, 4 slices in pairs
    assert [row[1] for row in rows[1:]] == ["8,192", "2,048", "1,280", "11,520"]
    assert "100 % of the area and 100 % of the energy of the same network bipolar" in answer.err
    assert "names no converters 8 bits are priced" in answer.err
    assert "Shafiee et al. 2016" in answer.err
    assert "[Shafiee2016]" not in answer.said


def test_parts_add_up_to_the_totals(neft: Neft, stored: RunRecord) -> None:
    (run,) = shown(neft, stored.id, "--shared")["runs"]  # type: ignore[misc, str-unpack]

    for name in ("area", "energy"):
        assert sum(row[name] for row in run["parts"]) == pytest.approx(run["totals"][name])
    assert run["totals"]["banks"] == 1


def test_converters_can_be_asked_for(neft: Neft, stored: RunRecord) -> None:
    (eight,) = shown(neft, stored.id)["runs"]  # type: ignore[misc, str-unpack]
    (six,) = shown(neft, stored.id, "--adc-bits", "6", "--dac-bits", "4")["runs"]  # type: ignore[misc, str-unpack]

    assert (six["dac_bits"], six["adc_bits"], six["bits_are_assumed"]) == (4, 6, False)
    assert six["totals"]["conversions"] == eight["totals"]["conversions"] / 2
    assert six["totals"]["area"] < eight["totals"]["area"]


def test_a_file_of_ones_own_counts(
    neft: Neft, stored: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.toml"
    _ = own.write_text(FILE.read_text(encoding="utf-8").replace("value = 1200.0", "value = 0"), encoding="utf-8")
    asked = shown(neft, stored.id, "--hardware", str(own))
    monkeypatch.setenv(VARIABLE, str(own))

    assert asked == shown(neft, stored.id)
    assert asked["constants"]["adc_area"]["value"] == 0  # type: ignore[index]


def test_unit_costs_are_printed_as_a_file_that_reads_back(neft: Neft, stored: RunRecord, tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    _ = own.write_text(neft("hardware", "--constants").out, encoding="utf-8")

    assert shown(neft, stored.id, "--hardware", str(own)) == shown(neft, stored.id)
    assert "Missing argument 'RUN...'" in neft("hardware").err


def test_a_wrong_file_is_refused_in_a_sentence(neft: Neft, stored: RunRecord, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    _ = own.write_text("[speed]\nvalue = 1\n", encoding="utf-8")

    assert "Unknown hardware constant" in the_error(neft("hardware", stored.id, "--hardware", str(own)))


def test_every_kind_of_cached_run_has_its_recorded_devices() -> None:
    """One run of each kind; what is recorded was counted when its chips were made."""
    kinds = {hardware_key(record): record for record in RunStore(CACHED_RUNS, read_only=True).list().records}

    assert len(kinds) > 5
    for record in kinds.values():
        costs = hardware_costs(deployed_of(record), load_constants())
        assert totals(costs).devices == record.summary.num_devices
