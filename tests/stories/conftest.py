"""The providers' APIs, where a story plays them itself."""

from collections.abc import Iterator

import pytest
import responses


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """Each call of the shop to a provider is answered by the test."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock
