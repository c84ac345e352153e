"""What each named experiment asks: words for the command line and the pages, without torch.

How it is planned stands in `neft.experiments.designs`, how it is read in `neft.tables.arms`. Plans, claims and
published figures name settings and series by keys; their words are made here, where they are shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

Kind = Literal["paper", "control"]
CONTROL = "noise_injection_t4"
"""The temperature control's variant: noise injection at the papers' temperature N + 1 = 4, without feedback."""
PLAIN = "noise_injection"
"""Noise injection's variant at temperature 1."""
CONTROL_BY_TERMS = "noise_injection_t"
"""The control's series where the number of feedback terms is varied, and with it the temperature N + 1."""
OVF_FIRST_ALONE = "ovf_bn"
"""OVF's series whose BatchNorm statistics the first pass alone moves."""
OVF_BESIDE_OTHERS = "ovf_first_pass"
"""The same where it stands beside other methods, not beside OVF as published."""
NO_FEEDBACK = "no_feedback"
"""The control's setting beside those of feedback training."""
SERIES: Mapping[str, str] = {
    "vanilla": "Vanilla",
    "vanilla_t4": "Vanilla, T = 4",
    "vanilla_t64": "Vanilla, T = 64",
    "noise_injection": "Noise injection",
    CONTROL: "Noise injection, T = 4",
    CONTROL_BY_TERMS: "Noise injection, T = N + 1",
    "ovf": "OVF",
    OVF_FIRST_ALONE: "OVF, first pass moves them",
    OVF_BESIDE_OTHERS: "OVF, first pass moves BatchNorm",
    "irs": "IRS",
    "noise_injection_t16": "Noise injection, T = 16",
    "noise_injection_t64": "Noise injection, T = 64",
    "bipolar_layer": "Both signs, ranges by layer",
    "bipolar_uniform": "Both signs, uniform",
    "unipolar_layer": "One sign, ranges by layer",
    "unipolar_uniform": "One sign, uniform",
}
"""The series that experiments plan, in words."""
TRAINING_BUDGET = "training_budget"
"""The experiment, as plans name it."""
LEADERBOARD_TRIALS = 6
"""Of each of its rows, on validation data."""
_VALUE = r"-?[\d.]+(?:e[+-]?\d+)?"


