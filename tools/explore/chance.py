"""The same chance each time: ids, tokens and jitter come from one seeded source."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class Chance:
    """A source of random bytes that can be put back to where it was."""

    def __init__(self, seed: str) -> None:
        self._source = random.Random(seed)  # noqa: S311
        random.seed(seed)

    def bytes(self, count: int) -> bytes:
        return self._source.randbytes(count)

    @property
    def state(self) -> Any:
        return self._source.getstate(), random.getstate()

    @state.setter
    def state(self, state: Any) -> None:
        own, common = state
        self._source.setstate(own)
        random.setstate(common)

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """``secrets``, ``uuid`` and ``random.SystemRandom`` draw from it."""
        with patch.object(os, "urandom", self.bytes), patch.object(random, "_urandom", self.bytes):
            yield
