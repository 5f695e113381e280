"""Points: the moments between which the outside world can see a difference, and who moves at one.

A thread that runs the shop's code for an actor stops at a point before each SQL statement, COMMIT,
call, queue message and letter, and before its answer leaves. At a point the process can be killed,
and another actor can move. Code that runs for no actor, such as the preparation of a scenario, has
no points.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).parent.parent.parent
#: The folders and modules whose functions name a point.
OURS = ("payments", "fulfilment.py", "jobs", "views")


class Killed(BaseException):
    """The process is dead: no handler of the shop's may take this for an error of its own."""


@dataclass(frozen=True)
class Point:
    """``kind``: statement, commit, call, message, letter, sleep or answer.

    ``function``: the innermost function of the shop that is about to do it.
    """

    kind: str
    what: str
    function: str
    writes: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether shopper, provider or database can tell afterwards, if only after the COMMIT."""
        return self.kind in ("commit", "call", "letter", "answer") or self.writes


class Actor:
    """One that makes the shop's code run: a shopper, a provider's webhook, a worker.

    ``at``: told of each point before anything happens; it may raise :class:`Killed`, or return
    when this actor is to move on. ``waits``: told that it cannot move on before another one has.
    """

    def __init__(
        self,
        name: str,
        at: Callable[["Actor", Point], None],
        waits: Callable[["Actor", str], None] | None = None,
    ) -> None:
        self.name, self._at, self._waits = name, at, waits
        #: Inside ``BEGIN IMMEDIATE``: no other connection can write, so none can meet this one.
        self.holds_the_lock = False
        #: PostgreSQL's process that works for this actor; 0: none has yet.
        self.server_process = 0

    def arrive(self, kind: str, what: str, writes: bool = False) -> None:
        self._at(self, Point(kind, what, _under_way(), writes))

    def wait(self, for_what: str) -> None:
        """:raise RuntimeError: no other actor is there to end the wait."""
        if self._waits is None:
            raise RuntimeError(f"{self.name} waits for {for_what}, and is alone")
        self._waits(self, for_what)


_here = threading.local()


def actor() -> Actor | None:
    """For whom this thread runs."""
    return getattr(_here, "actor", None)


class acting:
    """A context in which this thread's points are those of an actor; None: it has none."""

    def __init__(self, who: Actor | None) -> None:
        self.who = who

    def __enter__(self) -> None:
        self.before = actor()
        _here.actor = self.who

    def __exit__(self, *_: object) -> None:
        _here.actor = self.before


def reach(kind: str, what: str, writes: bool = False) -> None:
    """A point of the actor of this thread, if it has one."""
    who = actor()
    if who:
        who.arrive(kind, what, writes)


def _under_way() -> str:
    """The innermost function of the shop's."""
    frame: FrameType | None = sys._getframe(2)
    while frame:
        name = _name_of(frame.f_code)
        if name:
            return name
        frame = frame.f_back
    return "the web server"


@cache
def _name_of(code: CodeType) -> str:
    if not code.co_filename.startswith(_PREFIXES):
        return ""
    return f"{Path(code.co_filename).relative_to(ROOT).as_posix()} {code.co_name}()"


_PREFIXES = tuple(str(ROOT / each) for each in OURS)