@runtime_checkable
class Facts(Protocol):
    """What runs' facts say of a series or a setting."""

    @property
    def variant(self) -> str: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def device_label(self) -> str: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def constraint_name(self) -> str: ...  # noqa: D102
    @property
    def entry_label(self) -> str: ...  # noqa: D102
    @property
    def chips(self) -> str: ...  # noqa: D102
    @property
    def deployed_label(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Experiment:
    """One question, asked by varying one thing."""

    name: str
    kind: Kind
    """Whether the paper reports it, or it is a control the paper lacks."""
    title: str
    question: str
    axis: str
    """What is varied, as an axis title."""
    source: str
    look_for: str
    """One line for under the chart."""
    logarithmic: bool = False
    """Whether positions go on a logarithmic axis."""
    numeric: bool = True
    """Whether positions are numbers to be drawn to scale; otherwise settings stand side by side."""
    quantity: str = ""
    """What is varied, where it is a number: the first part of its settings' keys."""
    beside: tuple[str, ...] = ()
    """Further numbers of such a key, in their order."""
    quantity_words: str = "{}"
    """Such a setting in words, for its number and those beside it."""
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The other settings in words, by key."""
    setting_fact: str = ""
    """What runs' facts say of a setting, where the settings are members of a family."""


_ALL = (
    Experiment(
        "accuracy",
        "paper",
        "Accuracy and EKL against σ_d",
        "How do the methods compare where each was trained at the σ_d it meets?",
        "device variation σ_d",
        "[Qin2025], figures 3 and 4",
        "Compare OVF and IRS with noise injection at their own temperature (the control), not only with plain noise "
        "injection.",
        quantity="sigma_d",
        quantity_words="σ_d = {}",
    ),
    Experiment(
        "feedback_terms",
        "paper",
        "Number of feedback terms",
        "Do more feedback terms help, once the temperature N+1 that comes with them is given to noise injection too?",
        "feedback terms N",
        "[Qin2025], Table 1",
        "The control has no feedback at all, only the temperature N+1.",
        quantity="n",
        quantity_words="N = {}",
    ),
    Experiment(
        "decay_factors",
        "paper",
        "Decay factors reversed or constant",
        "Does the order of the decay factors γ matter?",
        "γ schedule",
        "[Qin2025], section 4.5",
        "The paper reports a heavy loss for reversed γ.",
        numeric=False,
        settings={"paper": "paper", "reversed": "reversed", "constant": "constant", NO_FEEDBACK: "no feedback"},
    ),
    Experiment(
        "delta_sigma",
        "paper",
        "Δσ of OVF's further passes",
        "Must OVF's further passes be noisier than the first?",
        "Δσ",
        "[Qin2025], section 4.5",
        "At Δσ = 0 all passes see the same device variation; below, the further ones see less.",
        quantity="delta_sigma",
        quantity_words="Δσ = {}",
        settings={NO_FEEDBACK: "no feedback"},
    ),
    Experiment(
        "classifier_noise",
        "paper",
        "Noise in IRS's snapshot heads",
        "Must the snapshot heads be noisy while training?",
        "snapshot heads",
        "[Qin2025], section 4.5",
        "The paper reports a heavy loss for noise-free heads.",
        numeric=False,
        settings={"noisy": "noisy", "noise_free": "noise-free", NO_FEEDBACK: "no feedback"},
    ),
    Experiment(
        "pretrained_start",
        "paper",
        "Pretrained start",
        "Is it better to train from scratch than to fine-tune a network trained without noise?",
        "start",
        "[Qin2025], Table 2",
        "Fine-tuning starts from the network trained without noise, for a quarter, half or all of the epochs.",
        numeric=False,
        settings={
            "pretrained": "pretrained",
            "epochs_0.25": "+ 1/4 of the epochs",
            "epochs_0.5": "+ 1/2",
            "epochs_1": "+ all",
            "from_scratch": "from scratch",
        },
    ),
    Experiment(
        "beta",
        "paper",
        "Feedback coefficient β",
        "Which β does the validation split choose, and how much hangs on it?",
        "feedback coefficient β",
        "[Qin2025], section 4.1: the search set {1e-1, 1e-2, 1e-3, 1e-4}",
        "β = 0 is the control: noise injection at temperature N+1.",
        numeric=False,
        quantity="beta",
    ),
    Experiment(
        "convergence",
        "paper",
        "How many trainings converge",
        "Of R trainings from different seeds, how many end more than 5 points below the method's mean?",
        "method",
        "[Qin2025], section 4.3: VGG-8 on MNIST at σ_d = 0.35, 10 trainings",
        "Every dot is one training, its accuracy averaged over chips; hollow dots failed.",
        numeric=False,
        settings=SERIES,
    ),
    Experiment(
        "devices",
        "paper",
        "The four devices",
        "Does the order of the methods depend on the device?",
        "device",
        "[Qin2025], released configuration: RRAM1, FeFET2, RRAM4, FeFET6",
        "At equal σ_d the devices do not inject equal noise: compare methods within a device, not across.",
        numeric=False,
        setting_fact="device_label",
    ),
    Experiment(
        "temperature",
        "control",
        "Temperature alone",
        "How much does a softmax temperature alone bring, and does feedback bring anything without it?",
        "temperature T of the training logits",
        "our control: the paper divides its training logits by N+1 = 4",
        "At T = 1 the feedback stands alone; the paper's setting is T = 4. Why T helps is a lesson: “Temperature”.",
        logarithmic=True,
        quantity="t",
        quantity_words="T = {}",
    ),
    Experiment(
        "over_noise",
        "control",
        "Trained noisier than tested",
        "Does training at a larger σ_d than the one that is met do better?",
        "training σ_d over test σ_d",
        "our control, after [Jacobson2026]",
        "All points are tested at the same σ_d.",
        quantity="train_sigma_d",
        quantity_words="train σ_d = {}",
    ),
    Experiment(
        "batchnorm",
        "control",
        "BatchNorm statistics",
        "What if BatchNorm's statistics are gathered anew, without noise, before deployment?",
        "BatchNorm statistics",
        "our control; the released code lets all of OVF's passes move them",
        "OVF with its statistics moved by the first pass alone stands beside OVF as published.",
        numeric=False,
        settings={"of_training": "of training", "gathered_anew": "gathered anew"},
    ),
    Experiment(
        "released_code",
        "control",
        "OVF as in the released code",
        "Does it matter that the released ResNet-18 code raises σ in the first and the last layer only?",
        "layers that see σ_d + n Δσ",
        "our control: each block of the released ResNet-18 keeps its own copy of σ_d",
        "The paper raises σ in all layers.",
        numeric=False,
        settings={"all": "all (paper)", "first_and_last": "first and last (code)", NO_FEEDBACK: "no feedback"},
    ),
    Experiment(
        "flat_weights",
        "control",
        "Flat weights",
        "Errors scale with a layer's largest weight: what does it bring to keep it near the typical one?",
        "weight constraint",
        "our control, after [Joshi2020]; at α near 1, our own trial",
        "Clipped at α times a layer's root mean square, bounded by a hyperbolic tangent, or binary: all as trained by "
        "noise injection.",
        numeric=False,
        quantity="alpha",
        quantity_words="clip α = {}",
        settings={"none": "none", "saturating": "saturating", "binary": "binary"},
    ),
    Experiment(
        "paper_width",
        "paper",
        "At the paper's width",
        "Does what is seen on narrow networks hold for VGG-8 at width 1 on 32×32 images?",
        "device variation σ_d",
        "[Qin2025], figures 3 and 4, at width 1",
        "Trained far shorter than in the paper, on few images, from one seed: compare the lines, not the heights.",
        quantity="sigma_d",
        quantity_words="σ_d = {}",
    ),
    Experiment(
        TRAINING_BUDGET,
        "control",
        "Training budget",
        "How much of each method's gain is under-training?",
        "learning rate and epochs",
        "our control: every method at every learning rate, for as many epochs as usual and for four times as many",
        "Where a method only makes up for a short training, its line falls towards zero as all are trained longer.",
        numeric=False,
        quantity="lr",
        beside=("epochs", "images"),
        quantity_words="lr {}, {} epochs",
    ),
    Experiment(
        "tuned",
        "control",
        "All methods tuned alike",
        "Who wins when every method gets the same number of tuning trials on validation data?",
        "settings",
        "our control: learning rate, temperature, β and epochs drawn at random, chosen on the validation split",
        "Every method spends the same number of trials; the winner is trained again from fresh seeds.",
        numeric=False,
        settings={"published_recipe": "published recipe", "tuned": "tuned"},
    ),
    Experiment(
        "leaderboard",
        "control",
        "Leaderboard",
        "Which training method does best where all are tuned alike, with and without a weight constraint?",
        "device variation σ_d",
        "our control: every method and constraint spends the same trials, chosen on validation chips",
        "The leaderboard's own page ranks them and says which cannot be told apart.",
        quantity="sigma_d",
        quantity_words="σ_d = {}",
    ),
    Experiment(
        "uniform_unipolar",
        "control",
        "Uniform and unipolar layers",
        "What does it cost that all layers share one range, and that their weights have one sign, at few bits?",
        "weights on devices",
        "[GarciaRedondo2019], a reconstruction",
        "All with 8-bit converters of learned ranges and quantised weights in training, by noise injection at T = 16.",
        numeric=False,
        quantity="weights",
        beside=("devices",),
        quantity_words="{} bits on {}-bit devices",
    ),
    Experiment(
        "converter_bits",
        "control",
        "Bits of the converters",
        "How few bits can DACs and ADCs have, with ranges of each layer's own and with one for all?",
        "bits of DACs and ADCs",
        "[GarciaRedondo2019], a reconstruction",
        "8-bit weights of both signs; ranges are learned, by noise injection at T = 16.",
        quantity="bits",
        quantity_words="{} bits",
    ),
    Experiment(
        "arithmetic",
        "control",
        "Arithmetic of the evaluation",
        "Does it change what is found if chips are computed in bfloat16?",
        "arithmetic",
        "our control: the same networks on the same chips and images",
        "A wide network's chips take half to two thirds of the time in bfloat16, where the processor has it.",
        numeric=False,
        settings={"float32": "float32", "bfloat16": "bfloat16"},
    ),
)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}


