"""A device of one's own: its levels, what a file makes of them, what they do to a network, and handing it on."""

import json
import shlex
from collections.abc import Mapping
from hashlib import sha256

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import own_devices, previews
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.device_editor import FILE, G_MAX, START, form_address
from neft import columns
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.devices import PUBLISHED, Measured
from neft.devices.lab_files.examples import EXAMPLES
from neft.devices.presets import PRESETS
from neft.networks.backbones import Mlp
from neft.options import make_config
from neft.pipeline import Settings, run
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore, Stores
from tests.dashboard.driver import charts, open_page, traces, words

LEVELS, CODES, MEASURED, CURVES = "Std of each of", "Std of a weight's", "Histograms of", "Accuracy against device"
UNEVEN = {"stds": "0.2,1,2,1", "own_at": "0.08", "called": "mine"}


def a_run(store: RunStore, method: str = "irs") -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == method)


def line(app: AppTest) -> str:
    return str(app.text_input(key="stds").value)


def sigma_d(app: AppTest) -> float:
    return float(app.number_input(key="own_at").value or 0)


def upload(app: AppTest, content: bytes, name: str = "wafer 7.csv") -> AppTest:
    return app.file_uploader(key=FILE).set_value((name, content, "text/csv")).run()


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """A tiny run that was trained and tried on a device of one's own."""
    folder = tmp_path_factory.mktemp("own_device")
    store = RunStore(folder / "runs")
    stores = Stores(own=store, shipped=RunStore(folder / "none", read_only=True))
    config = RunConfig.make(
        dataset=Digits(max_train=200),
        backbone=Mlp(hidden_layers=2, hidden_units=16),
        device=Measured(stds=(0.2, 1, 2, 1), title="my device"),
        training=TrainingConfig(epochs=1, validation_instances=2),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1, 0.2), num_instances=3),
    )
    run(config, Settings(store=store, pretrained_stores=stores, unfinished_root=folder / "unfinished"))
    return store


