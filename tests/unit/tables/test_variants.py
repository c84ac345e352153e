"""The facts of variants, and of an experiment's series through its runs."""

from neft import columns as c
from neft.tables import facts_of, gather, variant_facts
from neft.tables.variants import VARIANT_FACTS, series_facts
from tests.stored_experiments import Arm, a_record, chips


def test_plain_variants_and_the_control_depart_in_nothing() -> None:
    departures = {one: a_record("a", one).facts.departure for one in ("ovf", "ovf_n1", "noise_injection_t4")}

    assert departures == {"ovf": "", "ovf_n1": "_n1", "noise_injection_t4": ""}


def test_gathered_chips_carry_the_facts_of_their_run() -> None:
    record = a_record("a", "noise_injection_t4")

    rows = gather([(record, chips(Arm("any", "any", {0: [0.5]}), [0.5]))])

    assert facts_of(rows) == variant_facts(record)
    assert rows[c.IS_CONTROL].all()


def test_a_series_has_the_facts_of_the_run_that_it_is_named_for() -> None:
    found = series_facts("ovf", [a_record("a", "ovf_n1"), a_record("b", "ovf"), a_record("c", "vanilla")])

    assert found == variant_facts(a_record("b", "ovf"))


def test_a_series_named_for_none_of_its_runs_is_the_control_where_one_of_them_is() -> None:
    found = series_facts("by terms", [a_record("a", "noise_injection_t2"), a_record("b", "noise_injection_t4")])

    assert (found[c.VARIANT], found[c.IS_CONTROL], found[c.DEPARTURE]) == ("by terms", True, "")
    assert set(found) == set(VARIANT_FACTS)


def test_a_series_named_for_none_of_its_runs_departs_in_what_all_of_them_do() -> None:
    found = series_facts("fewer", [a_record("a", "ovf_n1"), a_record("b", "ovf_n1")])

    assert (found[c.DEPARTURE], found[c.IS_CONTROL]) == ("_n1", False)
