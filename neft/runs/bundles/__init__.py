"""Runs in one zip file, to hand on: written with checksums and a manifest, read without trusting a byte of it.

A bundle holds `manifest.json`, `README.txt` and, run by run, `runs/<id>/` with the files as they are stored and, where
there is one, the user's note. A run's own folder, zipped by hand, is read as well.
"""

from neft.runs.bundles.archive import MAX_TOTAL
from neft.runs.bundles.exporting import bundle_size, export_runs
from neft.runs.bundles.importing import Found, Status, import_runs, look_into
from neft.runs.bundles.manifest import MANIFEST_VERSION, BundledRun, Manifest

__all__ = [
    "MANIFEST_VERSION",
    "MAX_TOTAL",
    "BundledRun",
    "Found",
    "Manifest",
    "Status",
    "bundle_size",
    "export_runs",
    "import_runs",
    "look_into",
]
