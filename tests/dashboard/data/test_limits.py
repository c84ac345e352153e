"""What the server refuses whatever a widget would have let through: what, given, allowed, in a sentence."""

import io
import tomllib
from pathlib import Path

import pytest

import dashboard
from dashboard.data import exchange, forms, own_devices, run_time
from neft.errors import BundleError, ConfigError

TRAINING = {"dataset": "mnist", "backbone": "vgg8", "method": "vanilla", "device": "rram1"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"width": 4.0, "image_size": 256}, r"images would have 8,\d{3},\d{3},\d{3} parameters; at most 300,000,000"),
        ({"epochs": 10**9}, r"epochs.* must lie in \[1, 10000\]; got 1000000000\."),
        ({"num_instances": 10**9}, r"chips.* must lie in \[1, 100000\]; got 1000000000\."),
        (
            {"num_instances": 100_000, "test_sigma_d": "0:0.3:0.02"},
            r"chips at all test σ_d together must be at most 1,500,000; got 1,600,000\.",
        ),
        ({"image_size": 10**6}, r"image size.* must lie in \[8, 256\] pixels; got 1000000\."),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_training_that_is_too_large_is_refused_before_it_queues(given: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        forms.planned(TRAINING | given)


@pytest.mark.parametrize("seeds", [0, -1, 21, 10**9])
def test_experiment_of_too_many_seeds_is_refused(seeds: int) -> None:
    with pytest.raises(ConfigError, match=rf"^Seeds must lie in \[1, 20\]; got {seeds:,}\."):
        run_time.of_sweep("decay_factors", {}, seeds=seeds, workers=1)


def test_bundle_that_is_too_large_is_refused_before_it_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_UPLOAD", 1)
    large = io.BytesIO(bytes(2 * exchange.MIB))

    with pytest.raises(BundleError, match=r"^The file has 2 MB; a page takes in at most 1\."):
        exchange.look_into(large, "some")
    with pytest.raises(BundleError, match=r"^The file has 2 MB; a page takes in at most 1\."):
        exchange.take_in(large, ())


def test_file_of_measurements_that_is_too_large_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 50 MB"):
        own_devices.measurements(bytes(50 * exchange.MIB + 1), None)


def test_server_takes_what_the_page_of_bundles_offers_and_no_more() -> None:
    config = Path(dashboard.__file__).with_name(".streamlit") / "config.toml"

    assert tomllib.loads(config.read_text(encoding="utf-8"))["server"]["maxUploadSize"] == exchange.MAX_UPLOAD
