"""Networks as they lie on a chip: found from a run's settings, without its weights."""

from neft.errors import NeftError
from neft.hardware.costs import Deployed
from neft.inspection.hardware import deployed_of_each
from neft.runs.store import Stores


def deployed(run_ids: tuple[str, ...]) -> dict[str, Deployed | NeftError]:
    """By run, or why it is not known.

    Raises:
        StoreError: a run that cannot be read.
    """
    stores = Stores.default()
    return deployed_of_each(stores.holder(run_id).record(run_id) for run_id in run_ids)
