"""What a job's process is: it waits for its turn, with nothing heavy loaded, and then is `neft …`.

    python -m dashboard.job_runner JOB_ID train --config …

It needs neither the page nor the server that started it. Jobs whose processes are gone are waited for by nobody.
"""

import sys
import time

from dashboard import job_files

SECONDS_BETWEEN_LOOKS = 0.25


def main() -> None:
    """Wait, then run the command line that stands behind the job's id."""
    job_id, *words = sys.argv[1:]
    wait_for_turn(job_id)
    job_files.tell_begun(job_id)
    sys.argv = ["neft", *words]

    from neft.__main__ import main as neft  # noqa: PLC0415 - not while it waits

    neft()


def wait_for_turn(job_id: str) -> None:
    """Return once no earlier job's process lives; later ones never come before."""
    earlier = [facts for one in job_files.ids() if one < job_id and (facts := job_files.facts(one)) is not None]
    while earlier := [facts for facts in earlier if job_files.alive(facts)]:
        time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    main()
