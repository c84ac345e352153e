"""What the page asks for is what the command line and the presets make."""

from dashboard.data import schemes
from neft.experiments.presets import NUM_SCHEME_CHIPS
from neft.experiments.schemes import NUM_INSTANCES, SIGMA_DS


def test_schemes_are_tried_where_the_library_tries_them() -> None:
    assert schemes.SIGMA_DS == SIGMA_DS
    assert schemes.CHIPS[0] == NUM_INSTANCES
    assert schemes.CHIPS[-1] == NUM_SCHEME_CHIPS
