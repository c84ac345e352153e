"""Every claim that is put to the test: the paper's, then ours, which ask what the paper's leave open."""

from collections.abc import Callable, Sequence

from neft import columns
from neft.experiments.claim import (
    Claim,
    Published,
    Weights,
    between,
    combined,
    half_of_the_gain,
    lower,
    published_ekl_ratio,
    published_gain,
    published_setting,
    versus,
)
from neft.experiments.questions import (
    CONTROL,
    CONTROL_BY_TERMS,
    OVF_BESIDE_OTHERS,
    PLAIN,
    setting_key,
    setting_value,
)
from neft.sigma_d import same_sigma_d
from neft.tables.arms import Arm

FEEDBACK = {"ovf": "OVF", "irs": "IRS"}
PUBLISHED_FAILURES = {"noise_injection": 0.6, "ovf": 0.0, "irs": 0.2}
PUBLISHED_FAILURES_AT = 0.35
"""Shares of 10 trainings of VGG-8 on MNIST that fail, and at which sigma_d ([Qin2025], section 4.3)."""


def _beats_noise_injection(method: str, label: str) -> Claim:
    return Claim(
        key=f"{method}_beats_noise_injection",
        words=f"{label} is more accurate than noise injection.",
        short=f"{label} beats noise injection",
        paper=True,
        source="[Qin2025], abstract and section 4.3, figure 3",
        experiment="accuracy",
        contrast=versus(method, PLAIN),
        published=published_gain(method, PLAIN),
    )


def _lowers_ekl(method: str, label: str) -> Claim:
    return Claim(
        key=f"{method}_lowers_ekl",
        words=f"{label} is less uncertain: its EKL is lower than noise injection's.",
        short=f"{label} has a lower EKL than noise injection",
        paper=True,
        source="[Qin2025], abstract and section 4.3, figure 4",
        experiment="accuracy",
        contrast=lower(method, PLAIN),
        metric=columns.EKL,
        published=published_ekl_ratio(method, PLAIN),
    )


def _converges(method: str, label: str) -> Claim:
    gain = PUBLISHED_FAILURES[PLAIN] - PUBLISHED_FAILURES[method]

    def published(sigma_ds: Sequence[float]) -> Published:
        same = any(bool(same_sigma_d(sigma_d, PUBLISHED_FAILURES_AT)) for sigma_d in sigma_ds)
        where = f"VGG-8 on MNIST at σ_d = {PUBLISHED_FAILURES_AT}{'' if same else ', not ours'}, 10 trainings"
        return Published(gain, where)

    return Claim(
        key=f"{method}_converges",
        words=f"More trainings converge with {label} than with noise injection.",
        short=f"More {label} trainings converge",
        paper=True,
        source="[Qin2025], section 4.3: of 10 trainings 6 fail with noise injection, 0 with OVF, 2 with IRS",
        experiment="convergence",
        published=published,
        failures=(method, PLAIN),
    )


def _setting(key: str, words: str, short: str, experiment: str, ours: Arm, theirs: Arm, *, source: str) -> Claim:
    """One setting does better than another in the paper's tables (ResNet-18, CIFAR-10, sigma_d = 0.3)."""
    return Claim(
        key=key,
        words=words,
        short=short,
        paper=True,
        source=source,
        experiment=experiment,
        contrast=between(ours, theirs),
        published=published_setting(experiment, ours, theirs),
    )


def _terms_help(method: str, label: str) -> Claim:
    return _setting(
        f"{method}_terms_help",
        f"More feedback terms help {label}: N = 4 does better than N = 1.",
        f"{label}: N = 4 beats N = 1",
        "feedback_terms",
        (method, "n_4"),
        (method, "n_1"),
        source="[Qin2025], Table 1",
    )


def _reversed_gamma_hurts(method: str, label: str) -> Claim:
    return _setting(
        f"{method}_reversed_gamma_hurts",
        f"Reversing the decay factors hurts {label}.",
        f"{label}: γ as published beats reversed",
        "decay_factors",
        (method, "paper"),
        (method, "reversed"),
        source="[Qin2025], section 4.5",
    )


def _scratch_beats_pretrained(method: str, label: str) -> Claim:
    return _setting(
        f"{method}_scratch_beats_pretrained",
        f"{label} from scratch does better than fine-tuning for as many epochs what was trained without noise.",
        f"{label}: scratch beats pretrained",
        "pretrained_start",
        (method, "from_scratch"),
        (method, "epochs_1"),
        source="[Qin2025], Table 2",
    )


