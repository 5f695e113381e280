"""What can happen to a payment at its provider without the shop asking.

A refund on the dashboard, a void, a chargeback, one payment more. Each provider has its own; the
front page offers those that are possible now.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .models import Payment


@dataclass(frozen=True)
class Action:
    """One of them: ``key`` is for programs, ``title`` for the button, ``sentence`` explains it."""

    key: str
    title: str
    sentence: str
    #: The minor units that it is about; 0 when it is not possible now.
    at_most: Callable[[Payment], int]
    #: Does it, with minor units up to that, and stores the webhooks. The caller commits.
    do: Callable[[Payment, int], object]
    in_part: bool = False  # whether it can be about less than all of it
