"""Schemes tried on a stored network: evaluations like any other, stored, and not computed twice."""

import shutil
from pathlib import Path

import pytest

from neft import columns as c
from neft.config import RunConfig
from neft.errors import ConfigError, StoppedError
from neft.evaluation.schemes import Scheme
from neft.experiments.schemes import with_scheme
from neft.mapping.stack import Mapping
from neft.pipeline import Settings, reevaluate
from neft.programming import OpenLoop, Residual, WriteVerify
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore, Stores
from neft.sweeps.schemes import (
    Bench,
    Trying,
    label,
    scheme_from_text,
    stored_evaluation,
    try_schemes,
)

PLAIN = Scheme(Mapping(), OpenLoop())
SCHEMES = (PLAIN, Scheme(Mapping(scale="channel"), OpenLoop()), Scheme(Mapping(), WriteVerify()))


@pytest.fixture
def stores(filled_store: RunStore, tmp_path: Path) -> Stores:
    _ = shutil.copytree(filled_store.root, tmp_path / "runs")
    return Stores(own=RunStore(tmp_path / "runs"), shipped=RunStore(tmp_path / "none", read_only=True))


def only(stores: Stores) -> RunRecord:
    (record,) = stores.own.list().records
    return record


def bench_of(stores: Stores, source: RunRecord, **settings: object) -> Bench:
    how = Settings(store=stores.own, pretrained_stores=stores, **settings)  # pyright: ignore[reportArgumentType]
    return Bench(source, stored_config(source), how, sigma_ds=(0.0, 0.1), num_instances=3)


def test_a_scheme_is_stored_as_the_evaluation_that_was_asked_for_alone(stores: Stores, tmp_path: Path) -> None:
    source = only(stores)
    found = try_schemes(bench_of(stores, source), SCHEMES)
    config = with_scheme(stored_config(source), SCHEMES[2], sigma_ds=(0.0, 0.1), num_instances=3)
    elsewhere = Stores(own=RunStore(tmp_path / "other"), shipped=RunStore(stores.own.root, read_only=True))

    # in a store that has not got it yet
    shutil.rmtree(stores.own.root / config.run_id)
    alone = reevaluate(source, config, Settings(store=elsewhere.own, pretrained_stores=elsewhere))

    assert alone.id == found.schemes[2].run_id
    chips = elsewhere.own.instances(alone)[[c.SIGMA_D, c.INSTANCE, c.ACCURACY]]
    assert found.schemes[2].chips[list(chips.columns)].to_numpy().tolist() == chips.to_numpy().tolist()


def test_weights_are_kept_with_the_source_alone(stores: Stores) -> None:
    source = only(stores)
    found = try_schemes(bench_of(stores, source), SCHEMES[1:])
    assert WEIGHTS in source.files
    assert all(WEIGHTS not in stores.own.record(one.run_id).files for one in found.schemes)


def test_the_run_itself_is_its_own_scheme(stores: Stores) -> None:
    source = only(stores)
    found = try_schemes(bench_of(stores, source), [PLAIN])
    assert found.schemes[0].run_id == source.id
    assert len(stores.own.ids()) == 1


def test_what_is_stored_is_not_computed_again(stores: Stores) -> None:
    source = only(stores)
    first = try_schemes(bench_of(stores, source), SCHEMES)
    told: list[Trying] = []

    again = try_schemes(bench_of(stores, source), SCHEMES, on_progress=told.append)

    assert again.chips.equals(first.chips)
    assert [one.total for one in told] == [0] * len(SCHEMES)


def test_fewer_chips_are_taken_from_an_evaluation_of_more_beside_a_damaged_one(stores: Stores) -> None:
    source = only(stores)
    whole = try_schemes(bench_of(stores, source), SCHEMES[1:2])
    damaged = stores.own.root / f"{source.id[:-8]}{0:08x}"
    damaged.mkdir()
    (damaged / RECORD).write_text("{")
    fewer = with_scheme(stored_config(source), SCHEMES[1], sigma_ds=(0.1,), num_instances=2)

    found = stored_evaluation(fewer, stores)

    assert found is not None
    assert found.id == whole.schemes[0].run_id


@pytest.mark.parametrize("more", [{"sigma_ds": (0.1, 0.2)}, {"num_instances": 4}])
def test_more_chips_are_not(stores: Stores, more: dict[str, object]) -> None:
    source = only(stores)
    _ = try_schemes(bench_of(stores, source), SCHEMES[1:2])
    asked: dict[str, object] = {"sigma_ds": (0.1,), "num_instances": 2} | more
    assert stored_evaluation(with_scheme(stored_config(source), SCHEMES[1], **asked), stores) is None  # pyright: ignore[reportArgumentType]


def test_what_cannot_be_is_refused_and_the_others_go_on(stores: Stores) -> None:
    turned = Scheme(Mapping(sign="unipolar"), OpenLoop())
    found = try_schemes(bench_of(stores, only(stores)), [PLAIN, turned, SCHEMES[1]])
    assert [one.scheme for one in found.schemes] == [PLAIN, SCHEMES[1]]
    assert [one.scheme for one in found.refused] == [turned]
    assert "unipolar" in found.refused[0].reason


def test_where_nothing_can_be_it_says_why(stores: Stores) -> None:
    with pytest.raises(ConfigError, match="unipolar"):
        _ = try_schemes(bench_of(stores, only(stores)), [Scheme(Mapping(sign="unipolar"), OpenLoop())])


def test_a_stop_keeps_the_schemes_that_are_done(stores: Stores) -> None:
    done: list[str] = []

    def asks_to_stop() -> bool:
        return bool(done)

    bench = bench_of(stores, only(stores), should_stop=asks_to_stop)
    with pytest.raises(StoppedError):
        _ = try_schemes(bench, SCHEMES[1:], on_scheme=lambda one: done.append(str(one)))
    assert len(stores.own.ids()) == 2


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("default", PLAIN),
        ("scale=channel", SCHEMES[1]),
        ("write_verify", SCHEMES[2]),
        ("default~write_verify", SCHEMES[2]),
        ("scale=channel~residual:sides=one", Scheme(Mapping(scale="channel"), Residual(sides="one"))),
    ],
)
def test_a_scheme_is_written_as_its_key(text: str, scheme: Scheme) -> None:
    assert scheme_from_text(text, Mapping()) == scheme
    assert scheme_from_text(scheme.key, Mapping()) == scheme


@pytest.mark.parametrize("text", ["", "scale", "scale=channel~", "a~b~c", "scale=channel~unknown", "sides=one"])
def test_what_is_no_scheme_is_refused(text: str) -> None:
    if text:
        with pytest.raises(ConfigError):
            _ = scheme_from_text(text, Mapping())
    else:
        assert scheme_from_text(text, Mapping()) == PLAIN


def test_changes_are_made_in_the_mapping_of_the_run() -> None:
    assert scheme_from_text("scale=channel", Mapping(weight_bits=4)).mapping == Mapping(weight_bits=4, scale="channel")


def test_words_say_what_is_not_as_published() -> None:
    assert label(RunConfig(), PLAIN) == "as published"
    assert label(RunConfig(), Scheme(Mapping(copies=2), WriteVerify())) == "copies 2, write-verify"
