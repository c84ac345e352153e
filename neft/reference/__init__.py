"""Published figures, to draw beside our own: other people's measurements, each row with its source.

All are of NeFT, [Qin2025]. How they were digitised, how far to trust them and what keeps them from being compared point
by point stands in the README beside this file; where we depart from the paper in `departures.md`, every source in
`citations.toml`. None of our own numbers is here.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from neft.columns import (
    ACCURACY,
    BACKBONE,
    DATASET,
    DEPARTURE,
    EKL,
    EXPERIMENT,
    LABEL,
    METHOD_RANK,
    NOTE,
    PANEL,
    PANEL_LABEL,
    POSITION,
    SETTING,
    SIGMA_D,
    SOURCE,
    VARIANT,
)
from neft.reference.citations import cite

Year = Literal["2025", "2024"]

PANELS: Mapping[str, str] = {
    "vgg8_mnist": "VGG-8 on MNIST",
    "vgg8_cifar10": "VGG-8 on CIFAR-10",
    "resnet18_mnist": "ResNet-18 on MNIST",
    "resnet18_cifar10": "ResNet-18 on CIFAR-10",
    "resnet18_cifar100": "ResNet-18 on CIFAR-100",
    "resnet18_tiny": "ResNet-18 on Tiny ImageNet",
}
"""The accuracy figures' panels and their labels, the simplest task first."""
NEAREST_PANEL = "vgg8_mnist"
"""The panel that lies nearest to what is run here: the same backbone, grey digits."""

_FIGURES: dict[Year, tuple[str, str]] = {
    "2025": ("published_accuracy.csv", "[Qin2025], accuracy figure of January 2025"),
    "2024": ("published_accuracy_2024.csv", "[Qin2025], accuracy figure of April 2024 (arXiv v4)"),
}
_EKL_SOURCE = "[Qin2025], EKL figure"
_TABLES_SOURCE = "[Qin2025]"

_METHODS = {
    "without_noise": ("vanilla", "Vanilla", 0),
    "with_noise": ("noise_injection", "Noise injection", 1),
    "ovf": ("ovf", "OVF", 3),
    "irs": ("irs", "IRS", 4),
    "correctnet": ("orthogonality", "Orthogonal kernels", 8),
}
"""The figures' methods as our variants: key, label and rank. What the figures call CorrectNet is a term on kernels,
without that method's Lipschitz constant and compensation."""

_BETAS: Mapping[str, Mapping[str, float]] = {
    "ovf": {
        "vgg8_mnist": 1e-3,
        "vgg8_cifar10": 1e-3,
        "resnet18_mnist": 1e-4,
        "resnet18_cifar10": 1e-1,
        "resnet18_cifar100": 1e-1,
        "resnet18_tiny": 1e-2,
    },
    "irs": {
        "vgg8_mnist": 1e-2,
        "vgg8_cifar10": 1e-1,
        "resnet18_mnist": 1e-1,
        "resnet18_cifar10": 1e-3,
        "resnet18_cifar100": 1e-3,
        "resnet18_tiny": 1e-2,
    },
}

_NOTES = {
    "vector": "read off the vector figure, within about 0.01 points",
    "off_axis_extrapolated": "beyond the figure's axis, extrapolated, within about 0.1 points",
}
_SHARED = "one value drawn for all methods"
_NO_SCALE = "scale unclear: compare shapes and ratios only"

_USED = " (used)"
"""Marks the paper's own setting in the tables."""
_PLACES: dict[tuple[str, str], tuple[str, str, float, str]] = {
    **{("table1_N", f"N={n}"): ("feedback_terms", f"n_{n}", float(n), "Table 1") for n in range(1, 6)},
    ("table2_pretrain", "pre+0ep"): ("pretrained_start", "pretrained", 0.0, "Table 2"),
    ("table2_pretrain", "pre+50ep"): ("pretrained_start", "epochs_0.25", 1.0, "Table 2"),
    ("table2_pretrain", "pre+100ep"): ("pretrained_start", "epochs_0.5", 2.0, "Table 2"),
    ("table2_pretrain", "pre+200ep"): ("pretrained_start", "epochs_1", 3.0, "Table 2"),
    ("table2_pretrain", "scratch 200ep"): ("pretrained_start", "from_scratch", 4.0, "Table 2"),
    ("reverse_decay", "reversed gamma"): ("decay_factors", "reversed", 1.0, "section 4.5"),
    ("reverse_sigma", "delta_sigma=-0.05 (63.50-14.14)"): ("delta_sigma", "delta_sigma_-0.05", -0.05, "section 4.5"),
    ("no_classifier_noise", "noise-free classifiers"): ("classifier_noise", "noise_free", 1.0, "section 4.5"),
}
"""Table and setting of the file: experiment, setting and position of our plans, and where the paper says it."""
_OWN_SETTINGS = (
    ("decay_factors", "ovf", "paper", 0.0),
    ("decay_factors", "irs", "paper", 0.0),
    ("delta_sigma", "ovf", "delta_sigma_0.05", 0.05),
    ("classifier_noise", "irs", "noisy", 0.0),
)
"""What the section's losses are losses against: the paper's own settings, whose accuracy Table 1 gives."""


