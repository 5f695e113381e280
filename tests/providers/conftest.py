"""The provider's API, answered inside the test."""

from collections.abc import Iterator

import pytest
import responses


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """No call leaves the process; each answer that a test adds must be asked for."""
    with responses.RequestsMock() as mock:
        yield mock
