"""By which chips that are made alike are known, whichever run they are of and however many are asked for."""

import hashlib

from neft.config import EvaluationConfig, RunConfig

NOT_OF_A_CHIP = ("sigma_ds", "num_instances", "precision", "min_instances", "worst_case")
"""Settings of an evaluation that leave each of its chips and images as they are."""


def chips_key(config: RunConfig) -> str:
    """Sixteen hex digits of how a config's chips are made and which images they meet; of how many and where is not."""
    usual = {name: EvaluationConfig.model_fields[name].default for name in NOT_OF_A_CHIP}
    evaluation = config.evaluation.model_copy(update=usual)
    of_chips = config.model_copy(update={"evaluation": evaluation})
    return hashlib.sha256(of_chips.decisive.encode()).hexdigest()[:16]
