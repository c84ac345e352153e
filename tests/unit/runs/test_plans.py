"""Plans are kept beside the runs: whole or absent, checked when read, one bad file hiding no other."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neft.errors import StoreError
from neft.runs.plans import FOLDER, KEY_PATTERN, PLAN_VERSION, PlanEntry, PlanRecord, load_plans, save_plan

RUN_ID = "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"
texts = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
entries = st.builds(
    PlanEntry,
    experiment=texts,
    series=texts,
    setting=st.from_regex(KEY_PATTERN, fullmatch=True),
    position=numbers,
    sigma_d=numbers,
    seed=st.integers(0, 10**6),
    run_id=texts,
)


def an_entry(**changes: object) -> PlanEntry:
    known: dict[str, object] = {
        "experiment": "delta_sigma",
        "series": "ovf",
        "setting": "delta_sigma_0.05",
        "position": 0.05,
        "sigma_d": 0.1,
        "seed": 0,
        "run_id": RUN_ID,
    }
    return PlanEntry.model_validate(known | changes)


def a_plan(name: str = "delta_sigma", *chosen: PlanEntry) -> PlanRecord:
    return PlanRecord(
        name=name, preset="delta_sigma", command="neft sweep delta_sigma", entries=chosen or (an_entry(),)
    )


@given(chosen=st.lists(entries, max_size=4), command=texts)
def test_plan_survives_its_file(
    chosen: list[PlanEntry], command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("plans")
    plan = PlanRecord(name="accuracy-1a2b3c4d", preset="accuracy", command=command, entries=tuple(chosen))

    save_plan(root, plan)

    assert load_plans(root) == ({"accuracy-1a2b3c4d": plan}, {})


def test_every_entry_is_a_line_that_people_can_read(tmp_path: Path) -> None:
    save_plan(tmp_path, a_plan("delta_sigma", an_entry(), an_entry(seed=1)))

    lines = (tmp_path / FOLDER / "delta_sigma.json").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if RUN_ID in line and "delta_sigma_0.05" in line]) == 2


def test_plan_saved_again_replaces_the_earlier_one_and_leaves_no_draft(tmp_path: Path) -> None:
    save_plan(tmp_path, a_plan())
    later = a_plan("delta_sigma", an_entry(seed=1), an_entry(seed=2))
    save_plan(tmp_path, later)

    assert load_plans(tmp_path)[0] == {"delta_sigma": later}
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["delta_sigma.json"]


def test_store_without_plans_has_none(tmp_path: Path) -> None:
    assert load_plans(tmp_path) == ({}, {})
    assert load_plans(tmp_path / "nowhere") == ({}, {})


def test_experiments_are_named_once_in_their_order() -> None:
    plan = a_plan("x", an_entry(experiment="beta"), an_entry(experiment="accuracy"), an_entry(experiment="beta"))

    assert plan.experiments == ("beta", "accuracy")


def without(name: str) -> str:
    raw = json.loads(a_plan().model_dump_json())
    del raw[name]
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a plan"),
        ("{", "not a plan"),
        ("\udcff", "not a plan"),
        ('{"plan_version": "many"}', "not a plan"),
        ('{"plan_version": []}', "not a plan"),
        ('{"plan_version": Infinity}', "not a plan"),
        ("[" * 100_000, "not a plan"),
        ("[]", "PlanRecord"),
        (without("entries"), "PlanRecord.entries is required."),
        (without("name"), "PlanRecord.name is required."),
        (a_plan().model_dump_json().replace('"seed":0', '"seed":"x"'), "PlanEntry.seed must be a valid integer"),
    ],
    ids=["empty", "cut", "bytes", "word", "list", "infinite", "deep", "no object", "no entries", "no name", "no seed"],
)
def test_file_that_is_no_plan_is_named_while_the_others_load(tmp_path: Path, text: str, reason: str) -> None:
    save_plan(tmp_path, a_plan())
    (tmp_path / FOLDER / "broken.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    plans, problems = load_plans(tmp_path)

    assert plans == {"delta_sigma": a_plan()}
    assert list(problems) == ["broken"]
    assert reason in problems["broken"]


def test_plan_of_a_newer_version_is_named_as_one(tmp_path: Path) -> None:
    raw = a_plan().model_dump(mode="json") | {"plan_version": PLAN_VERSION + 1, "what": "nobody knows yet"}
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "later.json").write_text(json.dumps(raw), encoding="utf-8")

    assert load_plans(tmp_path) == ({}, {"later": "made by a newer version of neft"})


@pytest.mark.parametrize(
    "name", ["", "..", "../accuracy", "a/b", "/etc/passwd", "a\\b", "Accuracy", "a.json", "accuracy\n", "a\0", "a-123"]
)
def test_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        a_plan(name)


@pytest.mark.parametrize("name", ["accuracy", "paper_digits", "accuracy-1a2b3c4d"])
def test_name_of_a_preset_with_or_without_a_key_is_taken(name: str) -> None:
    assert a_plan(name).name == name


def test_number_that_is_none_has_no_place_in_a_plan() -> None:
    with pytest.raises(ValidationError):
        an_entry(position=math.nan)


def test_plan_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"The plan 'delta_sigma' cannot be written to '.*plans': Not a directory\."):
        save_plan(tmp_path / "file", a_plan())


def test_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / FOLDER).symlink_to(tmp_path / FOLDER)  # which nobody can follow

    plans, problems = load_plans(tmp_path)

    assert plans == {}
    assert "cannot be read" in problems[FOLDER]
