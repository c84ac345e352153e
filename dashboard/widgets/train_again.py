"""Links that open the Train page with a run's settings, or a job's, filled in."""

from dashboard import address
from dashboard.pages import Page
from dashboard.widgets.page_link import page_link

SAME_SEED = "Train again, same seed"
OTHER_SEED = "Train again, another seed"


def same_seed_link(like: str, label: str = SAME_SEED) -> None:
    """With the settings of a run or a job, by its id."""
    page_link(
        Page.TRAIN,
        label,
        icon=":material/edit:",
        query_params={address.TRAIN_LIKE: like},
        help=f"Opens the {Page.TRAIN.title} page with these settings; change what you like there.",
    )


def other_seed_link(like: str) -> None:
    """Likewise, with the next seed that is not stored yet."""
    page_link(
        Page.TRAIN,
        OTHER_SEED,
        icon=":material/casino:",
        query_params={address.TRAIN_LIKE: like, address.OTHER_SEED: "yes"},
        help=f"Opens the {Page.TRAIN.title} page with these settings and the next seed that is not stored yet.",
    )
