"""Accuracy beside what networks take on a chip."""

from typing import Any

import numpy as np
import pytest

from neft import columns as c
from neft.hardware.costs import Size, Totals
from neft.runs.records import MetricSummary, RunRecord, SigmaSummary
from neft.tables.hardware import SIZE_COLUMNS, accuracy_vs_hardware, hardware_key, mean_size
from tests.stored_experiments import a_record

AT = 0.2


def size(area: float, energy: float = 1.0) -> Size:
    counts: dict[str, Any] = dict.fromkeys(
        ("devices", "columns", "dacs", "adcs", "conversions", "subtractors", "banks"), 1
    )
    return Size(Totals(**counts, area=area, energy=energy), 0.5, 0.25)


def a_run(
    number: int,
    accuracy: float,
    *,
    seed: int = 0,
    epochs: int = 1,
    chips: int = 100,
    train_sigma_d: float = AT,
    backbone: str = "mlp",
    **facts: Any,
) -> RunRecord:
    record = a_record(f"digits-mlp4x128-x-seed{seed}-{number:08x}", "noise_injection", seed=seed)
    metric = MetricSummary(accuracy, 0.0, 0.0, chips, accuracy - 0.1, accuracy - 0.05)
    test = (SigmaSummary(sigma_d=AT, metrics={c.ACCURACY: metric}),)
    changes = {"train_sigma_d": train_sigma_d, "num_instances": chips, "seed": seed, **facts}
    config = {
        "dataset": {"name": "digits", "image_size": 8, "max_train": None},
        "backbone": {"name": backbone},
        "training": {"epochs": epochs, "seed": seed, "sigma_d": train_sigma_d},
        "evaluation": {},
    }
    return record.model_copy(
        update={
            "facts": record.facts.model_copy(update=changes),
            "summary": record.summary.model_copy(update={"test": test}),
            "config": config,
        }
    )


def table(*records: RunRecord, sizes: dict[str, Size] | None = None) -> Any:
    known = {record.id: size(1.0) for record in records} if sizes is None else sizes
    return accuracy_vs_hardware(records, known, sigma_d=AT)


def test_a_row_is_the_mean_over_seeds_with_students_interval() -> None:
    """0.6 and 0.8: mean 0.7, half-width 12.706 · 0.1414 / √2 = 1.2706."""
    (row,) = table(a_run(1, 0.6), a_run(2, 0.8, seed=1)).to_dict("records")

    assert row[c.MEAN] == pytest.approx(0.7)
    assert row[c.UPPER] - row[c.MEAN] == pytest.approx(1.2706, rel=1e-4)
    assert row[c.PERCENTILE_1] == pytest.approx(0.6)
    assert (row[c.NUM_SEEDS], row[c.AREA], row[c.AREA_SHARE], row[c.ENERGY_SHARE]) == (2, 1.0, 0.5, 0.25)


def test_one_seed_has_no_interval() -> None:
    (row,) = table(a_run(1, 0.6)).to_dict("records")

    assert np.isnan([row[c.LOWER], row[c.UPPER]]).all()


def test_of_several_recipes_the_one_with_the_most_seeds_is_read_whatever_it_reached() -> None:
    few, many = a_run(1, 0.9, epochs=99), [a_run(2 + seed, 0.5, seed=seed) for seed in range(2)]

    (row,) = table(few, *many).to_dict("records")

    assert row[c.MEAN] == pytest.approx(0.5)


def test_other_networks_mappings_and_variants_are_rows_of_their_own_the_smallest_first() -> None:
    records = [a_run(1, 0.5), a_run(2, 0.5, backbone="vgg8"), a_run(3, 0.5), a_run(4, 0.5, variant="ovf")]
    copied = records[2].facts.model_copy(update={"chips": "~copies=2"})
    records[2] = records[2].model_copy(update={"facts": copied})
    sizes = {record.id: size(area) for record, area in zip(records, (3.0, 1.0, 4.0, 2.0), strict=True)}

    assert list(table(*records, sizes=sizes)[c.AREA]) == [1.0, 2.0, 3.0, 4.0]


def test_trainings_for_another_sigma_d_are_left_out_and_those_that_know_none_are_not() -> None:
    other, clean = a_run(1, 0.5, train_sigma_d=0.4), a_run(2, 0.6, train_sigma_d=0.0, uses_noise=False)

    assert list(table(other, clean)[c.MEAN]) == [0.6]


def test_runs_of_unknown_size_or_not_tried_there_are_left_out() -> None:
    unknown, untried = a_run(1, 0.5), a_run(2, 0.6)
    untried = untried.model_copy(update={"summary": untried.summary.model_copy(update={"test": ()})})
    found = table(unknown, untried, sizes={untried.id: size(1.0)})

    assert found.empty
    assert tuple(found.columns) == SIZE_COLUMNS


def test_runs_share_hardware_where_network_images_classes_and_mapping_agree() -> None:
    plain = a_run(1, 0.5)
    mapped = plain.model_copy(update={"config": plain.config | {"evaluation": {"mapping": {"sign": "offset"}}}})

    assert hardware_key(plain) == hardware_key(a_run(2, 0.9, seed=3, epochs=7))
    assert len({hardware_key(one) for one in (plain, mapped, a_run(1, 0.5, backbone="vgg8"))}) == 3


def test_sizes_are_means_over_runs_and_unknown_where_one_is() -> None:
    records = [a_run(1, 0.5), a_run(2, 0.5)]
    sizes = {records[0].id: size(1.0, 10.0), records[1].id: size(3.0, 20.0)}

    assert mean_size(records, sizes) == {c.AREA: 2.0, c.ENERGY: 15.0}
    assert np.isnan(list(mean_size(records, dict(list(sizes.items())[:1])).values())).all()
