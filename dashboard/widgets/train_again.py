"""Links that open the Train page with a run's settings, or a job's, filled in."""

import streamlit as st

from dashboard import address

SAME_SEED = "Train again, same seed"
OTHER_SEED = "Train again, another seed"


def same_seed_link(like: str, label: str = SAME_SEED) -> None:
    """With the settings of a run or a job, by its id."""
    st.page_link(
        "app_pages/train.py",
        label=label,
        icon=":material/edit:",
        query_params={address.TRAIN_LIKE: like},
        help="Opens the Train page with these settings; change what you like there.",
    )


def other_seed_link(like: str) -> None:
    """Likewise, with the next seed that is not stored yet."""
    st.page_link(
        "app_pages/train.py",
        label=OTHER_SEED,
        icon=":material/casino:",
        query_params={address.TRAIN_LIKE: like, address.OTHER_SEED: "yes"},
        help="Opens the Train page with these settings and the next seed that is not stored yet.",
    )
