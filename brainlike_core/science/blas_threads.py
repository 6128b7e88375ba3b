"""How many threads matrix products get."""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

# Up to so many locations (parcels), matrices are a few hundred wide.
FEW_LOCATIONS = 2000


def threads_for(n_locations: int) -> AbstractContextManager:
    """A context in which small matrices are multiplied on one thread, and large ones on all.

    Thousands of small products on several threads spend more time waiting for
    each other than working, and keep other processes' cores busy meanwhile.

    Parameters
    ----------
    n_locations : int
        Columns of the recording.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> import numpy
    >>> with threads_for(268):
    ...     {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
    {1}
    """
    return threadpool_limits(1 if n_locations <= FEW_LOCATIONS else None, user_api="blas")
