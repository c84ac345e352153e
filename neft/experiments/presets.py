"""Named experiments: what to train and evaluate to answer one question. `neft sweep NAME` runs one.

To add one: a function in `neft/experiments/designs.py` with its words in `neft/experiments/questions.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.basic_motions import BasicMotions
from neft.datasets.digits import Digits
from neft.datasets.fashion_mnist import FashionMnist
from neft.experiments.arithmetic import arithmetic
from neft.experiments.designs import PLANS as EXPERIMENT_PLANS
from neft.experiments.first_look import first_look
from neft.experiments.leaderboard import leaderboard
from neft.experiments.planning import Plan, PlannedRun, Scale, Standing, Stored, merge
from neft.experiments.questions import EXPERIMENTS
from neft.experiments.schemes import SIGMA_DS, scheme_runs
from neft.experiments.training_budget import training_budget
from neft.experiments.tuning import tuned
from neft.experiments.uniform_unipolar import converter_bits, uniform_unipolar
from neft.methods import NoiseInjection, Ovf
from neft.networks.backbones import Cnn1d, Mlp, Resnet18, Vgg8

__all__ = ["ABLATION_SCALE", "PLANS", "PRESETS", "Part", "PlannedRun", "Preset", "Scale", "Standing", "Stored"]

PLANS: dict[str, Plan] = {
    **EXPERIMENT_PLANS,
    "training_budget": training_budget,
    "tuned": tuned,
    "leaderboard": leaderboard,
    "uniform_unipolar": uniform_unipolar,
    "converter_bits": converter_bits,
    "arithmetic": arithmetic,
}
"""How each experiment of `neft.experiments.questions` is planned."""

SIZED = (
    *("arithmetic", "converter_bits", "flat_weights", "leaderboard", "paper_width"),
    *("training_budget", "uniform_unipolar"),
)
"""Experiments with presets of their own, which no other preset holds."""
NUM_SCHEME_CHIPS = 300
"""Chips of each scheme: as many as bound a 1st percentile."""
ABLATION_SCALE = Scale(
    base=RunConfig(backbone=Vgg8(width=0.125), evaluation=EvaluationConfig(num_instances=100)), num_seeds=3
)
"""What ablations are run at unless told otherwise: a narrow VGG-8 on digits at sigma_d 0.1, on 100 chips."""


@dataclass(frozen=True)
class Part:
    """One experiment at one scale."""

    plan: Plan
    scale: Scale


@dataclass(frozen=True)
class Preset:
    """A named experiment, or several under one name."""

    name: str
    question: str
    parts: tuple[Part, ...] = ()
    fixed: Callable[[], list[PlannedRun]] | None = field(default=None)
    """The runs of a preset that has but one size."""
    along: tuple[str, ...] = ()
    """Presets that are made along, each with a plan of its own: the same question elsewhere. Not at another size."""

    @property
    def fixed_seeds(self) -> dict[str, int]:
        """By experiment how many seeds it is run with, unless one asks for another number."""
        names = {plan: name for name, plan in PLANS.items()}
        return {names[part.plan]: part.scale.num_seeds for part in self.parts}

    @cached_property
    def known_runs(self) -> tuple[PlannedRun, ...]:
        """Every run that is known to be needed before any is stored, each once; planned once a process."""
        return tuple(self.plan())

    def plan(
        self, stored: Stored = lambda _run_id: None, *, rescale: Callable[[Scale], Scale] = lambda scale: scale
    ) -> list[PlannedRun]:
        """Every run that is known to be needed, each once.

        Args:
            stored: finds the records of stored runs: a tuning's winner is known only when its trials are stored.
            rescale: changes the scale of every part.
        """
        if self.fixed is not None:
            return self.fixed()
        return merge(run for part in self.parts for run in part.plan(rescale(part.scale), stored))


def smoke() -> list[PlannedRun]:
    """Two very short trainings, to see that everything works."""
    training = TrainingConfig(epochs=2)
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=4)
    return [
        PlannedRun(RunConfig(backbone=Mlp(hidden_layers=2), method=method, training=training, evaluation=evaluation))
        for method in (NoiseInjection(), Ovf(num_feedback=1))
    ]


def _paper_digits() -> tuple[Part, ...]:
    """The main comparison and the count of failures at width 1/4, every other experiment at width 1/8."""
    main = Scale(base=RunConfig(dataset=Digits(), backbone=Vgg8(width=0.25)), num_seeds=5)
    failing = replace(
        main,
        base=main.base.model_copy(update={"training": TrainingConfig(sigma_d=0.2)}),
        num_seeds=10,
        num_compared=main.num_seeds,
    )
    blocks = replace(
        ABLATION_SCALE, base=ABLATION_SCALE.base.model_copy(update={"backbone": Resnet18(width=0.125)}), num_seeds=3
    )
    sizes = {"accuracy": main, "convergence": failing, "released_code": blocks}
    ablations = [Part(plan, ABLATION_SCALE) for name, plan in PLANS.items() if name not in {*sizes, *SIZED}]
    return (*ablations, *(Part(PLANS[name], scale) for name, scale in sizes.items()))


def _convergence_failing() -> tuple[Part, ...]:
    """Where trainings of plain noise injection fail, at the learning rate that validation prefers at this length.

    sigma_d was chosen by six trainings of noise injection from seeds 100 to 105 at each of 0.15 to 0.35, judged on
    validation chips: at 0.2 two ended 20 points below the rest, at 0.15 none; from 0.25 on the mean was 34 % or less.
    """
    base = RunConfig(
        dataset=Digits(),
        backbone=Vgg8(width=0.125),
        training=TrainingConfig(sigma_d=0.2, learning_rate=0.01),
        evaluation=EvaluationConfig(num_instances=100),
    )
    return (Part(PLANS["convergence"], Scale(base=base, num_seeds=20)),)


def _paper_fashion() -> tuple[Part, ...]:
    base = RunConfig(
        dataset=FashionMnist(image_size=16, max_train=10_000),
        backbone=Vgg8(width=0.125),
        training=TrainingConfig(epochs=8, max_validation=1_000),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.05, 0.1, 0.15, 0.2), num_instances=50, max_test=2_000),
    )
    return (Part(PLANS["accuracy"], Scale(base=base, num_seeds=3)),)


def _paper_width() -> tuple[Part, ...]:
    """VGG-8 at width 1, with as few images, epochs and chips as a processor gets through in hours."""
    base = RunConfig(
        dataset=FashionMnist(image_size=32, max_train=1_500),
        backbone=Vgg8(width=1.0),
        training=TrainingConfig(epochs=10, batch_size=32, validation_instances=2, max_validation=200),
        evaluation=EvaluationConfig(num_instances=20, max_test=500),
    )
    return (Part(PLANS["paper_width"], Scale(base=base, sigma_ds=(0.2, 0.4), num_seeds=1)),)


def _at_one_budget(**parts: Any) -> RunConfig:
    """Narrow VGG-8 on digits, 480 steps of 64 images, tried on enough chips to bound a 1st percentile."""
    usual: dict[str, Any] = {
        "backbone": Vgg8(width=0.125),
        "training": TrainingConfig(epochs=30, batch_size=64, sigma_d=0.2, validation_instances=3),
        "evaluation": EvaluationConfig(num_instances=400),
    }
    return RunConfig(**(usual | parts))


def _leaderboard() -> tuple[Part, ...]:
    base = _at_one_budget(evaluation=EvaluationConfig(num_instances=400, worst_case=(0.03,)))
    return (Part(PLANS["leaderboard"], Scale(base=base, sigma_ds=(0.1, 0.2, 0.4), num_seeds=5)),)


def _on_fashion(**evaluation: Any) -> RunConfig:
    """The same network on small Fashion-MNIST, 630 steps."""
    return _at_one_budget(
        dataset=FashionMnist(image_size=16, max_train=4_000),
        training=TrainingConfig(epochs=10, batch_size=64, sigma_d=0.2, validation_instances=3, max_validation=500),
        evaluation=EvaluationConfig(num_instances=400, max_test=500, **evaluation),
    )


def _leaderboard_fashion() -> tuple[Part, ...]:
    scale = Scale(base=_on_fashion(worst_case=(0.03,)), sigma_ds=(0.2, 0.4), num_seeds=3)
    return (Part(PLANS["leaderboard"], scale),)


def _schemes_digits() -> list[PlannedRun]:
    base = _at_one_budget(evaluation=EvaluationConfig(sigma_ds=SIGMA_DS, num_instances=NUM_SCHEME_CHIPS))
    return scheme_runs(Scale(base=base, sigma_ds=(), num_seeds=3))


def _schemes_fashion() -> list[PlannedRun]:
    base = _on_fashion()
    evaluation = base.evaluation.model_copy(update={"sigma_ds": SIGMA_DS, "num_instances": NUM_SCHEME_CHIPS})
    return scheme_runs(Scale(base=base.model_copy(update={"evaluation": evaluation}), sigma_ds=(), num_seeds=1))


def _uniform_unipolar() -> tuple[Preset, ...]:
    """Narrow VGG-8 on digits and on small Fashion-MNIST, a narrow 1-D CNN on wrist motions, about 480 steps each.

    At a device variation that unipolar weights can bear. The first makes the others along.
    """
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.02, 0.05, 0.1), num_instances=100)
    training = TrainingConfig(epochs=30, batch_size=64, sigma_d=0.02, validation_instances=3, quantise=True)
    digits = _at_one_budget(training=training, evaluation=evaluation)
    short = training.model_copy(update={"epochs": 10, "max_validation": 500})
    few = evaluation.model_copy(update={"max_test": 500})
    fashion = _on_fashion().model_copy(update={"training": short, "evaluation": few})
    of_series = training.model_copy(update={"epochs": 120, "batch_size": 8})
    motions = RunConfig(dataset=BasicMotions(), backbone=Cnn1d(width=0.125), training=of_series, evaluation=evaluation)
    sizes = {
        "uniform_unipolar": (EXPERIMENTS["uniform_unipolar"].question, digits),
        "uniform_unipolar_fashion": ("The same on Fashion-MNIST.", fashion),
        "uniform_unipolar_motions": ("The same on wrist motions.", motions),
    }
    first, *along = (
        Preset(name, asked, parts=(Part(PLANS["uniform_unipolar"], Scale(base=base, sigma_ds=(), num_seeds=3)),))
        for name, (asked, base) in sizes.items()
    )
    return (replace(first, along=tuple(one.name for one in along)), *along)


def _converter_bits() -> tuple[Part, ...]:
    """On the network of `uniform_unipolar`."""
    (part,) = _uniform_unipolar()[0].parts
    return (Part(PLANS["converter_bits"], part.scale),)


def _arithmetic() -> tuple[Preset, ...]:
    """On digits, and along on Fashion-MNIST, where σ_d = 0.1 leaves accuracies that can fall."""
    sizes = {
        "arithmetic": (EXPERIMENTS["arithmetic"].question, _at_one_budget()),
        "arithmetic_fashion": ("The same on Fashion-MNIST.", _on_fashion()),
    }
    first, *along = (
        Preset(name, asked, parts=(Part(PLANS["arithmetic"], Scale(base=_quieter(base), sigma_ds=(), num_seeds=3)),))
        for name, (asked, base) in sizes.items()
    )
    return (replace(first, along=tuple(one.name for one in along)), *along)


def _quieter(base: RunConfig) -> RunConfig:
    return base.model_copy(update={"training": base.training.model_copy(update={"sigma_d": 0.1})})


def _flat_weights() -> tuple[Preset, ...]:
    """On digits, then elsewhere: one thing changed at a time."""
    usual = _at_one_budget()
    noisier = usual.training.model_copy(update={"sigma_d": 0.4})
    sizes = {
        "flat_weights": (EXPERIMENTS["flat_weights"].question, usual),
        "flat_weights_noisier": ("Flat weights at σ_d = 0.4.", _at_one_budget(training=noisier)),
        "flat_weights_mlp": ("Flat weights of a network without convolutions.", _at_one_budget(backbone=Mlp())),
        "flat_weights_resnet18": (
            "Flat weights of a deeper network, with residual connections.",
            _at_one_budget(backbone=Resnet18(width=0.125)),
        ),
        "flat_weights_fashion": ("Flat weights on Fashion-MNIST.", _on_fashion()),
    }
    return tuple(
        Preset(name, question, parts=(Part(PLANS["flat_weights"], Scale(base=base, num_seeds=3)),))
        for name, (question, base) in sizes.items()
    )


def _training_budget_fashion() -> tuple[Part, ...]:
    """As many steps as on digits, 480 and four times as many, of 64 images; without the largest learning rate."""
    base = RunConfig(
        dataset=FashionMnist(image_size=16, max_train=3_840),
        backbone=Vgg8(width=0.125),
        training=TrainingConfig(epochs=8, batch_size=64, max_validation=500),
        evaluation=EvaluationConfig(num_instances=100, max_test=500),
    )
    return (Part(PLANS["training_budget"], Scale(base=base, num_seeds=3, learning_rates=(1e-3, 3e-3, 1e-2))),)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "first_look",
            "How do the methods compare on digits, and do the decay factors matter?",
            fixed=first_look,
        ),
        Preset(
            "paper_digits",
            "All experiments of the NeFT paper and the controls it lacks, on digits.",
            parts=_paper_digits(),
        ),
        Preset("paper_fashion", "How do the methods compare on Fashion-MNIST?", parts=_paper_fashion()),
        *(
            Preset(name, EXPERIMENTS[name].question, parts=(Part(plan, ABLATION_SCALE),))
            for name, plan in PLANS.items()
            if name not in SIZED
        ),
        Preset(
            "convergence_failing",
            "How many of 20 trainings converge where plain noise injection often fails?",
            parts=_convergence_failing(),
        ),
        *_uniform_unipolar(),
        Preset("converter_bits", EXPERIMENTS["converter_bits"].question, parts=_converter_bits()),
        *_arithmetic(),
        *_flat_weights(),
        Preset("leaderboard", EXPERIMENTS["leaderboard"].question, parts=_leaderboard()),
        Preset("leaderboard_fashion", "The leaderboard on Fashion-MNIST.", parts=_leaderboard_fashion()),
        Preset("paper_width", EXPERIMENTS["paper_width"].question, parts=_paper_width()),
        Preset(
            "training_budget",
            EXPERIMENTS["training_budget"].question,
            parts=(Part(PLANS["training_budget"], ABLATION_SCALE),),
        ),
        Preset("training_budget_fashion", "The training budget on Fashion-MNIST.", parts=_training_budget_fashion()),
        Preset(
            "schemes_digits",
            "Training, mapping and programming together, on digits: which combination is cheap and good?",
            fixed=_schemes_digits,
        ),
        Preset("schemes_fashion", "The same on Fashion-MNIST.", fixed=_schemes_fashion),
        Preset("smoke", "Does everything work? Two trainings of two epochs.", fixed=smoke),
    )
}


def made_with(preset: Preset) -> tuple[Preset, ...]:
    """The preset, and those that are made along."""
    return (preset, *(PRESETS[name] for name in preset.along))
