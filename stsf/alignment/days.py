"""The days between the two images of t1: both are to show one state of the ground."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date

from stsf.errors import Doubt

CLOSE = 3  # days; beyond, crops and water levels differ by more than the sensors do


def tell_days_apart(dates: Sequence[str | None]) -> None:
    """A warning where HS and MS of t1 were taken more than `CLOSE` days apart.

    Args:
        dates: ISO dates of Y1 and M1, and whatever follows; None where not known.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     tell_days_apart(["2025-05-14", "2025-05-23", "2025-07-25"])
        ...     tell_days_apart(["2025-05-14", "2025-05-17", None])
        >>> str(caught[0].message)[:51], len(caught)
        ('the HS and the MS of t1 were taken 9 days apart (20', 1)
    """
    if not dates[0] or not dates[1]:
        return
    days = abs((date.fromisoformat(dates[0]) - date.fromisoformat(dates[1])).days)
    if days > CLOSE:
        warnings.warn(
            f"the HS and the MS of t1 were taken {days} days apart ({dates[0]} and {dates[1]}), "
            f"expected at most {CLOSE}: what changed in between counts as an error of both; choose "
            "an MS image nearer to the HS date, or mend the tag DATE of the files",
            Doubt,
            3,
        )