def setting_key(quantity: str, value: float | int) -> str:
    """A setting that is a number, as plans, claims and published figures name it.

    >>> setting_key("n", 3), setting_key("delta_sigma", -0.05)
    ('n_3', 'delta_sigma_-0.05')
    """
    return f"{quantity}_{value:g}"


def setting_value(quantity: str, key: str) -> float:
    """The number of a setting's key."""
    return float(key.removeprefix(f"{quantity}_"))


def setting_values(experiment: str, key: str) -> tuple[float, ...]:
    """The numbers of a setting's key, those beside the quantity too; none where the experiment has no such setting.

    >>> setting_values("training_budget", "lr_0.003_epochs_240_images_1000"), setting_values("beta", "any")
    ((0.003, 240.0, 1000.0), ())
    """
    known = EXPERIMENTS.get(experiment)
    return tuple(float(number) for number in _numbers_of(known, key)) if known is not None else ()


def _numbers_of(experiment: Experiment, key: str) -> tuple[str, ...]:
    """The numbers of a key as they are written in it."""
    if not experiment.quantity:
        return ()
    parts = (experiment.quantity, *experiment.beside)
    found = re.fullmatch("_".join(f"{name}_({_VALUE})" for name in parts), key)
    return found.groups() if found else ()


def setting_words(experiment: str, key: str, facts: Facts | None = None) -> str:
    """A setting in words; its key where neither the experiment nor a run's facts have any.

    Args:
        experiment: by name.
        key: the setting's.
        facts: of a run at that setting.

    >>> setting_words("feedback_terms", "n_3"), setting_words("classifier_noise", "noise_free")
    ('N = 3', 'noise-free')
    """
    known = EXPERIMENTS.get(experiment)
    if known is None:
        return key
    if key in known.settings:
        return known.settings[key]
    numbers = _numbers_of(known, key)
    if numbers:
        return known.quantity_words.format(*numbers)
    if known.setting_fact and facts is not None:
        return str(getattr(facts, known.setting_fact))
    return key


