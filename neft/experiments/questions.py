"""What each named experiment asks: words for the command line and the pages, without torch.

How it is planned stands in `neft.experiments.designs`, how it is read in `neft.tables.arms`.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["paper", "control"]
CONTROL = "noise_injection_t4"
"""The temperature control's variant: noise injection at the papers' temperature N + 1 = 4, without feedback."""
CONTROL_BY_TERMS = "noise_injection_t"
"""The control's series where the number of feedback terms is varied, and with it the temperature N + 1."""


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
    ),
    Experiment(
        "feedback_terms",
        "paper",
        "Number of feedback terms",
        "Do more feedback terms help, once the temperature N+1 that comes with them is given to noise injection too?",
        "feedback terms N",
        "[Qin2025], Table 1",
        "The control has no feedback at all, only the temperature N+1.",
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
    ),
    Experiment(
        "delta_sigma",
        "paper",
        "Δσ of OVF's further passes",
        "Must OVF's further passes be noisier than the first?",
        "Δσ",
        "[Qin2025], section 4.5",
        "At Δσ = 0 all passes see the same device variation; below, the further ones see less.",
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
    ),
    Experiment(
        "temperature",
        "control",
        "Temperature alone",
        "How much does a softmax temperature alone bring, and does feedback bring anything without it?",
        "temperature T of the training logits",
        "our control: the paper divides its training logits by N+1 = 4",
        "At T = 1 the feedback stands alone; the paper's setting is T = 4.",
        logarithmic=True,
    ),
    Experiment(
        "over_noise",
        "control",
        "Trained noisier than tested",
        "Does training at a larger σ_d than the one that is met do better?",
        "training σ_d over test σ_d",
        "our control, after [Jacobson2026]",
        "All points are tested at the same σ_d.",
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
    ),
)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}
