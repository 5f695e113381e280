"""What only some providers offer: whole or not at all, and said where it is there."""

import pytest

from providers.contract import Rejected, Unreachable
from providers.optional import (
    Cancels,
    HidesSecrets,
    ReadsReturns,
    Refunded,
    Refunds,
    RegistersWebhooks,
    Registration,
    Resumes,
    SavesCards,
    read_refund,
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
    "protocol",
    [ReadsReturns, HidesSecrets, Resumes, Cancels, Refunds, SavesCards, RegistersWebhooks],
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
    [
        (0, "succeeded"),
        (1, "partially_refunded"),
        (4999, "refunded"),
        (5000, "refunded"),
        (None, None),
    ],
)
def test_what_was_refunded_says_where_a_paid_payment_stands(
    refunded: int | None, status: str | None
) -> None:
    assert status_after_refunds(4999, refunded) == status


@pytest.mark.parametrize(("word", "done"), [("made", True), ("pending", False), ("new", False)])
def test_a_refund_is_done_by_the_providers_own_word(word: str, done: bool) -> None:
    assert read_refund({"id": "re_1", "status": word}, done="made") == Refunded("re_1", done)


@pytest.mark.parametrize("word", ["failed", "canceled"])
def test_a_refund_that_will_not_be_made_is_refused_with_its_reason(word: str) -> None:
    made = {"id": "re_1", "status": word, "failure_reason": "account\nclosed"}

    with pytest.raises(Rejected, match=f"^refund {word}: account closed$"):
        read_refund(made, done="made")


@pytest.mark.parametrize("secret", ["", "two words", "line\nbreak", "s\u00e4lt", "s" * 501])
def test_a_webhooks_secret_that_could_not_be_set_is_no_answer(secret: str) -> None:
    with pytest.raises(Unreachable):
        Registration("wh_1", "acme_webhook_secret", secret)


def test_a_registration_does_not_show_its_secret() -> None:
    assert "s3cret" not in repr(Registration("wh_1", "acme_webhook_secret", "s3cret"))
