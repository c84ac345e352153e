"""What a run's id looks like; nothing that could leave a folder."""

import re

RUN_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,118}-[0-9a-f]{8}")


def is_run_id(text: str) -> bool:
    """Whether a text could name a run.

    >>> is_run_id("digits-vgg8w4-ovf-s0.20-seed0-1a2b3c4d"), is_run_id("../../etc")
    (True, False)
    """
    return RUN_ID.fullmatch(text) is not None and ".." not in text
