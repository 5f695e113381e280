"""How many calls a process makes at once: each holds a thread that pages need as well."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from .contract import Unreachable

IN_FLIGHT = 3  # calls to one host at once, in one process
IN_FLIGHT_TOGETHER = 5  # calls to all hosts: fewer than a server has threads, which is 8
QUICK = 0.3  # seconds within which a host is expected to answer while others wait for a slot
SLOT_WAIT = 1.0  # seconds to wait for a slot, while all calls in flight are as quick as that


class Slots:
    """The calls of this process that are in flight, by host.

    A host whose last call failed after more than QUICK gets one call at a time until it answers.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._began: dict[str, list[float]] = defaultdict(list)  # host -> its calls in flight
        self._silent: set[str] = set()

    @contextmanager
    def one(self, host: str) -> Iterator[None]:
        """A context: one call to ``host``. An exception inside it counts as no answer.

        :raise Unreachable: no slot became free within SLOT_WAIT, or a call in flight takes longer
            than QUICK.
        """
        began = self._take(host)
        try:
            yield
        except BaseException:
            if time.monotonic() - began > QUICK:
                self._silent.add(host)
            raise
        else:
            self._silent.discard(host)
        finally:
            with self._changed:
                self._began[host].remove(began)
                self._changed.notify_all()

    def _take(self, host: str) -> float:
        gives_up = time.monotonic() + SLOT_WAIT
        with self._changed:
            while rivals := self._rivals(host):
                patience = min(gives_up, min(rivals) + QUICK) - time.monotonic()
                if patience <= 0:
                    raise Unreachable(f"{len(rivals)} calls are waiting already")
                self._changed.wait(patience)
            began = time.monotonic()
            self._began[host].append(began)
        return began

    def _rivals(self, host: str) -> list[float]:
        """When the calls that take up every slot began; empty when a slot is free."""
        mine = self._began[host]
        all_calls = [each for calls in self._began.values() for each in calls]
        if len(mine) >= (1 if host in self._silent else IN_FLIGHT):
            return mine
        return all_calls if len(all_calls) >= IN_FLIGHT_TOGETHER else []
