"""What it costs to compute chips in fewer bits: the same networks on the same chips and images, in bfloat16 too."""

from itertools import product

from neft.chips.arithmetic import USUAL, Arithmetic
from neft.experiments.planning import PlannedRun, Scale, Standing, Stored
from neft.methods import Method, NoiseInjection, Ovf

METHODS: tuple[Method, ...] = (NoiseInjection(temperature=4), Ovf())
"""A method with feedback, and its control."""
OTHERS: tuple[Arithmetic, ...] = ("bfloat16",)
"""That any processor has."""


def arithmetic(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Every network in float32, and evaluated again in every other arithmetic."""
    at = scale.base.training.sigma_d
    found: list[PlannedRun] = []
    for seed, method in product(scale.seeds, METHODS):
        usual = scale.run(method, seed, test_sigma_d=at)
        standing = Standing(arithmetic.__name__, method.variant, USUAL, 0.0, at)
        found.append(PlannedRun(usual, keep_weights=True, standings=(standing,)))
        for place, other in enumerate(OTHERS, 1):
            evaluation = usual.evaluation.model_copy(update={"arithmetic": other})
            standing = Standing(arithmetic.__name__, method.variant, other, float(place), at)
            again = usual.model_copy(update={"evaluation": evaluation})
            found.append(PlannedRun(again, keep_weights=False, standings=(standing,), weights_of=usual.run_id))
    return found