def _costs(key: str, words: str, short: str, ours: str, theirs: str, *, experiment: str = "uniform_unipolar") -> Claim:
    """What is easier to build is less accurate than what is not."""
    return Claim(
        key=key,
        words=words,
        short=short,
        paper=False,
        source="our control on [GarciaRedondo2019]",
        experiment=experiment,
        contrast=versus(theirs, ours),
    )


def _bits_cost(weight_bits: int, device_bits: int) -> Claim:
    setting = f"weights_{weight_bits}_devices_{device_bits}"
    bits = f"{weight_bits}-bit weights on {device_bits}-bit devices"
    return Claim(
        key=f"{setting}_cost",
        words=f"{bits} are less accurate than 8-bit weights, of both signs and with ranges by layer.",
        short=f"{bits} cost accuracy",
        paper=False,
        source="our control on [GarciaRedondo2019]",
        experiment="uniform_unipolar",
        contrast=between(("bipolar_layer", "weights_8_devices_2"), ("bipolar_layer", setting)),
    )


_OF_THE_PAPER: tuple[Callable[[str, str], Claim], ...] = (
    _beats_noise_injection,
    _lowers_ekl,
    _converges,
    _terms_help,
    _reversed_gamma_hurts,
    _scratch_beats_pretrained,
)

_SINGLE_OF_THE_PAPER = (
    _setting(
        "reversed_delta_sigma_hurts",
        "OVF's further passes must be noisier, not quieter: Δσ = 0.05 does better than -0.05.",
        "OVF: Δσ = 0.05 beats -0.05",
        "delta_sigma",
        ("ovf", "delta_sigma_0.05"),
        ("ovf", "delta_sigma_-0.05"),
        source="[Qin2025], section 4.5",
    ),
    _setting(
        "classifier_noise_helps",
        "IRS needs noise in its snapshot heads.",
        "IRS: noisy heads beat noise-free",
        "classifier_noise",
        ("irs", "noisy"),
        ("irs", "noise_free"),
        source="[Qin2025], section 4.5",
    ),
)


def _ours(
    key: str,
    words: str,
    short: str,
    experiment: str,
    contrast: Callable[[set[Arm]], Weights],
    *,
    metric: str = columns.ACCURACY,
) -> Claim:
    return Claim(
        key=key,
        words=words,
        short=short,
        paper=False,
        source="our control",
        experiment=experiment,
        contrast=contrast,
        metric=metric,
    )


def _beats_control(method: str, label: str) -> Claim:
    return _ours(
        f"{method}_beats_control",
        f"{label} is more accurate than noise injection at the same temperature (N + 1 = 4), without feedback.",
        f"{label} beats its temperature control",
        "accuracy",
        versus(method, CONTROL),
    )


def _temperature_explains(method: str, label: str) -> Claim:
    return _ours(
        f"temperature_explains_{method}",
        f"The temperature alone brings at least half of what {label} gains over noise injection.",
        f"Temperature brings half of {label}'s gain",
        "accuracy",
        half_of_the_gain(method),
    )


def _ekl_below_control(method: str, label: str) -> Claim:
    return _ours(
        f"{method}_ekl_below_control",
        f"{label}'s EKL is lower than that of noise injection at the same temperature.",
        f"{label}'s EKL is below its control's",
        "accuracy",
        lower(method, CONTROL),
        metric=columns.EKL,
    )


def _calibrated_ekl(method: str, label: str) -> Claim:
    return _ours(
        f"{method}_calibrated_ekl",
        f"{label}'s EKL is lower than noise injection's once each network's temperature is calibrated on validation "
        "data.",
        f"{label}'s calibrated EKL is lower",
        "accuracy",
        lower(method, PLAIN),
        metric=columns.CALIBRATED_EKL,
    )


def _calibrated_ekl_below_control(method: str, label: str) -> Claim:
    return _ours(
        f"{method}_calibrated_ekl_below_control",
        f"{label}'s calibrated EKL is lower than that of noise injection at the same temperature.",
        f"{label}'s calibrated EKL is below its control's",
        "accuracy",
        lower(method, CONTROL),
        metric=columns.CALIBRATED_EKL,
    )


def _control_calibrated_ekl() -> Claim:
    return _ours(
        "control_calibrated_ekl",
        "Temperature 4 alone, without feedback, lowers noise injection's calibrated EKL.",
        "T = 4 alone lowers the calibrated EKL",
        "accuracy",
        lower(CONTROL, PLAIN),
        metric=columns.CALIBRATED_EKL,
    )


