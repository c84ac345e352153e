"""Which runs are repetitions of one another, and how the others are told apart."""

import pandas as pd
import pytest

from neft import columns as c
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.tables import (
    DECAY_SETTINGS,
    clean_means,
    comparable_variants,
    config_differences,
    deviation_ratios,
    differences_to,
    differing_settings,
    flat_config,
    named_by_recipe,
    recipe,
)
from tests.variants import facts


@pytest.fixture(scope="session")
def record(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


def changed(record: RunRecord, section: str, name: str, value: object) -> RunRecord:
    """The run with another setting, and another id."""
    config = record.config | {section: record.config[section] | {name: value}}
    return record.model_copy(update={"config": config, "id": f"{name}-{value}-00000000".lower()})


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [("training", "seed", 5), ("training", "sigma_d", 0.3), ("evaluation", "sigma_ds", [0.0])],
)
def test_repetitions_share_a_recipe(record: RunRecord, section: str, name: str, value: object) -> None:
    assert recipe(changed(record, section, name, value)) == recipe(record)


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("training", "epochs", 7),
        ("evaluation", "seed", 5),
        ("backbone", "hidden_units", 8),
        ("method", "temperature", 4.0),
    ],
)
def test_other_settings_are_another_recipe(record: RunRecord, section: str, name: str, value: object) -> None:
    assert recipe(changed(record, section, name, value)) != recipe(record)


def test_one_ablation_may_differ_in_its_decay_factors(record: RunRecord) -> None:
    one, other = (changed(record, "method", "decay", decay) for decay in ("paper", "reversed"))

    assert recipe(one) != recipe(other)
    assert recipe(one, ignoring=DECAY_SETTINGS) == recipe(other, ignoring=DECAY_SETTINGS)


def test_config_is_flattened_by_section(record: RunRecord) -> None:
    flat = flat_config(record)

    assert flat["training.epochs"] == 2
    assert flat["method.name"] == "noise_injection"
    assert flat["evaluation.sigma_ds"] == "[0.0, 0.1]"


def test_differences_are_the_settings_that_vary(record: RunRecord) -> None:
    other = changed(record, "training", "epochs", 7)

    differing = config_differences([record, other])

    assert list(differing.columns) == ["training.epochs"]
    assert differing["training.epochs"].to_dict() == {record.id: 2, other.id: 7}


def test_settings_are_put_in_words(record: RunRecord) -> None:
    other = changed(changed(record, "training", "batch_size", 32), "training", "seed", 7)

    words = differing_settings([record, other], without=["training.seed"])

    assert words.to_dict() == {record.id: "batch size 128", other.id: "batch size 32"}
    assert differing_settings([record, other], without=["training"]).to_dict() == {record.id: "", other.id: ""}


def test_uncommon_recipe_has_a_name_of_its_own(record: RunRecord) -> None:
    twin, odd = changed(record, "training", "seed", 1), changed(record, "training", "epochs", 7)

    apart = {one.id: one.facts for one in named_by_recipe([odd, record, twin])}

    assert apart[record.id] == record.facts
    assert apart[twin.id] == twin.facts
    assert apart[odd.id].variant == f"{record.facts.variant}_{recipe(odd)}"
    assert apart[odd.id].label == f"{record.facts.label} (epochs 7)"


def test_variants_are_comparable_where_only_their_method_differs(record: RunRecord) -> None:
    cooler = changed(record, "method", "temperature", 4.0)
    cooler = cooler.model_copy(update={"facts": cooler.facts.model_copy(update={"variant": "cooler"})})
    shorter = changed(record, "training", "epochs", 1)
    shorter = shorter.model_copy(update={"facts": shorter.facts.model_copy(update={"variant": "shorter"})})

    assert comparable_variants([shorter, record, cooler]) == {record.facts.variant, "cooler"}
    assert comparable_variants([]) == set()


def curve(variant: str, means: dict[float, float], ci95: float) -> pd.DataFrame:
    rows = {c.SIGMA_D: list(means), c.MEAN: list(means.values()), c.CI95: ci95, c.VARIANT: variant, c.LABEL: variant}
    return pd.DataFrame(rows)


def test_clean_means_are_the_rows_without_variation() -> None:
    curves = pd.concat([curve("ovf", {0.0: 0.9, 0.1: 0.8}, 0.01), curve("irs", {0.1: 0.7}, 0.01)])

    (row,) = clean_means(curves).to_dict("records")

    assert (row[c.VARIANT], row[c.MEAN]) == ("ovf", 0.9)


def test_every_other_variant_is_compared_with_the_reference() -> None:
    gathered = pd.DataFrame(
        [
            {c.VARIANT: variant, c.LABEL: variant, **facts(variant), c.SEED: 0, c.INSTANCE: chip, c.ACCURACY: accuracy}
            for variant, accuracies in (("vanilla", (0.5, 0.7)), ("ovf", (0.6, 0.8)), ("irs", (0.4, 0.6)))
            for chip, accuracy in enumerate(accuracies)
        ]
    )

    differences = differences_to(gathered, "vanilla").set_index(c.VARIANT)[c.MEAN]

    assert differences.to_dict() == pytest.approx({"ovf": 0.1, "irs": -0.1})
    assert differences_to(gathered, "absent").empty


def test_deviation_is_compared_with_the_weight_over_all_layers() -> None:
    layers = pd.DataFrame({c.VARIANT: "ovf", c.LABEL: "OVF", "deviation_to_weight": [0.2, 0.4], **facts("ovf")})

    assert deviation_ratios(layers)[c.MEAN].to_list() == pytest.approx([0.3])
