"""How much of a method's gain is under-training: every series at several learning rates and lengths of training."""

from itertools import product

from neft.constraints import Clip, Constraint, NoConstraint
from neft.errors import ConfigError
from neft.experiments.planning import PlannedRun, Scale, Standing, Stored
from neft.experiments.questions import CONTROL, OVF_BESIDE_OTHERS, PLAIN, TRAINING_BUDGET, setting_key
from neft.methods import Irs, Method, NoiseInjection, Ovf

EPOCH_FACTORS = (1, 4)
"""Of the scale's epochs."""
SERIES: tuple[tuple[str, Method, Constraint], ...] = (
    (PLAIN, NoiseInjection(), NoConstraint()),
    (CONTROL, NoiseInjection(temperature=4), NoConstraint()),
    ("noise_injection_t16", NoiseInjection(temperature=16), NoConstraint()),
    ("irs", Irs(), NoConstraint()),
    (OVF_BESIDE_OTHERS, Ovf(feedback_moves_batchnorm=False), NoConstraint()),
    (f"{CONTROL}_clip1.5", NoiseInjection(temperature=4), Clip(alpha=1.5)),
)
"""Plain noise injection, which the others are held against, comes first. OVF's further, noisier passes leave the
statistics of BatchNorm alone, so that every series gathers them under the same noise."""


def training_budget(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Every series at every learning rate, for the scale's epochs and for four times as many.

    Settings stand in the order of their epochs, then of their learning rates. Their keys hold the training images too:
    steps are counted from them.

    Raises:
        ConfigError: nothing says how many training images there are.
    """
    images = _num_images(scale)
    sigma_d = scale.base.training.sigma_d
    lengths = [factor * scale.base.training.epochs for factor in EPOCH_FACTORS]
    found: list[PlannedRun] = []
    for seed, (position, (epochs, rate)), (series, method, constraint) in product(
        scale.seeds, enumerate(product(lengths, scale.learning_rates)), SERIES
    ):
        config = scale.run(method, seed, test_sigma_d=sigma_d, constraint=constraint, learning_rate=rate, epochs=epochs)
        setting = budget_key(rate, epochs=epochs, images=images)
        standing = Standing(TRAINING_BUDGET, series, setting, float(position), sigma_d)
        found.append(PlannedRun(config, keep_weights=False, standings=(standing,)))
    return found


def budget_key(learning_rate: float, *, epochs: int, images: int) -> str:
    """The setting of a learning rate and so many epochs of so many images.

    >>> budget_key(3e-3, epochs=240, images=1000)
    'lr_0.003_epochs_240_images_1000'
    """
    return "_".join((setting_key("lr", learning_rate), setting_key("epochs", epochs), setting_key("images", images)))


def _num_images(scale: Scale) -> int:
    """How many images an epoch has."""
    dataset = scale.base.dataset
    known = [count for count in (dataset.size and dataset.size.num_train, dataset.max_train) if count is not None]
    if not known:
        message = (
            f"'{TRAINING_BUDGET}' counts training steps, and how many training images '{dataset.name}' has is known "
            "only once they are loaded; say how many to use with --max-train."
        )
        raise ConfigError(message)
    return min(known)
