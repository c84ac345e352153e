"""What an input of a network is, told by how many axes it has beside its channels."""

from dataclasses import dataclass

FEATURES, SERIES, IMAGES = 0, 1, 2


@dataclass(frozen=True)
class Called:
    """What inputs of a kind are called: one of them, and many."""

    one: str
    many: str

    def count(self, number: int) -> str:
        """So many of them.

        >>> IMAGE.count(1), IMAGE.count(1200), INPUT_KINDS[SERIES].count(2)
        ('1 image', '1,200 images', '2 series')
        """
        return f"{number:,} {self.one if number == 1 else self.many}"


IMAGE = Called("image", "images")
INPUT_KINDS = {FEATURES: Called("feature vector", "feature vectors"), SERIES: Called("series", "series"), IMAGES: IMAGE}
"""A vector of features, channels over steps, channels over rows and columns."""
