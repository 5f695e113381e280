"""Several actors, of whom one moves at a time: a schedule says who, and for how many points."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.explore.points import Actor, Killed, Point, acting
from tools.explore.world import World

#: An actor, and how many points it passes before another one moves; None: until it has ended.
Leg = tuple[str, int | None]
LOOK = 0.004  # seconds between two looks at an actor whose statement may wait in its database
PATIENCE = 60.0  # seconds for an actor to come to its next point, or to be let on by its database


class Stuck(Exception):
    """All actors wait for one another, and nothing ends it."""


@dataclass
class Player:
    """One actor in its thread. ``state``: rests, runs, waits, blocked or ended."""

    actor: Actor
    state: str = "rests"
    left: int | None = 0  # points until it rests
    passed: list[Point] = field(default_factory=list)
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    error: BaseException | None = None

    @property
    def is_blocked(self) -> bool:
        """Its statement is with the database, which lets it wait."""
        return self.state == "blocked"


class Turns:
    """Plays one schedule in a world that was prepared.

    ``steps``: what was done, in order. ``moved``: at how many points an actor moved on.
    ``waits``: how often one had to wait for another.
    """

    def __init__(self, world: World, works: Mapping[str, Callable[[World], object]]) -> None:
        self.world = world
        self.steps: list[str] = []
        self.waits, self.moved = 0, 0
        self._changed = threading.Condition()
        self._players = {name: Player(Actor(name, self._at, self._wait)) for name in works}
        self._threads = [
            threading.Thread(target=self._run, args=(self._players[name], work), daemon=True)
            for name, work in works.items()
        ]

    def play(self, legs: Sequence[Leg]) -> None:
        """The legs, and then each to its end, in the order in which they are named.

        :raise Stuck: they all wait.
        """
        for thread in self._threads:
            thread.start()
        for name, points in legs:
            self._move(self._players[name], points)
        gives_up = time.monotonic() + PATIENCE
        while alive := [each for each in self._players.values() if each.state != "ended"]:
            before = self.moved, [each.state for each in alive]
            for player in alive:
                self._move(player, None)
            if before != (self.moved, [each.state for each in alive]):
                gives_up = time.monotonic() + PATIENCE
            elif time.monotonic() > gives_up or not any(each.is_blocked for each in alive):
                raise Stuck(", ".join(f"{each.actor.name} {each.state}" for each in alive))
        for thread in self._threads:
            thread.join()
        for player in self._players.values():
            if player.error:
                raise player.error

    def passed(self, name: str) -> int:
        """How many points an actor has passed."""
        return len(self._players[name].passed)

    # ------------------------------------------------------------------ whose turn it is

    def _move(self, player: Player, points: int | None) -> None:
        if any(each.is_blocked for each in self._players.values()) and points is None:
            # One point at a time, so that the blocked actor does not move beside this one.
            while player.state in ("rests", "waits", "blocked"):
                before = self.moved
                self._turn(player, 1)
                if before == self.moved:
                    return
            return
        self._turn(player, points)

    def _turn(self, player: Player, points: int | None) -> None:
        if player.state == "ended" or points == 0:
            return
        with self._changed:
            player.left = points
            if not player.is_blocked:
                player.state = "runs"
                player.go.release()
        self._until_it_stops(player)
        for other in self._players.values():
            if other.is_blocked and other is not player:
                other.left = 0
                self._until_it_stops(other)

    def _until_it_stops(self, player: Player) -> None:
        """Until it rests, waits or has ended, or its database lets it wait."""
        gives_up = time.monotonic() + PATIENCE
        with self._changed:
            was_blocked = player.is_blocked
            if was_blocked:
                player.state = "runs"
            while player.state == "runs":
                self._changed.wait(LOOK)
                if player.state == "runs" and self.world.database.waits(player.actor):
                    player.state = "blocked"
                    self.waits += not was_blocked
                elif time.monotonic() > gives_up:
                    raise Stuck(f"{player.actor.name} does not come to its next point")

    # ------------------------------------------------------------------ in the actors' threads

    def _run(self, player: Player, work: Callable[[World], object]) -> None:
        player.go.acquire()
        try:
            with acting(player.actor):
                work(self.world)
        except BaseException as error:  # noqa: BLE001  # raised by ``play``
            player.error = error
        self._stop(player, "ended")

    def _at(self, actor: Actor, point: Point) -> None:
        player = self._players[actor.name]
        if self.world.dead:
            raise Killed
        if point.kind == "sleep":
            self._wait(actor, point.what)
            return
        if not actor.holds_the_lock:
            if player.left == 0:
                self._stop(player, "rests")
                player.go.acquire()
            player.passed.append(point)
            if player.left is not None:
                player.left -= 1
        self.moved += 1
        self.steps.append(f"{actor.name}: {point.function}: {point.what}")

    def _wait(self, actor: Actor, for_what: str) -> None:
        self.waits += 1
        self.steps.append(f"{actor.name}: waits for {for_what}")
        player = self._players[actor.name]
        self._stop(player, "waits")
        player.go.acquire()

    def _stop(self, player: Player, state: str) -> None:
        with self._changed:
            player.state = state
            self._changed.notify_all()
