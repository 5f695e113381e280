"""``providers/period.py``: which period of a subscription news is about."""

import json
from dataclasses import FrozenInstanceError, asdict

import pytest

from providers.period import Period


def test_a_period_is_stored_as_json_and_read_again() -> None:
    """News that is parked is applied later, from the inbox."""
    period = Period("active", 1_767_603_600, 1_770_195_600)

    assert Period(**json.loads(json.dumps(asdict(period)))) == period
    with pytest.raises(FrozenInstanceError):
        period.status = "cancelled"  # type: ignore[misc]
