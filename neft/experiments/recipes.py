"""Trainings that need no expert: everything but the method, its device variation and the seed is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Recipe:
    """Options of a training, as on the command line, and what they are for."""

    title: str
    words: str
    options: Mapping[str, object]


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "quick": Recipe(
            title="Quick look (10 s)",
            words=(
                "A small network on small images, few epochs and few chips: enough to see a curve fall, too few to "
                "tell methods apart."
            ),
            options=MappingProxyType(
                {
                    "dataset": "digits",
                    "backbone": "mlp",
                    "epochs": 8,
                    "num_instances": 25,
                    "test_sigma_d": "0,0.1,0.2,0.3,0.4",
                }
            ),
        ),
        "paper": Recipe(
            title="As in the paper",
            words=(
                "The paper's comparison as the stored runs make it: its network at a quarter of the width on small "
                "images, its epochs, every chip. A new seed joins the stored ones."
            ),
            options=MappingProxyType({"dataset": "digits", "backbone": "vgg8", "width": 0.25}),
        ),
    }
)
"""By key; the paper's are those of the main comparison of `neft sweep paper_digits`."""
