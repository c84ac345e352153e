"""What the chips that were tried so far say of a curve: the mean accuracy at every sigma_d, for whoever watches."""

from collections.abc import Mapping, Sequence

from neft import columns
from neft.sigma_d import sigma_d_text


class SoFar:
    """The mean accuracy by sigma_d over rows that only become more."""

    def __init__(self) -> None:
        self._num_seen = 0
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, rows: Sequence[Mapping[str, float]]) -> None:
        """All rows there are now: a chip at one sigma_d each; those of before are counted once."""
        for row in rows[self._num_seen :]:
            at = sigma_d_text(row[columns.SIGMA_D])
            self._sums[at] = self._sums.get(at, 0.0) + row[columns.ACCURACY]
            self._counts[at] = self._counts.get(at, 0) + 1
        self._num_seen = len(rows)

    def means(self) -> dict[str, float]:
        """By sigma_d, written as in addresses; a fraction."""
        return {at: total / self._counts[at] for at, total in self._sums.items()}
