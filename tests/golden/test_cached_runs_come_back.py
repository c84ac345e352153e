"""Numbers that ship come back: ids from configs, summaries from chips, chips from weights.

Trainings are not repeated here: sums in another order on another CPU move a training's last bits, and each step the
next one's. A stored network's chips are: what they get right is a count, the same unless two logits tie.
"""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.evaluation.deviations import layer_deviations
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.race_track import ChipTrack
from neft.metrics import METRICS
from neft.networks.network import Network
from neft.pipeline import Settings, chip_law, load_data, network_on_chips, restore_network
from neft.runs import races
from neft.runs.facts import stored_config
from neft.runs.places import CACHED_RUNS
from neft.runs.records import RunRecord
from neft.runs.store import DEVIATIONS, LAYERS, RunStore, RunTables, Stores
from neft.tables import summarise

STORE = RunStore(CACHED_RUNS, read_only=True)
STORES = Stores(own=STORE, shipped=STORE)
RECORDS = STORE.list().records
NUM_CHIPS = 2
LAST_DIGITS = 64 * float(np.finfo(np.float32).eps)
"""What float32 keeps of a logit below 64: sums in another order, as another CPU does them, differ by so much."""


def one_of_each() -> dict[str, RunRecord]:
    """A run on digits, which need no download, of each method on each network, among those that kept their weights."""
    kept = [record for record in RECORDS if "weights.safetensors" in record.files and record.facts.dataset == "digits"]
    found: dict[str, RunRecord] = {}
    for record in kept:
        _ = found.setdefault(f"{record.facts.method}, {record.facts.backbone}", record)
    return found


EACH = one_of_each()


@pytest.fixture(scope="module", params=EACH)
def record(request: pytest.FixtureRequest) -> RunRecord:
    """One run of each method on each network."""
    return EACH[request.param]


@pytest.fixture(scope="module")
def network(record: RunRecord) -> Network:
    """As it was deployed."""
    config = stored_config(record)
    return restore_network(config, load_data(config, Settings(store=STORE)), STORE.weights(record))


@pytest.fixture(scope="module")
def chips(record: RunRecord, network: Network) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first chips at the least and the largest variation, tried again, and as they are stored."""
    config = stored_config(record)
    sigma_ds = sorted({min(filter(None, config.evaluation.sigma_ds)), max(config.evaluation.sigma_ds)})
    again = evaluate(
        network,
        load_data(config, Settings(store=STORE)),
        chip_law(config),
        sigma_ds=sigma_ds,
        num_instances=NUM_CHIPS,
        seed=config.evaluation.seed,
    )
    stored = STORE.instances(record)
    stored = stored[stored[c.SIGMA_D].isin(sigma_ds) & (stored[c.INSTANCE] < NUM_CHIPS)].reset_index(drop=True)
    assert len(stored) == NUM_CHIPS * len(sigma_ds)
    return again, stored


def test_every_method_of_the_papers_is_among_them() -> None:
    """Most of the others ship without weights."""
    assert {record.facts.method for record in EACH.values()} >= {"vanilla", "noise_injection", "ovf", "irs"}


def test_ids_come_back_from_the_stored_configs() -> None:
    assert len(RECORDS) == len(STORE.ids())
    assert [stored_config(record).run_id for record in RECORDS] == [record.id for record in RECORDS]


def test_summaries_come_back_from_the_stored_chips_in_every_fourth_run() -> None:
    assert RECORDS
    for record in RECORDS[::4]:
        again = {one.sigma_d: one.metrics for one in summarise(STORE.instances(record), METRICS)}
        for stored in record.summary.test:
            found = {name: again[stored.sigma_d][name] for name in stored.metrics}
            assert found == stored.metrics, record.id


def test_accuracies_of_chips_come_back_to_the_bit(chips: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    again, stored = chips
    for name in (c.SIGMA_D, c.INSTANCE, c.ACCURACY):
        np.testing.assert_array_equal(again[name], stored[name])


@pytest.mark.parametrize("name", [c.EKL, c.MEAN_CONFIDENCE, c.CALIBRATED_EKL, c.CALIBRATION_TEMPERATURE])
def test_what_chips_are_sure_of_comes_back_to_the_last_digits(
    name: str, chips: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    again, stored = chips
    np.testing.assert_allclose(again[name], stored[name], rtol=LAST_DIGITS, atol=LAST_DIGITS)


def test_deviations_of_weights_come_back_to_the_bit(record: RunRecord, network: Network, tmp_path: Path) -> None:
    stored = STORE.tables(record)
    law, seed = chip_law(stored_config(record)), stored_config(record).evaluation.seed
    layers, deviations = layer_deviations(network, law, seed=seed)

    again = RunStore(tmp_path)
    written = again.save(record, RunTables(stored.history, stored.instances, layers, deviations))

    assert written.files[LAYERS].sha256 == record.files[LAYERS].sha256
    unpacked = [gzip.decompress((store.root / record.id / DEVIATIONS).read_bytes()) for store in (again, STORE)]
    assert unpacked[0] == unpacked[1]


# ---------------------------------------------------------------- races
RACED = [record for record in RECORDS if races.listed(record).records]


def test_races_ship() -> None:
    assert RACED


@pytest.mark.parametrize("raced", RACED, ids=lambda record: record.id)
def test_the_worst_chip_of_a_race_comes_back(raced: RunRecord) -> None:
    config = stored_config(raced)
    network, data, law = network_on_chips(raced, config, Settings(store=STORE, pretrained_stores=STORES))
    for race in races.listed(raced).records:
        track = ChipTrack(network, data, law, sigma_d=race.asked.sigma_d, seed=config.evaluation.seed)
        again = track.see_all(race.instances[0]).accuracy
        # an image whose two largest logits tie may tip on another CPU
        assert again == pytest.approx(race.accuracies[0], abs=1.01 / race.num_images)
