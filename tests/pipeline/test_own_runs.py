"""Networks of one's own are kept as runs like any other."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from typing_extensions import override

import neft
from neft import columns
from neft.datasets.base import DataAccess
from neft.datasets.digits import Digits
from neft.errors import ConfigError, DataMissingError, NeftError, RunExistsError
from neft.methods import METHODS
from neft.networks.backbones import BACKBONES
from neft.pipeline import Settings, run
from neft.runs.bundles import export_runs, import_runs
from neft.runs.facts import run_facts, stored_config
from neft.runs.notes import read_note
from neft.runs.store import RunStore, Stores
from neft.seeding import generator
from neft.tables import compare_runs, runs_table

LATER = 0.25
"""A global variable that a function reads."""


def network(seed: int = 0, *, width: int = 6) -> nn.Sequential:
    made = nn.Sequential(nn.Flatten(), nn.Linear(192, width), nn.ReLU(), nn.Linear(width, 4))
    for parameter in made.parameters():
        nn.init.normal_(parameter, 0, 0.2, generator=generator(seed, "parameters"))
    return made.eval()


def batches(seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    images = torch.randn(30, 3, 8, 8, generator=generator(seed, "images"))
    return [(images[:20], torch.arange(20) % 4), (images[20:], torch.arange(10) % 4)]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def doubled(outputs: Tensor) -> Tensor:
    return outputs * 2


def keep(store: RunStore, made: nn.Module, **settings: Any) -> str:
    usual: dict[str, Any] = {"sigma_ds": [0.0, 0.1], "num_instances": 3}
    tried = neft.try_network(made, settings.pop("batches", None) or batches(), store=store, **(usual | settings))
    assert tried.run_id is not None
    return tried.run_id


def test_a_result_is_kept_only_where_there_is_a_store(store: RunStore) -> None:
    tried = neft.try_network(network(), batches(), sigma_ds=0.1, num_instances=1)
    assert tried.run_id is None
    assert store.ids() == []


def test_the_run_holds_the_numbers_that_were_found(store: RunStore) -> None:
    tried = neft.try_network(network(), batches(), sigma_ds=[0.0, 0.1], num_instances=3, store=store, title="Tiny")
    (run_id,) = store.ids()
    assert run_id == tried.run_id
    record = store.verify(run_id)
    kept = store.instances(record)
    for name in tried.instances:
        assert kept[name].tolist() == tried.instances[name].tolist()
    at = record.summary.at(0.1)
    assert at is not None
    assert at.metrics[columns.ACCURACY].mean == pytest.approx(tried.instances[columns.ACCURACY][3:].mean())
    assert at.metrics[columns.BALANCED_ACCURACY].num_instances == 3
    assert record.summary.num_parameters == 192 * 6 + 6 + 6 * 4 + 4
    assert record.summary.num_devices == 2 * 4 * (192 * 6 + 6 * 4)
    assert store.tables(record).layers[columns.LAYER].tolist() == ["1", "3"]


def test_the_run_says_what_it_is_of(store: RunStore) -> None:
    record = store.record(keep(store, network(), title="Tiny_net <3>"))
    facts = record.facts
    assert facts.backbone_label.startswith("Tiny net 3 (own, ")
    assert facts.dataset_label.startswith("Own batches (")
    assert facts.dataset_label.endswith(" 8×8")
    assert facts.method_label == "Trained elsewhere"
    assert (facts.num_classes, facts.uses_noise, facts.train_sigma_d) == (4, False, 0.0)
    config = stored_config(record)
    assert config.run_id == record.id
    assert run_facts(config, num_classes=4) == facts


class Scaled(nn.Module):
    """Holds what is no parameter and in no print: a number, a function and a hook."""

    def __init__(self, factor: float, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.factor, self.function = network(), factor, function

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(self.body(inputs)) * self.factor


def hooked(limit: float) -> Scaled:
    def clip(_module: nn.Module, _inputs: Any, outputs: Tensor) -> Tensor:
        return outputs.clamp(-limit, limit)

    made = Scaled(1.0, lambda outputs: outputs)
    _ = made.body.register_forward_hook(clip)
    return made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Scaled(1.0, torch.relu), Scaled(-3.0, torch.relu)),
        (Scaled(1.0, torch.relu), Scaled(1.0, torch.tanh)),
        (Scaled(1.0, lambda outputs: outputs), Scaled(1.0, lambda outputs: -outputs)),
        (Scaled(1.0, lambda outputs: outputs + LATER), Scaled(1.0, lambda outputs: outputs)),
        (hooked(1.0), hooked(0.1)),
        (hooked(1.0), Scaled(1.0, lambda outputs: outputs)),
    ],
    ids=["attribute", "function", "lambda", "global", "closure", "hook"],
)
def test_networks_that_are_no_others_by_their_parameters_never_share_a_run(
    store: RunStore, one: nn.Module, other: nn.Module
) -> None:
    assert keep(store, one) != keep(store, other)


def test_a_network_is_the_same_when_it_is_made_again(store: RunStore) -> None:
    _ = keep(store, hooked(0.5))
    with pytest.raises(RunExistsError):
        _ = keep(store, hooked(0.5))


@pytest.mark.parametrize(
    "other",
    [
        {"made": network(seed=1)},
        {"made": network(width=7)},
        {"made": nn.Sequential(*network(), nn.Identity())},
        {"batches": batches(seed=1)},
        {"batches": [(inputs, 3 - labels) for inputs, labels in batches()]},
        {"seed": 1},
        {"num_instances": 4},
        {"in_devices": ["1.weight"]},
        {"weights": "used"},
        {"ignore_index": 3},
        {"logits": doubled},
        {"law": neft.ChipLaw(neft.RunConfig().device, neft.RunConfig().mapping, quantise=False)},
        {"law": neft.chip_law(neft.make_config({"scale": "channel"}))},
        {"law": neft.chip_law(neft.make_config({"programming": "write_verify"}))},
        {"law": neft.chip_law(neft.make_config({"read_noise": 0.01}))},
    ],
    ids=lambda other: next(iter(other)),
)
def test_whatever_changes_numbers_makes_another_run(store: RunStore, other: dict[str, Any]) -> None:
    made = other.pop("made", network())
    assert keep(store, network()) != keep(store, made, **other)


def test_the_same_again_is_refused_before_it_is_tried(store: RunStore) -> None:
    _ = keep(store, network())

    def never(_done: int, _accuracy: float) -> None:
        raise AssertionError

    with pytest.raises(RunExistsError, match="the same network, so tried on the same batches"):
        _ = keep(store, network(), title="called otherwise", on_instance=never)


def test_notes_become_the_runs_note(store: RunStore) -> None:
    softmax = nn.Sequential(network(), nn.Softmax(dim=1))
    note = read_note(keep(store, softmax))
    assert note is not None
    assert "The outputs are probabilities" in note.text


def test_runs_are_listed_and_compared_chip_by_chip(store: RunStore) -> None:
    ids = [keep(store, network(seed)) for seed in (0, 1)]
    records = [store.record(run_id) for run_id in ids]
    assert set(runs_table(records)[columns.RUN_ID]) == set(ids)
    compared = compare_runs([(record, store.instances(record)) for record in records])
    assert compared[compared[columns.RUN_ID] == ids[1]][columns.NUM_PAIRS].tolist() == [3, 3]


def test_chips_of_other_shapes_are_not_paired(store: RunStore) -> None:
    records = [store.record(keep(store, network(width=width))) for width in (6, 7)]
    compared = compare_runs([(record, store.instances(record)) for record in records])
    assert compared[columns.NUM_PAIRS].dropna().eq(0).all()


def test_runs_on_other_batches_are_not_compared(store: RunStore) -> None:
    records = [store.record(keep(store, network(), batches=batches(seed))) for seed in (0, 1)]
    with pytest.raises(ConfigError, match="tested on the same images"):
        _ = compare_runs([(record, store.instances(record)) for record in records])


def test_a_run_goes_to_another_machine_and_back(store: RunStore, tmp_path: Path) -> None:
    run_id = keep(store, network())
    here, there = (
        Stores(own=RunStore(tmp_path / name), shipped=RunStore(tmp_path / "none", read_only=True))
        for name in ("runs", "there")
    )
    bundle = io.BytesIO()
    _ = export_runs([run_id], here, bundle)
    (found,) = import_runs(bundle, there)
    assert found.status == "imported"
    assert there.own.record(run_id) == store.record(run_id)


def test_batches_of_a_data_set_may_be_said_to_be_so(store: RunStore) -> None:
    data = Digits().load(DataAccess(Path()))
    own = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    run_id = keep(store, own, batches=[(data.normalise(data.test.images), data.test.labels)], dataset=Digits())
    assert store.record(run_id).facts.dataset == "digits"


@pytest.mark.parametrize("family", [METHODS, BACKBONES, neft.datasets.DATASETS], ids=["method", "backbone", "dataset"])
def test_what_was_given_is_no_choice_of_a_training(family: dict[str, Any]) -> None:
    assert not any(member.is_given for member in family.values())


def test_what_was_given_is_not_trained(store: RunStore, tmp_path: Path) -> None:
    config = stored_config(store.record(keep(store, network())))
    with pytest.raises(DataMissingError, match="were given by a program and are not kept"):
        _ = run(config, Settings(RunStore(tmp_path / "other")))
    with pytest.raises(NeftError, match="was given by a program and is not kept"):
        _ = config.backbone.build(num_channels=3, image_size=8, num_classes=4)