@pytest.fixture
def run_on_it(one_run: RunStore, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """Likewise, the only stored run."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", one_run.root)
    return one_run.list().records[0]


# ---------------------------------------------------------------- the page
def test_page_opens_on_a_measured_device_and_says_what_it_does(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = open_page(Page.DEVICE, run=record.id)

    assert not app.exception
    assert len(charts(app)) == 3
    text = words(app)
    # 1.322 / 0.234 = 5.6
    assert "**RRAM after 1 day (Wan 2022)** misses most in level 1: 5.6 times as far as in its best level, 0." in text
    assert "= 0.07491 the network (IRS" in text
    assert "on RRAM1, the device it was tested on," in text
    assert "neft train" in text
    assert "--level-stds 0.234,1.322,1.189,0.8848" in text


def test_address_holds_the_device(shipped: RunStore) -> None:
    app = open_page(Page.DEVICE, run=a_run(shipped).id, **UNEVEN)

    assert "**mine** misses most in level 2: 10 times as far as in its best level, 0." in words(app)
    own = next(trace for trace in traces(app, LEVELS) if trace["name"] == "mine")
    assert own["y"] == [0.2, 1, 2, 1]
    assert {trace["name"] for trace in traces(app, LEVELS)} == {"RRAM1", "FeFET2", "RRAM4", "FeFET6", "mine"}
    codes = next(trace for trace in traces(app, CODES) if trace["name"] == "mine")
    # code 0 has all slices in level 0: 0.777628 * 0.2
    assert codes["y"][0] == pytest.approx(0.155526, abs=1e-6)
    assert len(codes["y"]) == 256


def test_curves_are_the_previews_on_either_device(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = open_page(Page.DEVICE, run=record.id, **UNEVEN)

    drawn = {trace["name"]: trace for trace in traces(app, CURVES) if trace.get("name")}
    assert drawn["mine"]["x"] == pytest.approx([0.02 * step for step in range(9)])
    again = previews.curve(record, "measured:0.2,1,2,1", 0.16)
    assert again.last.num_passes == 2  # the page drew the first and computed one more
    at = again.last.curve.set_index(columns.SIGMA_D)[columns.MEAN]
    assert drawn["mine"]["y"][0] == pytest.approx(100 * at[0.0])
    assert drawn["RRAM1"]["y"][0] == pytest.approx(100 * at[0.0])


def test_other_bits_slice_the_network_anew(shipped: RunStore) -> None:
    app = open_page(Page.DEVICE, run=a_run(shipped).id, stds="1,1.2,1.4,1.6,1.6,1.4,1.2,1", own_at="0.05")

    assert not app.exception
    assert "A magnitude of 9 bits on 3 devices of 3." in words(app)
    assert {trace["name"] for trace in traces(app, LEVELS)} == {"RRAM1", "this device"}
    assert "--device-bits 3" in words(app)
    assert "neft evaluate" not in words(app)


def test_starting_from_a_technology_takes_its_levels(shipped: RunStore) -> None:
    app = open_page(Page.DEVICE, run=a_run(shipped).id)

    app = app.selectbox(key=START).set_value("fefet6").run()

    assert line(app) == "0.2582,1.549,1.549,0.2582"
    assert "**FeFET6** misses most in level 1: 6 times" in words(app)
    assert app.selectbox(key=START).value is None
    app = app.selectbox(key=START).set_value("pcm_joshi").run()
    assert line(app) == "0.3329,0.9235,1.225,1.239"
    assert app.number_input(key="own_at").value == pytest.approx(0.03441)


def test_other_bits_take_the_fit_at_more_levels_and_an_edited_device_on_straight_lines(shipped: RunStore) -> None:
    app = open_page(Page.DEVICE, run=a_run(shipped).id)

    app = app.button_group(key="own_bits").set_value(1).run()
    assert line(app) == "0.3615,1.367"
    app = app.selectbox(key=START).set_value("rram4").run()
    assert line(app) == "0.378,1.512,1.512,0.378"
    app = app.button_group(key="own_bits").set_value(1).run()
    assert line(app) == "0.378,0.378"
    assert app.text_input(key="called").value == ""
    app = app.text_input(key="stds").set_value("1,2").run()
    app = app.button_group(key="own_bits").set_value(2).run()
    assert line(app) == "1,1.333,1.667,2"
    assert app.text_input(key="called").value == ""


@pytest.mark.parametrize(
    ("stds", "sentence"),
    [
        ("1,x", "Level stds must be numbers separated by commas"),
        ("1,2,3", "must be one number a level, 2^K of them"),
        ("0,0", "must have a level that misses"),
        (",".join(["1"] * 32), "This page edits up to 16 levels; got 32."),
    ],
)
def test_wrong_levels_are_named_with_a_way_on(shipped: RunStore, stds: str, sentence: str) -> None:
    app = open_page(Page.DEVICE, stds=stds)

    assert not app.exception
    assert sentence in app.error[0].value
    app = next(button for button in app.button if button.label == "Start again").click().run()
    assert not app.error
    assert len(charts(app)) == 3


@pytest.mark.parametrize("address", [{"own_at": "7"}, {"own_at": "x", "called": "y" * 99}, {"run": "../../etc"}])
def test_other_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: Mapping[str, str]) -> None:
    app = open_page(Page.DEVICE, stds="1,2,2,1", **address)

    assert not app.exception
    assert app.error or len(charts(app)) == 3


def test_without_weights_the_device_is_still_shown(shipped: RunStore) -> None:
    for record in shipped.list().records:
        files = {name: file for name, file in record.files.items() if name != WEIGHTS}
        (shipped.root / record.id / RECORD).write_text(record.model_copy(update={"files": files}).model_dump_json())

    app = open_page(Page.DEVICE)

    assert not app.exception
    assert len(charts(app)) == 2
    assert "no stored run kept its weights" in words(app)


# ---------------------------------------------------------------- files
def test_example_file_gives_the_device_with_intervals_and_hills(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), EXAMPLES["raw"].content())

    assert not app.exception
    found = own_devices.measurements(EXAMPLES["raw"].content(), None)
    assert line(app) == own_devices.levels_text(own_devices.brief(found.level_stds))
    assert app.text_input(key="called").value == "wafer 7"
    assert app.number_input(key="own_at").value == pytest.approx(found.sigma_d, rel=1e-3)
    own = next(trace for trace in traces(app, LEVELS) if trace["name"] == "wafer 7")
    assert own["error_y"]["array"] is not None
    assert len(traces(app, MEASURED)) == 8
    assert foreign("240 measurements, 60 a level.") in words(app)
    app = app.text_input(key="stds").set_value("1,1,1,1").run()
    assert "no longer the file's" in words(app)


def test_file_in_a_unit_of_conductance_needs_its_maximum(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), b"level;std\n0;0,5\n1;3,5\n")
    assert foreign("give the maximal conductance g_max") in app.error[0].value

    app = app.number_input(key=G_MAX).set_value(50.0).run()

    assert not app.error
    assert line(app) == "0.2,1.4"


def test_wrong_file_is_named_and_leaves_the_device(shipped: RunStore) -> None:
    app = open_page(Page.DEVICE, run=a_run(shipped).id, **UNEVEN)

    app = upload(app, b"level,std\n0,a\n")

    assert foreign("Line 2, column 'std': must be a number >= 0; got 'a'.") in app.error[0].value
    assert line(app) == UNEVEN["stds"]
    assert len(charts(app)) == 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_taken_over_with_its_checksum(shipped: RunStore, example: str) -> None:
    content = EXAMPLES[example].content()

    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), content, EXAMPLES[example].file_name)

    assert not app.exception
    assert not app.error
    found = own_devices.measurements(content, None)
    assert line(app) == own_devices.levels_text(own_devices.brief(found.level_stds))
    assert f"--device-file-sha256 {sha256(content).hexdigest()}" in words(app)


def test_edited_levels_are_no_longer_the_files(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), EXAMPLES["raw"].content())

    app = app.text_input(key="stds").set_value("1,2,2,1").run()

    assert "--device-file-sha256" not in words(app)


def test_address_keeps_the_checksum_of_a_file_that_is_not_there(shipped: RunStore) -> None:
    checksum = "0123456789abcdef" * 4

    app = open_page(Page.DEVICE, run=a_run(shipped).id, from_file=checksum, **UNEVEN)

    assert f"--device-file-sha256 {checksum}" in words(app)
    assert app.text_input(key="from_file").value == checksum


def test_small_and_large_sigma_d_of_a_file_are_kept(shipped: RunStore) -> None:
    app = open_page(Page.DEVICE, run=a_run(shipped).id)

    app = upload(app, b"level,std\n0,0.0002\n1,0.0004\n2,0.0004\n3,0.0002\n")
    assert app.number_input(key="own_at").value == pytest.approx(0.0003162)
    assert "--sigma-d 0.000316" in words(app)

    app = upload(app, b"level,std\n0,0.7\n1,0.9\n")
    assert app.number_input(key="own_at").value == pytest.approx(0.8062)
    assert "--test-sigma-d 0,0.4031,0.8062,1" in words(app)
    assert not app.exception


def test_levels_at_a_later_time_are_taken_over(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), EXAMPLES["retention"].content())
    early = sigma_d(app)
    assert "What else it tells" in words(app)
    assert "--level-bias" in words(app)

    app = app.select_slider(key="own_at_time").set_value(1000.0).run()

    assert sigma_d(app) > 1.3 * early
    assert app.select_slider(key="own_at_time").value == 1000


def test_a_column_that_is_said_takes_the_place_of_the_guess(shipped: RunStore) -> None:
    rows = [f"{level},{level * 10 + (row % 3)},{level * 10 + 4 * (row % 5)}" for row in range(40) for level in range(4)]
    content = "\n".join(["level,first,second", *rows]).encode()
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), content)
    assert app.selectbox(key="own_role_measured").value == "first"
    first = sigma_d(app)

    app = app.selectbox(key="own_role_measured").set_value("second").run()

    assert not app.error
    assert sigma_d(app) > 2 * first
    assert app.selectbox(key="own_role_measured").value == "second"
    assert app.selectbox(key="own_role_level").value == "level"


def test_a_unit_that_is_said_is_converted(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), b"level,std\n0,0.5\n1,0.7\n")

    app = app.text_input(key="own_unit_std").set_value("%").run()

    assert app.number_input(key="own_at").value == pytest.approx(0.006083)


def test_another_file_begins_with_guesses_again(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), b"level,std\n0,0.5\n1,0.7\n")
    app = app.text_input(key="own_unit_std").set_value("%").run()

    app = upload(app, b"level,std\n0,0.05\n1,0.07\n", "other.csv")

    assert app.number_input(key="own_at").value == pytest.approx(0.06083)
    assert app.text_input(key="own_unit_std").value == ""


def test_many_levels_are_thinned_to_what_the_page_edits(shipped: RunStore) -> None:
    rows = "\n".join(f"{level},{level},{1 + level / 60}" for level in range(60))

    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), f"level,target,std (%)\n{rows}\n".encode())

    assert len(line(app).split(",")) == 16
    assert "Of the file's 60 levels" in words(app)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"t,I,V\n0,1e-9,0.1\n1,2e-9,0.2\n", "The file looks like an I–V sweep"),
        (b"PK\x03\x04", "The file looks like an Excel workbook"),
    ],
)
def test_what_is_no_device_data_leaves_the_device(shipped: RunStore, content: bytes, sentence: str) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id, **UNEVEN), content)

    assert sentence in app.error[0].value
    assert line(app) == UNEVEN["stds"]


def test_devices_that_never_miss_are_not_taken_over(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id, **UNEVEN), b"states,mean,std\n0,1,0\n1,2,0\n")

    assert not app.error
    assert "there is nothing to try" in app.info[0].value
    assert line(app) == UNEVEN["stds"]


# ---------------------------------------------------------------- a run on it
@pytest.mark.parametrize("page", [Page.EXPLORE, Page.PREVIEW, Page.RUNS, Page.CHIP])
def test_run_on_an_own_device_is_shown_like_any_other(run_on_it: RunRecord, page: Page) -> None:
    app = open_page(page, run=run_on_it.id)

    assert not app.exception
    assert not app.error
    assert "my device" in words(app) or page != Page.PREVIEW


def test_run_on_an_own_device_is_selected_by_its_title(run_on_it: RunRecord) -> None:
    app = open_page(Page.EXPLORE, device="my device")

    assert not app.exception
    assert app.selectbox(key="device").value == "measured:0.2,1,2,1:my device"
    assert len(charts(app)) >= 2


def test_own_device_is_tried_beside_another_own_device(run_on_it: RunRecord) -> None:
    app = open_page(Page.DEVICE, run=run_on_it.id, stds="1,1,1,1", own_at="0.05")

    assert not app.exception
    assert "on my device, the device it was tested on," in words(app)


# ---------------------------------------------------------------- handing it on
def test_csv_is_read_as_the_same_device() -> None:
    # sqrt((0.2^2 + 1.4^2)/2) = 1: level stds as the page itself scales them
    device = own_devices.own_device("0.2,1.4", "")

    found = own_devices.measurements(own_devices.as_csv(device, 0.05), None)

    assert found.sigma_d == pytest.approx(0.05)
    assert found.level_stds == pytest.approx(device.stds)


def test_json_is_a_config_for_the_command_line(shipped: RunStore) -> None:
    device = own_devices.own_device("0.2,1.4", "mine")

    config = RunConfig.from_json(own_devices.handover(a_run(shipped), device, 0.05).json)

    assert config.device == Measured(stds=(0.2, 1.4), title="mine")
    assert config.training.sigma_d == 0.05
    assert (config.mapping.weight_bits, config.mapping.device_bits) == (8, 1)


def test_commands_make_the_run_on_this_device(shipped: RunStore) -> None:
    record, device = a_run(shipped), own_devices.own_device("0.2,1,2,1", "my device")
    stored = RunConfig.from_json(json.dumps(record.config))
    found = own_devices.handover(record, device, 0.08)

    parts = shlex.split(found.train)[2:]
    given = {
        flag.removeprefix("--").replace("-", "_"): value for flag, value in zip(parts[::2], parts[1::2], strict=True)
    }

    made = make_config(given)
    assert made.device == Measured(stds=(0.2, 1, 2, 1), title="my device")
    assert made.training == stored.training.model_copy(update={"sigma_d": 0.08})
    assert made.evaluation.sigma_ds == (0, 0.04, 0.08, 0.12, 0.16)
    same = ("dataset", "backbone", "method", "mapping")
    assert [getattr(made, part) for part in same] == [getattr(stored, part) for part in same]
    evaluate = shlex.split(found.evaluate or "")
    assert evaluate[:3] == ["neft", "evaluate", record.id]
    assert evaluate[4] == "measured:0.2,1,2,1:my device"


def test_train_page_opens_with_the_device_filled_in(shipped: RunStore) -> None:
    device = own_devices.own_device("0.2,1,2,1", "my device")

    app = open_page(Page.TRAIN, **form_address(device, own_devices.weights_on_device(None, device), 0.08))

    assert not app.exception
    assert "--level-stds 0.2,1,2,1 --device-title 'my device'" in words(app)
    assert "--sigma-d 0.08" in words(app)


FROM_NOTHING = tuple(name for name, preset in PRESETS.items() if preset.on_off_ratio is None)
"""Presets whose level 0 conducts nothing, as a device of one's own does."""


def test_starts_are_the_measured_and_the_published_devices() -> None:
    assert list(own_devices.start_labels()) == [*FROM_NOTHING, *PUBLISHED]


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("name", [*FROM_NOTHING, *PUBLISHED])
def test_every_start_is_a_device_with_a_source(name: str, bits: int) -> None:
    start = own_devices.start(name, bits)

    device = own_devices.own_device(own_devices.levels_text(start.stds), start.label)
    assert (device.stds, device.title) == (start.stds, start.label)
    assert start.source
    assert (start.sigma_d is not None) == (name in FROM_NOTHING)


def test_names_of_columns_bring_no_link(shipped: RunStore) -> None:
    assert shipped.ids()
    link = "http://example.org/a.png"

    app = upload(open_page(Page.DEVICE), f"level,{link}\n0,a\n1,b\n".encode())

    assert link not in app.error[0].value
    assert foreign(link) in app.error[0].value


def test_chips_of_a_later_time_are_asked_for_by_the_file_s_own_law(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), EXAMPLES["retention"].content())
    assert "--retention-seconds" not in words(app)

    app.number_input(key="own_later").set_value(1e6).run()

    assert not app.exception
    assert "--retention-seconds 1e+06 --retention-law given" in words(app)


def test_files_without_times_ask_for_none(shipped: RunStore) -> None:
    app = upload(open_page(Page.DEVICE, run=a_run(shipped).id), EXAMPLES["raw"].content())

    assert "own_later" not in [field.key for field in app.number_input]
