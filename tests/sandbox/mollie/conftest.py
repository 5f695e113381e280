"""Fixtures: a merchant at the sandbox's Mollie, whose webhooks a shop receives."""

import pytest

from ..driver import Receiver, Sandbox
from .merchant import Merchant


@pytest.fixture
def mollie(sandbox: Sandbox, shop: Receiver) -> Merchant:
    return Merchant(sandbox, shop)
