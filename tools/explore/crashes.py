"""Every crash: a scenario is played once to count its points, then once with a death at each."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from tools.explore.browser import Gone
from tools.explore.coverage import watched
from tools.explore.points import Actor, Killed, Point, acting
from tools.explore.stories import Scenario, violations, wrong_ends
from tools.explore.world import Snapshot, World


class SeenBefore(BaseException):
    """The death left what another one had left; what follows is known."""


@dataclass(frozen=True)
class Crash:
    """Where the process dies, and whether the shopper leaves at the error."""

    move: int
    point: int
    leaves: bool = False

    def __str__(self) -> str:
        return f"{self.move}.{self.point}{' leaves' if self.leaves else ''}"

    @staticmethod
    def read(text: str) -> "Crash":
        """:raise ValueError: it is none."""
        point, _, leaves = text.partition(" ")
        move, _, number = point.partition(".")
        return Crash(int(move), int(number), leaves == "leaves")


@dataclass
class Crashes:
    """All crashes of one scenario.

    ``points``: those of each move, in order. ``memories``: the world before each move.
    """

    world: World
    scenario: Scenario
    points: list[list[Point]] = field(default_factory=list)
    memories: list[Snapshot] = field(default_factory=list)
    tried: int = 0
    followed: int = 0
    lines: set[str] = field(default_factory=set)  # run while everything could die; see coverage.py
    steps: list[str] = field(default_factory=list)  # of what was played last
    _left: set[object] = field(default_factory=set)  # by a death
    _is_new: bool = True

    def explore(self, beginning: Snapshot) -> Iterator[tuple[Crash | None, list[str]]]:
        """Each crash that breaks something, and what it breaks; None: it breaks without one.

        Two deaths that leave the same behind are followed once: what comes after is the same.
        """
        broken = self.play_through(beginning)
        if broken:
            yield None, broken
        for move, points in enumerate(self.points):
            for number in range(len(points)):
                crash = Crash(move, number)
                broken, seen_by_shopper = self.play(crash)
                if broken:
                    yield crash, broken
                if seen_by_shopper and self.scenario.may_leave:
                    crash = Crash(move, number, leaves=True)
                    broken, _ = self.play(crash)
                    if broken:
                        yield crash, broken

    def play_through(self, beginning: Snapshot) -> list[str]:
        """Without a death: count the points, and remember the world before each move."""
        world = self.world
        world.put_back(beginning)
        self.steps = []
        with acting(None):
            self.scenario.prepare(world)
        for move in self.scenario.moves:
            self.memories.append(world.remember())
            passed: list[Point] = []

            def note(_: Actor, point: Point, passed: list[Point] = passed) -> None:
                passed.append(point)
                self._note(point)

            with acting(Actor("the process", note)), watched(self.lines):
                move(world)
            self.points.append(passed)
        at_once = wrong_ends(world, self.scenario.ends)
        world.settle()
        return at_once or self._judge(self.scenario.ends)

    def _note(self, point: Point) -> None:
        if point.is_seen:
            self.steps.append(f"{point.function}: {point.what}")

    def _judge(self, ends: tuple[str, ...] | None) -> list[str]:
        found = violations(self.world, ends)
        if self.scenario.refunded is not None:
            back = sum(each["refunded"] for each in self.world.ledger())
            if back != self.scenario.refunded:
                found.append(f"{back} minor units went back, not {self.scenario.refunded}")
        return found

    def play(self, crash: Crash) -> tuple[list[str], bool]:
        """With a death: what is wrong in the end, and whether the shopper saw an error.

        Nothing, if a death before this one left the same.
        """
        world, passed = self.world, 0
        world.put_back(self.memories[crash.move])
        browser = world.browser
        browser.gives_up = crash.leaves
        self.tried += 1
        self.steps = []

        def at(_: Actor, point: Point) -> None:
            nonlocal passed
            if world.dead:
                raise Killed
            if passed == crash.point and not world.killed:
                self.steps.append(f"{point.function}: the process is killed before {point.what}")
                world.kill()
            passed += 1
            self._note(point)

        def killed() -> None:
            left = (world.fingerprint(), crash.move, crash.leaves, *world.under_way)
            self._is_new = left not in self._left
            self._left.add(left)

        def restarted() -> None:
            if not self._is_new:
                raise SeenBefore

        world.when_killed, world.when_restarted = killed, restarted
        try:
            with suppress(Gone), acting(Actor("the process", at)):
                for move in self.scenario.moves[crash.move :]:
                    move(world)
        except SeenBefore:
            return [], False
        finally:
            world.when_killed = world.when_restarted = lambda: None
            browser.gives_up = False
            world.under_way.clear()
        self.followed += 1
        if not world.killed:
            return [f"{crash} was not reached: the scenario goes another way each time"], False
        world.settle()
        ends = None if crash.leaves else self.scenario.if_killed or self.scenario.ends
        return self._judge(ends), world.shopper_saw_it
