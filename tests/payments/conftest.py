"""A payment whose shopper has left, for tests of what comes of it."""

from typing import Any

import pytest
import time_machine

from .. import mintcash
from ..shopper import Shopper


@pytest.fixture
def away(
    clock: time_machine.Traveller, shopper: Shopper, mintcash_api: mintcash.Api
) -> dict[str, Any]:
    """A shopper has left to pay a vase. The payment as MintCash has it: change it there."""
    shopper.add("bud-vase")
    assert shopper.check_out().status_code == 303
    return mintcash_api.newest