def _without_temperature(method: str, label: str) -> Claim:
    return _ours(
        f"{method}_without_temperature",
        f"{label}'s feedback helps without the division by N + 1 (T = 1).",
        f"{label} at T = 1 beats noise injection",
        "temperature",
        between((method, "t_1"), (PLAIN, "t_1")),
    )


def _terms_beyond_temperature(method: str, label: str) -> Claim:
    control = CONTROL_BY_TERMS
    return _ours(
        f"{method}_terms_beyond_temperature",
        f"From N = 1 to 4, {label} gains more than noise injection does from the same temperatures (2 to 5).",
        f"{label}: terms help beyond temperature",
        "feedback_terms",
        combined({(method, "n_4"): 1.0, (method, "n_1"): -1.0, (control, "n_4"): -1.0, (control, "n_1"): 1.0}),
    )


def _wins_tuned(method: str, label: str) -> Claim:
    return _ours(
        f"{method}_wins_tuned",
        f"Tuned with equal budgets on validation data, {label} beats noise injection.",
        f"Tuned alike, {label} beats noise injection",
        "tuned",
        between((method, "tuned"), (PLAIN, "tuned")),
    )


def _over_noise(known: set[Arm]) -> Weights:
    """The second against the first training sigma_d of the control, whatever they are."""
    settings = sorted(
        (setting for series, setting in known if series == CONTROL),
        key=lambda setting: setting_value("train_sigma_d", setting),
    )
    return {} if len(settings) < 2 else {(CONTROL, settings[1]): 1.0, (CONTROL, settings[0]): -1.0}


_OF_OURS: tuple[Callable[[str, str], Claim], ...] = (
    _beats_control,
    _temperature_explains,
    _ekl_below_control,
    _calibrated_ekl,
    _calibrated_ekl_below_control,
    _without_temperature,
    _terms_beyond_temperature,
    _wins_tuned,
)

_RENEWED = {PLAIN: "noise injection", CONTROL: "noise injection at T = 4", **FEEDBACK}

_SINGLE_OF_OURS = (
    _control_calibrated_ekl(),
    _ours(
        "higher_temperature_helps",
        "A higher temperature than the paper's does better still, without feedback: T = 16 beats T = 4.",
        "Noise injection: T = 16 beats T = 4",
        "temperature",
        between((PLAIN, "t_16"), (PLAIN, "t_4")),
    ),
    Claim(
        key="control_converges",
        words="More trainings converge at temperature 4 without feedback than with plain noise injection.",
        short="More trainings converge at T = 4",
        paper=False,
        source="our control",
        experiment="convergence",
        failures=(CONTROL, PLAIN),
    ),
    *(
        _ours(
            f"{method}_batchnorm_renewed",
            f"Gathering BatchNorm's statistics anew, without noise, helps {label} on noisy chips.",
            f"BatchNorm gathered anew helps {label}",
            "batchnorm",
            between((method, "gathered_anew"), (method, "of_training")),
        )
        for method, label in _RENEWED.items()
    ),
    _ours(
        "all_layers_beat_first_and_last",
        "OVF that raises σ in all layers, as the paper says, does better than in the first and last alone, as the "
        "released ResNet-18 code does.",
        "OVF as published beats OVF as released",
        "released_code",
        between(("ovf", "all"), ("ovf", "first_and_last")),
    ),
    _ours(
        "over_noise_helps",
        "Noise injection at T = 4 does better when it is trained at one and a half times the σ_d that it meets.",
        "Training noisier than the test helps",
        "over_noise",
        _over_noise,
    ),
)

_BESIDE_THE_PAPERS = (
    _ours(
        "first_pass_helps_ovf",
        "OVF is more accurate where its first pass alone moves BatchNorm's statistics, not its noisier ones too.",
        "OVF: BatchNorm by the first pass helps",
        "accuracy",
        versus(OVF_BESIDE_OTHERS, "ovf"),
    ),
    _ours(
        "ovf_first_pass_beats_control",
        "OVF whose first pass alone moves BatchNorm's statistics is more accurate than noise injection at the same "
        "temperature.",
        "OVF, BatchNorm by the first pass, beats its control",
        "accuracy",
        versus(OVF_BESIDE_OTHERS, CONTROL),
    ),
    _ours(
        "higher_temperature_beats_irs",
        "Noise injection at temperature 16, without feedback, is more accurate than IRS.",
        "Noise injection at T = 16 beats IRS",
        "accuracy",
        versus("noise_injection_t16", "irs"),
    ),
    _ours(
        "tempered_vanilla_beats_noise_injection",
        "Training without any noise at temperature 64 is more accurate on noisy chips than plain noise injection.",
        "Vanilla at T = 64 beats noise injection",
        "accuracy",
        versus("vanilla_t64", PLAIN),
    ),
    _ours(
        "noise_helps_at_high_temperature",
        "At temperature 64 noise in training still helps.",
        "At T = 64, noise in training helps",
        "accuracy",
        versus("noise_injection_t64", "vanilla_t64"),
    ),
)

