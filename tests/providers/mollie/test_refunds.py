"""Refunds are asked for once, and end days later."""

import json
from typing import Any

import pytest
import responses

from providers import mollie
from providers.contract import News, Rejected, Unreachable
from providers.optional import Refunded, RefundRequest

from .case import ACCOUNT, API, ID, PAYMENT, fixture

WANTED = RefundRequest("refund-1", 595, 0)


def refunded(status: str = "pending", **changes: Any) -> dict[str, Any]:
    return {**fixture("refund.json"), "status": status, **changes}


def there(api: responses.RequestsMock, *refunds: Any) -> None:
    """What Mollie has of this payment, when it is asked."""
    api.get(f"{API}/{ID}", json={**fixture("paid.json"), "_embedded": {"refunds": refunds}})


def refund() -> Refunded:
    return mollie.refund(ACCOUNT, PAYMENT, WANTED)


def fetch() -> list[News]:
    return mollie.fetch_payment(ACCOUNT, PAYMENT)


# ------------------------------------------------------------------ asked for


def test_a_refund_is_asked_for_by_our_reference(api: responses.RequestsMock) -> None:
    """create-refund: 201; it is pending for two hours and more."""
    there(api)
    api.post(f"{API}/{ID}/refunds", json=refunded(), status=201)

    assert refund() == Refunded("re_4qqhO89gsT", done=False)

    sent = api.calls[1].request
    assert json.loads(sent.body or b"") == {
        "amount": {"value": "5.95", "currency": "EUR"},
        "metadata": "refund-1",
    }
    assert sent.headers["Idempotency-Key"] == "refund-1"


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ("queued", False),
        ("pending", False),
        ("processing", False),
        ("of_the_future", False),
        ("refunded", True),
    ],
)
def test_a_retry_finds_the_refund_whenever_it_comes(
    api: responses.RequestsMock, status: str, done: bool
) -> None:
    """api-idempotency: Mollie forgets a key after an hour; the metadata stays."""
    another = refunded("refunded", id="re_other", metadata="refund-0")
    there(api, another, refunded(metadata=None), refunded(metadata={"a": 1}), refunded(status))

    assert refund() == Refunded("re_4qqhO89gsT", done)

    assert [call.request.method for call in api.calls] == ["GET"]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_will_not_be_made_is_refused(
    api: responses.RequestsMock, status: str
) -> None:
    there(api, refunded(status))

    with pytest.raises(Rejected, match=f"refund {status}"):
        refund()


@pytest.mark.parametrize(
    ("status", "field", "kind"),
    [
        (422, "amount.value", Rejected),
        (409, None, Unreachable),
        (503, None, Unreachable),
    ],
)
def test_what_mollie_refuses_is_told_from_what_passes(
    api: responses.RequestsMock, status: int, field: str | None, kind: type[Exception]
) -> None:
    """create-refund: as much again within the hour is 409; after it, it is made."""
    there(api)
    api.post(f"{API}/{ID}/refunds", json={"detail": "…", "field": field}, status=status)

    with pytest.raises(kind):
        refund()


# ------------------------------------------------------------------ found by asking


@pytest.mark.parametrize(
    ("amounts", "status"),
    [
        ([], "succeeded"),
        (["5.00"], "partially_refunded"),
        (["5.00", "44.98"], "partially_refunded"),
        (["5.00", "44.99"], "refunded"),
        (["49.99", "10.00"], "refunded"),
    ],
)
def test_the_refunds_that_were_made_are_summed_up(
    api: responses.RequestsMock, amounts: list[str], status: str
) -> None:
    """``paid`` is final: only the refunds say that money went back."""
    made = [refunded("refunded", amount={"value": each, "currency": "EUR"}) for each in amounts]
    there(api, *made, refunded("pending"), refunded("queued"), refunded("processing"))

    (news,) = fetch()

    assert news.status == status
    assert news.refunded == sum(int(each.replace(".", "")) for each in amounts)


def test_refunds_that_failed_are_named_before_the_payment(api: responses.RequestsMock) -> None:
    """Those of the dashboard bear no reference of ours: this shop did not ask for them."""
    there(
        api,
        refunded("failed"),
        refunded("canceled", metadata="refund-2"),
        refunded("failed", metadata=None),
        refunded("failed", metadata={"theirs": "x"}),
    )

    first, second, payment = fetch()

    assert (first.refund_reference, first.refund_refused) == ("refund-1", "the refund is failed")
    assert (second.refund_reference, second.status) == ("refund-2", None)
    assert (payment.refunded, payment.status) == (0, "succeeded")
