"""What is said where other images lie at a place than are meant: the same wherever it is met.

A stored network is evaluated on the images it was made with, and on no others; others make another run.
"""

from pathlib import Path

from neft.errors import without_middle

LONGEST = 24
"""Characters of the place: the two ways on are to be read."""

ONLY_ITS_OWN = (
    "A network is tested on the images of its own run alone; to compare, train one anew on the other's images."
)


def other_images(place: str, *, found: str, meant: str, whose: str) -> str:
    """That the images at a place are others, and the two ways on.

    Args:
        place: the path that was given.
        found: the checksum of what lies there.
        meant: the checksum of what is meant; empty where it was not kept.
        whose: of what those are that are meant, as `of run 'ID'`.
    """
    others = (
        f"are not those {whose} (checksum {found}, not {meant})."
        if meant
        else f"may not be those {whose}, of which no checksum was kept."
    )
    shown = without_middle(str(Path(place).expanduser().absolute()), LONGEST)
    return (
        f"The images in {shown} {others} If those lie elsewhere, say --path; to train on these: `neft train` with "
        f"--checksum {found}."
    )
