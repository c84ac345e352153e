"""The facts of the variants that tests draw and tabulate, as tables carry them."""

from typing import Any

import pandas as pd

from dashboard.charts.theme import Look
from neft import columns as c

METHODS = ("vanilla", "noise_injection", "noise_injection_t", "ovf", "irs", "correctnet")
"""By rank; what begins with one of them is a variant of it, the last that fits."""
CONTROL = "noise_injection_t4"
PLAIN = ("vanilla", "noise_injection", CONTROL, "ovf", "irs")
"""Those that the library has, in the order in which they are shown."""


def look(variant: str) -> Look:
    """What decides how a variant is drawn; that of an unknown one comes after all."""
    fitting = [index for index, name in enumerate(METHODS) if variant == name or _continues(variant, name)]
    rank = max(fitting, default=len(METHODS))
    method = METHODS[rank].removesuffix("_t") if fitting else variant
    is_plain = variant in (*METHODS, CONTROL)
    return Look(rank, "" if is_plain else variant.removeprefix(method))


def facts(variant: str) -> dict[str, Any]:
    """A variant's facts, by column; its method is told by its rank."""
    found = look(variant)
    method = METHODS[found.rank].removesuffix("_t") if found.rank < len(METHODS) else variant
    return {
        c.METHOD: method,
        c.METHOD_RANK: found.rank,
        c.DEPARTURE: found.departure,
        c.USES_NOISE: method != "vanilla",
        c.HAS_FEEDBACK: method in ("ovf", "irs"),
        c.IS_CONTROL: variant == CONTROL,
    }


def known(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, each row with its variant's facts."""
    each = [facts(str(variant)) for variant in frame[c.VARIANT]]
    return frame.assign(**{name: [one[name] for one in each] for name in facts("")})


def _continues(variant: str, method: str) -> bool:
    return variant.startswith(method if method.endswith("_t") else f"{method}_")
