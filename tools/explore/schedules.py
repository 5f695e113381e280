"""A schedule in a line, which ``make explore SCHEDULE='…'`` plays again.

mintcash: paid by webhook @ 2.14
webhook twice @ webhook 3, the same, webhook on postgresql
a forged webhook @ as it goes without the signature is checked on sqlite
"""

import re
from dataclasses import dataclass

from tools.explore.turns import Leg

SCHEDULE = re.compile(
    r"(?P<story>.+?) @ (?P<where>.+?)(?: without (?P<guard>.+?))?"
    r"(?: on (?P<database>sqlite|postgresql))?"
)
AS_IT_GOES = "as it goes"  # a scenario in which nothing dies


@dataclass(frozen=True)
class Schedule:
    """``where``: the point of death, or whose turn it is for how many points."""

    story: str
    where: str
    guard: str = ""
    database: str = "sqlite"

    def __str__(self) -> str:
        without = f" without {self.guard}" if self.guard else ""
        return f"{self.story} @ {self.where}{without} on {self.database}"


def read_schedule(line: str) -> Schedule:
    """:raise ValueError: a sentence for the person who typed it."""
    found = SCHEDULE.fullmatch(line.strip())
    if not found:
        raise ValueError(
            f"{line!r} is no schedule: it reads like 'webhook twice @ webhook 3, the same', as the "
            "explorer prints it"
        )
    return Schedule(
        found["story"], found["where"], found["guard"] or "", found["database"] or "sqlite"
    )


def write_legs(legs: list[Leg]) -> str:
    """ "webhook 3, the same": the first for three points, the second to its end, then the rest."""
    return ", ".join(f"{name} {points}" if points is not None else name for name, points in legs)


def read_legs(text: str) -> list[Leg]:
    legs: list[Leg] = []
    for part in text.split(","):
        name, _, points = part.strip().rpartition(" ")
        is_counted = points.isascii() and points.isdigit()
        legs.append((name, int(points)) if name and is_counted else (part.strip(), None))
    return legs
