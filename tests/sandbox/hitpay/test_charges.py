"""HitPay's list of charges, and the state of its account."""

from typing import Any

import pytest

from ..driver import HitPay, Receiver


def listed(hitpay: HitPay, query: str = "") -> dict[str, Any]:
    reply = hitpay.v1("GET", f"/charges{query}")
    assert reply.status_code == 200, reply.text
    return dict(reply.json)


def paid(hitpay: HitPay, times: int = 1, **changes: str) -> dict[str, Any]:
    payment = hitpay.payment(allow_repeated_payments="true")
    for _ in range(times):
        hitpay.pay(payment, **changes)
    return payment


def test_charges_of_all_requests_are_listed_newest_first(hitpay: HitPay) -> None:
    first, second = paid(hitpay, 2), paid(hitpay)

    data = listed(hitpay)["data"]

    ids = [each["id"] for payment in (first, second) for each in hitpay.fetch(payment)["payments"]]
    assert [each["id"] for each in data] == ids[::-1]
    assert data[0] == hitpay.v1("GET", f"/charges/{ids[-1]}").json
    assert (data[0]["amount"], data[0]["currency"]) == (49.99, "sgd")
    assert data[0]["payment_request_id"] == second["id"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_a_cursor_leads_through_every_charge_once(hitpay: HitPay, size: int) -> None:
    """Also while new ones are made: a page number would repeat one then."""
    for times in (3, 2):
        paid(hitpay, times)
    expected = [each["id"] for each in listed(hitpay, "?per_page=100")["data"]]

    found, page = [], listed(hitpay, f"?per_page={size}")
    while True:
        found += [each["id"] for each in page["data"]]
        cursor = page["meta"]["next_cursor"]
        if cursor is None:
            break
        paid(hitpay)
        page = listed(hitpay, f"?per_page={size}&cursor={cursor}")

    assert found == expected
    assert page["links"]["next"] is None


def test_charges_are_filtered(hitpay: HitPay) -> None:
    payment, other = paid(hitpay, 2), paid(hitpay, fault="decline")
    hitpay.refund_charge(payment, "1.50")

    def count(query: str) -> int:
        return len(listed(hitpay, query)["data"])

    assert count(f"?payment_request_id={payment['id']}") == 2
    assert count(f"?payment_request_id={other['id']}") == 1
    assert count("?payment_request_id=unknown") == 0
    assert count("?status=failed") == 1
    assert count("?status=partially_refunded") == 1
    assert count("?status=succeeded&per_page=0") == 1
    assert count("?status=%27%20OR%201=1") == 0


@pytest.mark.parametrize("cursor", ["x", "%00", "MS4", "e30", "MS4yLjM", "é", "MS5h"])
def test_a_cursor_that_it_did_not_make_is_refused(hitpay: HitPay, cursor: str) -> None:
    reply = hitpay.v1("GET", f"/charges?cursor={cursor}")

    assert reply.status_code == 422
    assert reply.json["errors"] == {"cursor": ["The cursor is invalid."]}


def test_a_charge_says_whether_the_shop_took_its_webhooks(hitpay: HitPay, shop: Receiver) -> None:
    paid(hitpay)
    shop.answers = [(500, "out of tea")]

    hitpay.work()
    assert listed(hitpay)["data"][0]["webhook_status"] is False
    hitpay.set_clock(advance=60)
    hitpay.work()

    assert listed(hitpay)["data"][0]["webhook_status"] is True


def test_the_account_may_take_money(hitpay: HitPay) -> None:
    found = hitpay.v1("GET", "/account-status").json

    assert list(found) == ["bank_account_status", "verification", "payment_providers"]
    assert found["payment_providers"]["card"] == {"setup_status": "completed"}
