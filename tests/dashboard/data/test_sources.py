"""Where numbers come from: facts of the very runs that a chart shows, and the command that makes them again."""

import pandas as pd

from dashboard.data import plans, sources, stored
from neft import columns
from neft.runs.store import RunStore


def test_a_source_says_data_network_device_and_size_of_its_runs(shipped: RunStore) -> None:
    records = stored.listing().records
    found = sources.source_of([record.id for record in records])
    assert found is not None
    assert found.run_ids == tuple(record.id for record in records)
    assert found.facts["Data"] == records[0].facts.dataset_label
    assert found.facts["Network"] == records[0].facts.backbone_label
    assert found.facts["Device"] == records[0].facts.device_label
    seeds, chips = {r.facts.seed for r in records}, {r.facts.num_instances for r in records}
    assert found.facts["Size"] == f"{len(seeds)} seeds × {chips.pop()} chips"


def test_a_picture_names_the_first_runs_and_counts_the_others(shipped: RunStore) -> None:
    ids = [record.id for record in stored.listing().records]
    found = sources.source_of(ids)
    assert found is not None
    assert found.lines[-1] == f"Runs: {', '.join(ids[:3])} and {len(ids) - 3} more"


def test_runs_of_a_table_are_those_that_its_rows_name_each_once() -> None:
    assert sources.runs_in(pd.DataFrame({columns.RUN_IDS: [("a", "b"), ("b", "c")]})) == ("a", "b", "c")
    assert sources.runs_in(pd.DataFrame({columns.RUN_ID: ["a", "a", "b"]})) == ("a", "b")
    assert sources.runs_in(pd.DataFrame({columns.MEAN: [1.0]})) == ()


def test_runs_of_a_plan_are_made_by_its_command_and_one_run_by_its_own() -> None:
    plan = plans.plans(plans.fingerprint())["paper_fashion"]
    ids = [entry.run_id for entry in plan.entries]
    (record,) = stored.records(ids[:1])
    assert sources.making(ids[:5]) == [plan.command]
    assert sources.making(ids[:1]) == [record.provenance.command]
