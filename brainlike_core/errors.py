"""The tree of errors.

::

    BrainlikeError              every refusal: what is wrong, found, needed, do
    ├── InputError              the caller can mend it (exit status 2)
    │   ├── UnknownNameError    a recording, model or atlas that is not known
    │   ├── StoryError          a transcript that cannot be read or timed
    │   ├── RecordingError      fMRI data that do not fit
    │   ├── AlignmentError      the story clock and the recording disagree
    │   ├── ModelError          a language model that cannot be had or used
    │   ├── AtlasError          a network atlas or surface that does not fit
    │   ├── TextError           texts or test items that cannot be read
    │   ├── DownloadError       a file that cannot be had from its home or mirror
    │   └── ConfigError         a setting outside its range
    ├── StoreError              the cache folder cannot be used (exit status 1)
    │   └── DamagedEntryError   a stored entry does not match its checksums
    └── CancelledError          the person asked to stop
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BrainlikeError(Exception):
    """What is wrong with which input: found X, needed Y; do Z.

    Parameters
    ----------
    what : str
        One clause that names the input and what is wrong with it.
    found, needed, do : str
        What was there, what would be accepted, and the shortest mend.

    Examples
    --------
    >>> print(BrainlikeError("K is too large", found="K = 500", needed="K <= 276", do="lower --atoms"))
    K is too large: found K = 500, needed K <= 276; lower --atoms.
    """

    exit_status = 1

    def __init__(self, what: str, *, found: str = "", needed: str = "", do: str = "") -> None:
        self.what, self.found, self.needed, self.do = what, found, needed, do
        super().__init__(what)

    def __str__(self) -> str:
        facts = ", ".join(
            f"{name} {text}" for name, text in (("found", self.found), ("needed", self.needed)) if text
        )
        sentence = f"{self.what}: {facts}" if facts else self.what
        return f"{sentence}; {self.do}." if self.do else f"{sentence}."

    def __reduce__(self) -> tuple:
        # Errors cross process borders (Dask); keep every part of the sentence.
        return _rebuild, (type(self), self.what, self.found, self.needed, self.do)


def _rebuild(kind: type[BrainlikeError], what: str, found: str, needed: str, do: str) -> BrainlikeError:
    return kind(what, found=found, needed=needed, do=do)


class InputError(BrainlikeError):
    """An input that the caller can mend."""

    exit_status = 2


class UnknownNameError(InputError):
    """A name that is not in a list of known names."""

    @classmethod
    def nearest(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Build the error with the nearest known names.

        Examples
        --------
        >>> print(UnknownNameError.nearest("atlas", "yeo8", ["yeo7", "yeo17", "eg17"]))
        Unknown atlas: found 'yeo8', needed one of eg17, yeo17, yeo7; did you mean yeo7 or yeo17?.
        """
        known, name = sorted(known), name if len(name) <= 80 else name[:79] + "…"
        near = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.6)
        do = f"did you mean {' or '.join(near)}?" if near else f"choose one of these {kind}s"
        some = known if len(known) <= 12 else [*known[:10], f"{len(known) - 10} more"]
        return cls(f"Unknown {kind}", found=repr(name), needed=f"one of {', '.join(some)}", do=do)


class StoryError(InputError):
    """A transcript that cannot be read or timed."""


class RecordingError(InputError):
    """fMRI data that do not fit."""


class AlignmentError(InputError):
    """The story clock and the recording disagree."""


class ModelError(InputError):
    """A language model that cannot be had or used."""


class AtlasError(InputError):
    """A network atlas or surface that does not fit."""


class TextError(InputError):
    """Texts or test items that cannot be read."""


class DownloadError(InputError):
    """A file that cannot be had from its home or mirror."""


class ConfigError(InputError):
    """A setting outside its range."""


class StoreError(BrainlikeError):
    """The cache folder cannot be used."""


class DamagedEntryError(StoreError):
    """A stored entry does not match its checksums."""


class CancelledError(BrainlikeError):
    """The person asked to stop."""
