"""The whole chain a second time: a naive float64 implementation of every equation, held against the package's own."""