def setting_tick(experiment: str, key: str, position: float, words: str) -> str:
    """A setting at its axis, whose title names the quantity: the number alone where it stands at that number.

    >>> setting_tick("feedback_terms", "n_3", 3.0, "N = 3"), setting_tick("feedback_terms", "no_feedback", 6.0, "none")
    ('3', 'none')
    """
    quantity = EXPERIMENTS[experiment].quantity if experiment in EXPERIMENTS else ""
    if not quantity or not re.fullmatch(f"{quantity}_{_VALUE}", key):
        return words
    number = key.removeprefix(f"{quantity}_")
    return number if float(number) == position else words


def entry_key(method: str, constraint: str, chips: str = "") -> str:
    """The series of a method under a constraint, both by name, on chips of another mapping or programming by its key.

    >>> entry_key("sam", "clip"), entry_key("sam", "clip", "~scale=channel~residual")
    ('sam+clip', 'sam+clip~scale=channel~residual')
    """
    return f"{method}+{constraint}{chips}"


def series_words(series: str, facts: Facts | None = None) -> str:
    """A series in words: its experiments', or those of a run that is of this variant; its key where there are none."""
    if series in SERIES:
        return SERIES[series]
    if facts is not None and series == entry_key(facts.method, facts.constraint_name):
        return facts.entry_label
    if facts is not None and series == entry_key(facts.method, facts.constraint_name, facts.chips):
        return facts.deployed_label
    return facts.label if facts is not None and facts.variant == series else series