_HARD, _FIRM, _USUAL = (setting_key("alpha", alpha) for alpha in (1.1, 1.5, 2.5))


def _of_flat_weights(key: str, words: str, short: str, ours: Arm, theirs: Arm) -> Claim:
    return Claim(
        key=key,
        words=words,
        short=short,
        paper=False,
        source="our control; clipping at 2.5 standard deviations is known ([Joshi2020]), α near 1 is our trial",
        experiment="flat_weights",
        contrast=between(ours, theirs),
    )


_OF_FLAT_WEIGHTS = (
    _of_flat_weights(
        "usual_clip_helps",
        "Clipping weights at 2.5 times their layer's RMS helps noise injection at T = 4.",
        "Clip α = 2.5 beats no constraint",
        (CONTROL, _USUAL),
        (CONTROL, "none"),
    ),
    _of_flat_weights(
        "firm_clip_helps_more",
        "Clipping at 1.5 times the RMS helps more still.",
        "Clip α = 1.5 beats α = 2.5",
        (CONTROL, _FIRM),
        (CONTROL, _USUAL),
    ),
    _of_flat_weights(
        "hard_clip_helps_more",
        "Clipping at 1.1 times the RMS, where nearly all weights are as large as the largest, beats clipping at 2.5.",
        "Clip α = 1.1 beats α = 2.5",
        (CONTROL, _HARD),
        (CONTROL, _USUAL),
    ),
    _of_flat_weights(
        "hard_clip_beats_binary",
        "Clipping at 1.1 times the RMS beats binary weights, its limit.",
        "Clip α = 1.1 beats binary weights",
        (CONTROL, _HARD),
        (CONTROL, "binary"),
    ),
    _of_flat_weights(
        "temperature_helps_flat_weights",
        "A temperature of 4 still helps once weights are clipped at 1.1 times the RMS.",
        "With clip α = 1.1, T = 4 beats T = 1",
        (CONTROL, _HARD),
        (PLAIN, _HARD),
    ),
)

_OF_SHARED_HARDWARE: tuple[Claim, ...] = (
    _costs(
        "uniform_costs",
        "With 8-bit converters, one range for all layers is less accurate than ranges by layer.",
        "Uniform scaling costs accuracy",
        "bipolar_uniform",
        "bipolar_layer",
    ),
    _costs(
        "uniform_costs_by_bits",
        "With converters of 8 to 4 bits, one range for all layers is less accurate than ranges by layer.",
        "Uniform scaling costs at fewer bits",
        "bipolar_uniform",
        "bipolar_layer",
        experiment="converter_bits",
    ),
    _costs(
        "unipolar_costs",
        "Layers whose weights have one sign are less accurate than those with both.",
        "Unipolar weights cost accuracy",
        "unipolar_layer",
        "bipolar_layer",
    ),
    _bits_cost(4, 4),
    _bits_cost(2, 2),
)

_OF_ARITHMETIC = (
    Claim(
        key="bfloat16_costs",
        words="Chips that are computed in bfloat16 are found less accurate than the same chips in float32.",
        short="bfloat16 costs accuracy",
        paper=False,
        source="our control on our own evaluation",
        experiment="arithmetic",
        contrast=combined(
            {
                (series, setting): sign / 2
                for series in (CONTROL, "ovf")
                for setting, sign in (("float32", 1.0), ("bfloat16", -1.0))
            }
        ),
    ),
)

CLAIMS: tuple[Claim, ...] = (
    *(claim(method, label) for claim in _OF_THE_PAPER for method, label in FEEDBACK.items()),
    *_SINGLE_OF_THE_PAPER,
    *(claim(method, label) for claim in _OF_OURS for method, label in FEEDBACK.items()),
    *_SINGLE_OF_OURS,
    *_BESIDE_THE_PAPERS,
    *_OF_FLAT_WEIGHTS,
    *_OF_SHARED_HARDWARE,
    *_OF_ARITHMETIC,
)
