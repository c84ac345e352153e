"""What the computing process answers with: plain data, read on both sides without torch and without Streamlit."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Images:
    """What is known of a run's test images."""

    count: int
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A test image as it is drawn."""

    pixels: np.ndarray
    """[channels, height, width], 0 … 255."""
    true_class: int
