"""What only some providers offer: whole or not at all, and said where it is there."""

import pytest

from providers.optional import (
    Cancels,
    HidesSecrets,
    ReadsReturns,
    Refunds,
    Resumes,
    SavesCards,
    status_after_refunds,
)

from . import cases
from .case import Case

each_provider = pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in cases().items()]
)


def names_of(protocol: type) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]


@each_provider
@pytest.mark.parametrize(
    "protocol", [ReadsReturns, HidesSecrets, Resumes, Cancels, Refunds, SavesCards]
)
def test_an_ability_is_offered_whole_or_not_at_all(case: Case, protocol: type) -> None:
    offered = [name for name in names_of(protocol) if hasattr(case.provider, name)]

    assert offered in ([], names_of(protocol))


@each_provider
def test_refunds_are_said_to_be_there_where_they_are(case: Case) -> None:
    can = case.provider.capabilities(case.account)

    assert isinstance(case.provider, Refunds) or not can.refunds


@pytest.mark.parametrize(
    ("refunded", "status"),
    [(0, "succeeded"), (1, "partially_refunded"), (4999, "refunded"), (5000, "refunded")],
)
def test_what_was_refunded_says_where_a_paid_payment_stands(refunded: int, status: str) -> None:
    assert status_after_refunds(4999, refunded) == status
