"""What an input of a network is, told by how many axes it has beside its channels."""

FEATURES, SERIES, IMAGES = 0, 1, 2

INPUT_KINDS = {FEATURES: "feature vectors", SERIES: "series", IMAGES: "images"}
"""In words, many of them: a vector of features, channels over steps, channels over rows and columns."""
INPUT_NOUNS = {FEATURES: "feature vector", SERIES: "series", IMAGES: "image"}
"""One of them."""
