"""Which period of a subscription a piece of news is about."""

from dataclasses import dataclass
from typing import Literal

#: How a subscription stands with its provider; "cancelled" and "failed" are the end of it.
State = Literal["pending", "active", "past_due", "cancelled", "failed"]


@dataclass(frozen=True)
class Period:
    """``status`` is how the subscription stands; ``start`` and ``end`` are Unix seconds.

    Both are None while no period has begun; news of a charge says both.
    """

    status: State
    start: int | None = None
    end: int | None = None
