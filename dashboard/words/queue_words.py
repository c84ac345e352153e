"""The queue in words: who is ahead, and when a job's turn comes."""

from collections.abc import Sequence

from dashboard.jobs import jobs
from dashboard.jobs.jobs import Job
from neft.sweeps.durations import span

ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def ordinal(place: int) -> str:
    """A place in words.

    >>> [ordinal(place) for place in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    suffix = "th" if place % 100 in (11, 12, 13) else ORDINALS.get(place % 10, "th")
    return f"{place}{suffix}"


def queue_words() -> str:
    """What stands between a start and its beginning, to follow a sentence; empty where nothing does."""
    ahead = [job for job in jobs.jobs() if job.is_active]
    if not ahead:
        return ""
    count = "One job is" if len(ahead) == 1 else f"{len(ahead)} jobs are"
    return f" {count} ahead in the queue{_after(ahead)}."


def turn_words(job: Job, everyone: Sequence[Job]) -> str:
    """When a waiting job's turn comes."""
    ahead = [one for one in everyone if 0 < one.place < job.place]
    return f"begins when {_those(job.place - 1)} ended{_after(ahead)}"


def _those(count: int) -> str:
    return "the job ahead has" if count == 1 else f"the {count} jobs ahead have"


def _after(ahead: Sequence[Job]) -> str:
    spans = [job.seconds_to_end for job in ahead]
    known = [each for each in spans if each is not None]
    if len(known) < len(spans) or not known:
        return ""
    return f", in about {span(sum(least for least, _ in known), sum(most for _, most in known))}"