def published_accuracy(year: Year = "2025") -> pd.DataFrame:
    """Accuracy against sigma_d, a row per panel, method and sigma_d.

    Source: the accuracy figure in the NeFT authors' public repository. Every point of a noise-trained method is a
    network trained at the sigma_d at which it was tested, its best epoch chosen on noisy test accuracy. The device is
    not named; RRAM1 is assumed.

    Args:
        year: "2025" (January 2025, as in IEEE TCAD) or "2024" (arXiv v4, without CorrectNet).

    Returns:
        panel (a key of PANELS), panel_label, variant and label (as for our own methods; what they call CorrectNet is
        our `orthogonality`),
        sigma_d (relative to a device's maximal conductance), accuracy (fraction), source, note (how the number was
        read, in words).
    """
    return _accuracy(year).copy()


def published_ekl() -> pd.DataFrame:
    """Expected KL divergence against sigma_d, a row per method and sigma_d.

    Source: the EKL figure in the NeFT authors' public repository. It names neither network nor data set.

    Returns:
        panel and panel_label (one figure alone), variant, label, sigma_d, ekl, source, note. `ekl` is the figure's
        axis value times 1e-2, as the axis says. That is too little for nats averaged over correct predictions, so only
        shapes and ratios can be compared, no absolute value.
    """
    return _ekl().copy()


def published_settings() -> pd.DataFrame:
    """The paper's ablations as our experiments name them, a row per experiment, method and setting.

    Source: [Qin2025], Tables 1 and 2 and section 4.5: ResNet-18 on CIFAR-10 at sigma_d = 0.3. Where the
    section compares with the paper's own setting, that setting has its row too, with Table 1's accuracy (OVF with
    N = 3, IRS with N = 4).

    Returns:
        experiment, setting (its key) and position (as `neft.experiments` plans them), variant (`ovf` or `irs`), label,
        accuracy (fraction), backbone, dataset, sigma_d, source.
    """
    return _settings().copy()


def published_beta(panel: str, method: str) -> float | None:
    """The feedback coefficient that the paper took for a panel's network and data; None for methods without one.

    Source: [Qin2025], section 4.1: chosen from {1e-1, 1e-2, 1e-3, 1e-4}.

    Args:
        panel: a key of PANELS.
        method: `ovf` or `irs`.
    """
    return _BETAS.get(method, {}).get(panel)


def departures() -> str:
    """What we do otherwise than the paper, where and why: a page of Markdown, sources cited by their keys."""
    return (Path(__file__).parent / "departures.md").read_text(encoding="utf-8")


@cache
def _accuracy(year: Year) -> pd.DataFrame:
    file, source = _FIGURES[year]
    table = _read(file)
    accuracy = table["accuracy_percent"] / 100
    note = table["note"].map(_NOTES)
    values = accuracy.groupby([table["panel"], table["sigma_d"]]).transform("nunique")
    return pd.DataFrame(
        {
            PANEL: table["panel"],
            PANEL_LABEL: table["panel"].map(PANELS),
            **_variants(table),
            SIGMA_D: table["sigma_d"],
            ACCURACY: accuracy,
            SOURCE: cite(source),
            NOTE: note.mask(values == 1, _SHARED),
        }
    )


@cache
def _ekl() -> pd.DataFrame:
    table = _read("published_ekl.csv")
    return pd.DataFrame(
        {
            PANEL: table["panel"],
            PANEL_LABEL: "network and data not named",
            **_variants(table),
            SIGMA_D: table["sigma_d"],
            EKL: table["ekl_x1e-2"] * 1e-2,
            SOURCE: cite(_EKL_SOURCE),
            NOTE: _NO_SCALE,
        }
    )


@cache
def _settings() -> pd.DataFrame:
    table = _read("published_tables.csv")
    places = [
        _PLACES[name, setting.removesuffix(_USED)]
        for name, setting in zip(table["table"], table["setting"], strict=True)
    ]
    found = pd.DataFrame(
        {
            EXPERIMENT: [place[0] for place in places],
            **_variants(table),
            SETTING: [place[1] for place in places],
            POSITION: [place[2] for place in places],
            ACCURACY: table["accuracy_percent"] / 100,
            BACKBONE: table["backbone"],
            DATASET: table["dataset"],
            SIGMA_D: table["sigma_d"],
            SOURCE: [cite(f"{_TABLES_SOURCE}, {place[3]}") for place in places],
        }
    )
    used = found[table["setting"].str.endswith(_USED)].set_index(VARIANT, drop=False)
    own = [
        used.loc[variant].to_dict() | {EXPERIMENT: experiment, SETTING: setting, POSITION: position}
        for experiment, variant, setting, position in _OWN_SETTINGS
    ]
    return pd.concat([found, pd.DataFrame(own)], ignore_index=True)


def _read(file: str) -> pd.DataFrame:
    return pd.read_csv(Path(__file__).parent / file)


def _variants(table: pd.DataFrame) -> "dict[str, pd.Series[Any]]":
    """What tables say of a variant: its key, label and look."""
    known = (table["method"].map({name: facts[index] for name, facts in _METHODS.items()}) for index in range(3))
    found = dict(zip((VARIANT, LABEL, METHOD_RANK), known, strict=True))
    return found | {DEPARTURE: pd.Series("", index=table.index)}
