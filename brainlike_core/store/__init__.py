"""The store: every result once, whole, and checked each time it is read.

An entry is a folder named by its key (64 hex characters). It holds one file
per array or table and a manifest with the SHA-256 of each file and of itself.
Entries appear by a single rename, so a reader sees "absent" or "whole".

Layout under the store's folder::

    entries/ab/abcd.../manifest.json, 0.atoms.npy, 0.metrics.parquet, ...
    locks/abcd....lock      one operating-system lock per key
    incoming/               entries being written; orphans are swept
    damaged/                entries that failed their checksums, set aside
"""

from .questions import Question
from .store import Store, Verification

__all__ = ["Question", "Store", "Verification"]
