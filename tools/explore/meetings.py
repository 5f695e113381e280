"""Every meeting: all schedules of two or three actors with up to two switches, and random ones."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations

from tools.explore.points import acting
from tools.explore.stories import Meeting, violations
from tools.explore.turns import Leg, Stuck, Turns
from tools.explore.world import Snapshot, World

RANDOM = 20  # schedules of each meeting, with more switches than two
LONGEST_RUN = 6  # points that an actor passes at most, in those


@dataclass
class Meetings:
    """All schedules of one meeting. ``waits``: how often an actor had to wait for another."""

    world: World
    meeting: Meeting
    tried: int = 0
    waits: int = 0
    points: int = 0  # at which one can be switched for another, of all actors alone
    steps: list[str] = field(default_factory=list)  # of the last schedule
    _prepared: Snapshot | None = None
    _alone: dict[str, int] = field(default_factory=dict)  # points that each passes if it is first

    def explore(
        self, beginning: Snapshot, *, seed: int, is_short: bool = False
    ) -> Iterator[tuple[list[Leg], list[str]]]:
        """Each schedule that breaks something, shortest first, and what it breaks.

        ``is_short``: without those in which the second is left, too.
        """
        self.prepare(beginning)
        for first, second, *_ in permutations(self.meeting.actors):
            yield from self._of_two(first, second, is_short)
        self.points = sum(self._alone.values())
        chance = random.Random(f"{seed} {self.meeting.name}")  # noqa: S311
        for _ in range(RANDOM):
            legs = self._random(chance)
            broken = self.play(legs)
            if broken:
                yield legs, broken

    def prepare(self, beginning: Snapshot) -> None:
        self.world.put_back(beginning)
        with acting(None):
            self.meeting.prepare(self.world)
        self._prepared = self.world.remember()

    def _of_two(
        self, first: str, second: str, is_short: bool
    ) -> Iterator[tuple[list[Leg], list[str]]]:
        """One runs to a point, the other to a point or its end, then the first goes on."""
        alone: list[Leg] = [(first, None), (second, None)]
        broken = self.play(alone)
        if broken:
            yield alone, broken
        self._alone[first] = self._passed[first]
        for switch in range(1, self._passed[first]):
            whole: list[Leg] = [(first, switch), (second, None), (first, None)]
            broken = self.play(whole)
            if broken:
                yield whole, broken
            for back in range(1, 1 if is_short else self._passed[second]):
                legs: list[Leg] = [(first, switch), (second, back), (first, None), (second, None)]
                broken = self.play(legs)
                if broken:
                    yield legs, broken

    def play(self, legs: list[Leg]) -> list[str]:
        """One schedule; what is wrong in the end."""
        assert self._prepared is not None  # noqa: S101
        self.world.put_back(self._prepared)
        self.tried += 1
        turns = Turns(self.world, self.meeting.actors)
        try:
            turns.play(legs)
        except Stuck as stuck:
            return [f"stuck: {stuck}"]
        finally:
            self.waits += turns.waits
            self.steps = turns.steps
            self._passed = {name: turns.passed(name) for name in self.meeting.actors}
        self.world.settle()
        return violations(self.world, self.meeting.ends)

    def _random(self, chance: random.Random) -> list[Leg]:
        names = list(self.meeting.actors)
        return [
            (chance.choice(names), chance.randint(1, LONGEST_RUN))
            for _ in range(chance.randint(4, 12))
        ]
