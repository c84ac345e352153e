"""Help says what there is, with symbols, bounds and defaults."""

import re

import pytest

from neft.cli import VERBS
from neft.options import FAMILIES, option_table
from tests.cli.conftest import Neft


def help_of(neft: Neft, verb: str) -> str:
    """A verb's help in one line."""
    answer = neft(verb, "--help")
    assert answer.code == 0
    return re.sub(r"\s+", " ", answer.out)


def test_help_names_every_verb(neft: Neft) -> None:
    answer = neft("--help")

    assert answer.code == 0
    for verb, words in VERBS.items():
        assert re.search(rf"^  {verb} +{re.escape(words)}$", answer.out, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(neft: Neft, verb: str) -> None:
    assert f"Usage: neft {verb}" in help_of(neft, verb)


@pytest.mark.parametrize(
    "verb", ["", "train", "evaluate", "sweep", "leaderboard", "compare", "export", "import", "worst-case"]
)
def test_examples_stand_on_lines_of_their_own(neft: Neft, verb: str) -> None:
    shown = neft(*verb.split(), "--help").out

    assert "\\b" not in shown
    assert len(re.findall(rf"^    neft {verb}", shown, re.MULTILINE)) >= 3


@pytest.mark.parametrize(
    "words",
    [
        "--beta NUMBER β: Feedback coefficient. In [0, 1]. For ovf, irs. [default: ovf 0.001, irs 0.01]",
        "--num-feedback COUNT N: Number of feedback terms. In [1, 16]. For ovf, irs. [default: 3]",
        "--sigma-d NUMBER train σ_d: Device variation while training",
        "In [0, 1]. [default: 0.1]",
        "--device-bits COUNT K: Bits that one device holds; must divide the weight bits. In [1, 8] bits. [default: 2]",
        "[default: 0:0.4:0.05]",
        "a fixed count of chips if not given. In (0, 0.5]. Without a value: 0.01.",
    ],
)
def test_help_shows_symbol_bounds_and_default(neft: Neft, words: str) -> None:
    assert words in help_of(neft, "train")


def test_train_has_an_option_for_every_setting_of_a_config(neft: Neft) -> None:
    shown = help_of(neft, "train")

    for option in option_table().values():
        assert f"{option.flag} " in shown
    for family, components in FAMILIES.items():
        assert f"--{family} NAME One of: {', '.join(components)}." in shown


def test_evaluate_has_the_options_of_test_chips_and_where_images_lie(neft: Neft) -> None:
    shown = help_of(neft, "evaluate")
    of_chips = {"mapping", "programming", "converters", "evaluation", "effects"}

    for option in option_table().values():
        assert (f"{option.flag} " in shown or f"{option.flag}/" in shown) == (
            option.part in of_chips or option.is_place
        )


def test_version_is_the_packages(neft: Neft) -> None:
    assert re.fullmatch(r"neft, version \d+\.\d+\.\d+\n", neft("--version").out)
