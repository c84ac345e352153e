"""Recipes of a training that leave open the method, its device variation and the seed."""

from neft.experiments.presets import PRESETS
from neft.experiments.recipes import RECIPES
from neft.options import make_config


def test_a_training_as_in_the_paper_is_one_of_the_papers_comparison() -> None:
    made = make_config({**RECIPES["paper"].options, "method": "ovf", "sigma_d": 0.1, "seed": 3})
    assert made.run_id in {planned.run_id for planned in PRESETS["paper_digits"].known_runs}
