"""Guided lessons: a question, a prediction, and the answer computed from stored runs.

To add one: a file with its `LESSON`, and its line here. The page that shows them is `app_pages/learn.py`.
"""

from typing import Any

from dashboard.lessons.base import Lesson, Link, Missing
from dashboard.lessons.broken_networks import LESSON as BROKEN_NETWORKS
from dashboard.lessons.certainty import LESSON as CERTAINTY
from dashboard.lessons.device_variation import LESSON as DEVICE_VARIATION
from dashboard.lessons.feedback import LESSON as FEEDBACK
from dashboard.lessons.flat_weights import LESSON as FLAT_WEIGHTS
from dashboard.lessons.noise_injection import LESSON as NOISE_INJECTION
from dashboard.lessons.temperature import LESSON as TEMPERATURE
from dashboard.lessons.unlucky_chip import LESSON as UNLUCKY_CHIP

__all__ = ["LESSONS", "Lesson", "Link", "Missing"]

LESSONS: dict[str, Lesson[Any]] = {
    lesson.name: lesson
    for lesson in (
        DEVICE_VARIATION,
        BROKEN_NETWORKS,
        NOISE_INJECTION,
        FEEDBACK,
        FLAT_WEIGHTS,
        TEMPERATURE,
        CERTAINTY,
        UNLUCKY_CHIP,
    )
}
"""In the order in which they are taught, by the short name that the address holds."""
