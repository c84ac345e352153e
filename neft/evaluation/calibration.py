"""Temperature calibration: one number by which logits are divided so that their softmax says how sure it may be.

[Guo2017], section 4.2 (temperature scaling): the temperature that minimises the negative log-likelihood of held
out images. It changes no prediction. Feedback training divides its training logits by N+1 and deploys them undivided,
so its networks speak of greater certainty than others at equal accuracy; EKL after calibration leaves that scale out.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_softmax
from torch import Tensor

LOWEST, HIGHEST = 1e-2, 1e3
"""Between which the temperature is looked for."""


def fit_temperature(logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"]) -> float:
    """The temperature T in [0.01, 1000] that minimises the mean of -ln softmax(O / T)_y.

    The loss is convex in 1/T, so it has one minimum; where every image is predicted right it may lie at the edge.
    Images without a finite -ln p_y (logits that give no probabilities, or none for the true class) say nothing of T;
    where there are no others T is 1.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - half a second that a training's start can do without

    outputs = logits.double().cpu().numpy()
    truth = labels.cpu().numpy()
    with np.errstate(invalid="ignore"):  # infinity less itself
        says = np.isfinite(log_softmax(outputs, axis=1)[np.arange(len(outputs)), truth])
    if not says.any():
        return 1.0
    outputs, truth = outputs[says], truth[says]
    rows = np.arange(len(outputs))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(outputs / np.exp(log_temperature), axis=1)[rows, truth].mean())

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))
