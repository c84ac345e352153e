"""How hard the worst case is searched, as one frozen value; read without torch."""

from pydantic import Field

from neft.component import Component


class SearchSettings(Component):
    """How hard the worst case is searched."""

    num_steps: int = Field(
        default=40, ge=1, le=10_000, title="steps", description="Sign-gradient steps of a projected search."
    )
    stride: float = Field(
        default=2.0,
        gt=0,
        le=100,
        title="stride",
        description="A step's length over th_g / steps; above 1 a weight can cross its bound and turn back.",
    )
    num_restarts: int = Field(
        default=1,
        ge=0,
        le=1000,
        title="restarts",
        description="Random points from which the projected search starts again: the worst of the draws, then others.",
    )
    num_multipliers: int = Field(
        default=3, ge=1, le=100, title="values of c", description="How many the Lagrangian form's outer search tries."
    )
    num_multiplier_steps: int = Field(
        default=10, ge=1, le=10_000, title="Adam steps", description="Of the Lagrangian form, for each c."
    )
    num_draws: int = Field(
        default=10, ge=1, le=10_000, title="draws", description="Random deviations of each law that stand beside."
    )
    seed: int = Field(default=0, ge=0, lt=2**31, title="seed", description="Of the random deviations and restarts.")
