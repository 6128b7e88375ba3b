"""What every value of the walk has in common: read-only arrays, and a check at birth."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..errors import BrainlikeError


class Frozen:
    """Make every array of a frozen dataclass read-only."""

    def freeze(self) -> None:
        """At the end of ``__post_init__``."""
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and value.flags.writeable:
                view = value.view()
                view.flags.writeable = False
                object.__setattr__(self, item.name, view)


def check(
    condition: bool, kind: type[BrainlikeError], what: str, found: object, needed: str, do: str
) -> None:
    """Refuse a value at birth, where ``condition`` does not hold, with an error of ``kind`` (see `BrainlikeError`)."""
    if not condition:
        raise kind(what, found=str(found), needed=needed, do=do)
