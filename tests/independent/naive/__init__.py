"""Every equation once more, in plain loops over float64, straight from the papers; nothing of the package is used."""
