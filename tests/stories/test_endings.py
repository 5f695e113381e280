"""The endings that public shops got wrong, by name: each bought in this shop, end to end."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

import fulfilment
from database import database_now, db, now, transaction
from jobs import outbox
from models import Order, OutboxTask, Payment
from payments import ladder
from providers.contract import News

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..shopper import BASE_URL, Shopper

ONE_OF_EACH = {"bud-vase": 1, "cookbook": 1, "gift-card": 1}
ALL_EFFECTS = {"parcel": 1, "download": 1, "credit": 1, "mail": 1}


@pytest.fixture
def bought(shopper: Shopper, mintcash_api: mintcash.Api) -> TestResponse:
    """One of each kind of product, checked out: the shopper is on the payment page."""
    for slug, quantity in ONE_OF_EACH.items():
        shopper.add(slug, quantity)
    answer = shopper.check_out()
    assert answer.status_code == 303
    return answer


def test_a_paid_order_is_fulfilled_once(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    assert bought.location == mintcash_api.newest["redirectUrl"]

    answer = shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert (answer.status_code, answer.text) == (200, "ok")
    assert books.order.status == "paid"
    assert books.stock("bud-vase") == 2
    books.work()
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_one_cent_paid_for_sixty_nine_dollars_holds_the_order(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B1, CVE-2026-9189, nopSolutions/nopCommerce#1089."""
    answer = shopper.deliver(*event(mintcash_api.newest, "succeeded", amount=0.01))

    assert answer.status_code == 200
    assert books.order.status == "held"
    assert "US$0.01 of US$69.00" in str(books.order.held_reason)
    books.work()
    assert books.fulfilled() == {}
    assert books.stock("bud-vase") == 3


def test_the_right_number_in_another_currency_holds_the_order(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B2, nopSolutions/nopCommerce#2709."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded", currency="TTD"))

    assert books.order.status == "held"
    assert "TTD\N{NO-BREAK SPACE}69.00" in str(books.order.held_reason)
    assert books.payment.received == 0


def test_overpaid_is_paid_and_the_surplus_is_shown(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B13, blockonomics/woocommerce-plugin#16."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded", amount=70))

    assert books.order.status == "paid"
    assert "US$1.00 more" in str(books.payment.problem)


@pytest.mark.parametrize("code", [None, "expired", "general_fatal_error"])
def test_a_late_failure_does_not_unpay_an_order(
    bought: TestResponse,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    code: str | None,
) -> None:
    """D2, woocommerce-gateway-stripe#902, Adyen/adyen-shopware6#311."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    answer = shopper.deliver(*event(mintcash_api.newest, "failed", failureCode=code))

    assert answer.status_code == 200
    assert books.order.status == "paid"
    assert books.payment.status == "succeeded"


def test_failed_first_and_captured_later_is_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D3, open-formulieren/open-forms#5942."""
    shopper.deliver(*event(mintcash_api.newest, "failed", failureCode="declined"))
    assert books.order.status == "open"

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert books.order.status == "paid"
    assert books.payment.failure_code is None


def test_paid_again_changes_nothing_whether_the_event_is_the_same_or_another(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C1."""
    same = event(mintcash_api.newest, "succeeded")
    shopper.deliver(*same)
    books.work()
    after_once = books.snapshot()

    assert shopper.deliver(*same).status_code == 200
    assert shopper.deliver(*event(mintcash_api.newest, "succeeded")).status_code == 200
    books.work()

    assert books.snapshot() == after_once
    assert books.fulfilled() == ALL_EFFECTS
    assert [(d.verdict, d.seen) for d in books.deliveries] == [("applied", 2), ("ignored", 1)]


def test_a_forged_delivery_does_not_block_the_true_one_after_it(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A10, hit-pay/woocommerce 4.2.1: "already handled" was written before the signature check."""
    true = event(mintcash_api.newest, "succeeded", event_id="the-same-id")
    before = books.snapshot()

    forged = shopper.deliver(true.body, {"x-signature": "0" * 64})

    assert forged.status_code == 401
    assert books.snapshot() == before
    assert shopper.deliver(*true).status_code == 200
    assert books.order.status == "paid"


def test_a_forged_failure_does_not_move_a_pending_payment(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A10."""
    shopper.deliver(*event(mintcash_api.newest, "pending"))
    before = books.snapshot()

    answer = shopper.deliver(*mintcash.signed(event(mintcash_api.newest, "failed").body, "wrong"))

    assert answer.status_code == 401
    assert books.snapshot() == before


def test_pending_is_neither_paid_nor_failed_and_hides_nothing_later(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D6: HitPay's plugin for WooCommerce made failures of them."""
    shopper.deliver(*event(mintcash_api.newest, "pending"))

    assert (books.payment.status, books.order.status) == ("pending", "open")
    page = shopper.get(f"/orders/{books.order.id}").text
    assert "Thanks, we are confirming your payment" in page
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert books.order.status == "paid"


def test_what_an_event_says_of_its_own_age_decides_nothing(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D10: the ladder does."""

    def deliver(status: str, year: bytes) -> None:
        body = event(mintcash_api.newest, status).body
        assert b'"createdAt":"2026-' in body
        dated = body.replace(b'"createdAt":"2026-', b'"createdAt":"' + year + b"-")
        assert shopper.deliver(*mintcash.signed(dated)).status_code == 200

    deliver("pending", b"2026")
    deliver("succeeded", b"2020")
    assert books.order.status == "paid"
    deliver("failed", b"2030")

    assert (books.payment.status, books.order.status) == ("succeeded", "paid")


def test_an_address_in_the_news_is_neither_fetched_nor_made_a_link(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """G8: a logo, a receipt, an explorer of some chain."""
    called = len(mintcash_api.mock.calls)
    foreign = {"logo": "https://evil.example/logo.png", "receiptUrl": "https://evil.example/r"}

    assert shopper.deliver(*event(mintcash_api.newest, "succeeded", **foreign)).status_code == 200
    books.work()

    assert books.order.status == "paid"
    assert len(mintcash_api.mock.calls) == called
    assert "evil.example" not in shopper.get(f"/orders/{books.order.id}").text
    console = shopper.get(f"/console/orders/{books.order.id}").text
    assert "evil.example" in console
    assert not re.search(r'(href|src)="[^"]*evil', console)


def test_a_true_delivery_about_one_order_says_nothing_about_another(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B3: what is paid is what the signed reference names."""
    first = mintcash_api.newest
    shopper.add("candle")
    shopper.check_out()
    second = mintcash_api.newest
    assert first["id"] != second["id"]

    shopper.deliver(*event(first, "succeeded"))

    by_reference = {p.provider_reference: p.status for p in books.payments}
    assert by_reference == {first["id"]: "succeeded", second["id"]: "created"}


def test_an_event_with_our_reference_but_another_payment_id_is_parked(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B3: the provider's own id was stored when the page was made, and binds."""
    answer = shopper.deliver(*event(mintcash_api.newest, "succeeded", id="somebody-elses"))

    assert answer.status_code == 200
    assert books.order.status == "open"
    assert [d.verdict for d in books.deliveries] == ["parked"]


def test_a_success_address_typed_by_hand_shows_no_success(
    bought: TestResponse, shopper: Shopper, books: Books
) -> None:
    """G1."""
    order_id = books.order.id

    back = shopper.get(
        f"/orders/{order_id}/return/mintcash?status=success&paid=1", follow_redirects=True
    )

    assert "Thanks, we are confirming your payment" in back.text
    assert "Your order is paid" not in back.text
    assert books.order.status == "open"


def test_the_webhook_before_our_create_call_has_returned_pays_the_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D8, mollie/mollie-api-php#585."""
    answers = []

    def hurry(payment: dict[str, object]) -> None:
        rival = Shopper(shopper.app)
        answers.append(rival.deliver(*event(payment, "succeeded")).status_code)

    mintcash_api.before_reply = hurry
    shopper.add("candle")

    shopper.check_out()

    assert answers == [200]
    assert books.order.status == "paid"
    assert books.payment.provider_reference == mintcash_api.newest["id"]


def test_two_presses_of_pay_make_one_order_and_one_payment(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C6, own-pay/OwnPay#280."""
    shopper.add("candle")

    first, second = shopper.check_out(), shopper.check_out()

    assert first.location == second.location
    assert len(mintcash_api.payments) == 1
    assert books.order.status == books.payment.status.replace("created", "open")


def test_the_cart_is_intact_after_cancel_and_the_order_can_be_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "failed", failureCode="canceled"))
    order_id = books.order.id

    page = shopper.get(f"/orders/{order_id}").text
    assert "The payment was canceled" in page
    assert "Bud vase" in shopper.get("/cart").text

    again = shopper.post(f"/orders/{order_id}/payments", {"provider": "mintcash"})
    assert again.location == mintcash_api.newest["redirectUrl"]
    references = {p["externalId"] for p in mintcash_api.payments.values()}
    assert len(references) == 2, "a new attempt needs a new externalId"
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert books.order.status == "paid"


def test_the_cart_is_empty_once_its_order_is_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    shopper.get(f"/orders/{books.order.id}")

    assert "Bud vase" not in shopper.get("/cart").text


def test_two_payments_for_one_order_fulfil_once_and_the_second_is_shown(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B20: went back, paid again, and the first payment came through after all."""
    first = mintcash_api.newest
    shopper.deliver(*event(first, "failed", failureCode="expired"))
    shopper.post(f"/orders/{books.order.id}/payments", {"provider": "mintcash"})
    second = mintcash_api.newest

    shopper.deliver(*event(second, "succeeded"))
    shopper.deliver(*event(first, "succeeded"))
    books.work()

    assert books.fulfilled() == ALL_EFFECTS
    assert books.stock("bud-vase") == 2
    late, paying = books.payments
    assert books.order.paid_by == paying.id
    assert "second payment" in str(late.problem)


def test_too_little_for_an_order_that_another_payment_has_paid_is_shown(
    shopper: Shopper, books: Books
) -> None:
    """B20: it pays nothing and holds nothing, but it is somebody's money."""
    first, second = books.place_order({"candle": 1}, attempts=2)

    shopper.deliver(*event(first, "succeeded"))
    shopper.deliver(*event(second, "succeeded", amount=0.01))

    assert books.order.status == "paid"
    assert [payment.problem for payment in books.payments] == [
        None,
        f"second payment for one order (paid by {first['externalId']}): see its refund",
    ]


def test_too_little_for_an_order_that_another_payment_pays_later_is_shown(
    shopper: Shopper, books: Books
) -> None:
    """B20: the order is held no more, and with that the reason why it was would be lost."""
    first, second = books.place_order({"candle": 1}, attempts=2)

    shopper.deliver(*event(first, "succeeded", amount=0.01))
    shopper.deliver(*event(second, "succeeded"))
    books.work()

    assert (books.order.status, books.order.paid_by) == ("paid", second["externalId"])
    assert [payment.problem for payment in books.payments] == [
        f"second payment for one order (paid by {second['externalId']}): see its refund",
        None,
    ]


def test_a_part_for_an_order_that_another_payment_has_paid_is_shown(books: Books) -> None:
    """B20: nobody would miss it, since the shopper has what was ordered."""
    first, second = books.place_order({"candle": 1}, attempts=2)

    with books.open(), transaction() as session:
        for known, status, amount in (
            (first, "succeeded", first["amount"]),
            (second, "partially_paid", 500),
        ):
            news = News(known["id"], None, status, status, amount=amount, currency="USD")
            ladder.apply_news(session.get_one(Payment, known["externalId"]), news)

    assert books.order.status == "paid"
    assert "second payment" in str(books.payments[1].problem)


def test_two_payers_of_one_handcash_request_fulfil_once_and_a_person_is_told(
    shopper: Shopper, books: Books
) -> None:
    """B21: one request, two transactions; only one of them was asked for."""
    (payment,) = books.place_order({"bud-vase": 1}, provider="handcash")
    transactions = ["a" * 64, "a" * 64, "b" * 64]

    for moved in transactions:
        body = {
            "appSecret": "app_secret_test_kiln_and_kettle",
            "paymentRequestId": payment["id"],
            "transactionId": moved,
        }
        answer = shopper.client.post("/webhooks/handcash", base_url=BASE_URL, json=body)
        assert answer.status_code == 200
    books.work()

    assert books.fulfilled() == {"parcel": 1, "mail": 1}
    assert books.payment.received == payment["amount"]
    assert f"paid a second time, by {'b' * 64}" in str(books.payment.problem)
    assert [(each.seen, each.verdict) for each in books.deliveries] == [
        (2, "applied"),
        (1, "ignored"),
    ]
    assert not any("app_secret_test" in str(each.body) for each in books.deliveries)


def test_money_for_something_gone_holds_the_order_and_stock_stays_at_zero(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C9, fossasia/eventyay#1359: three vases, two shoppers who want two each."""
    rival = Shopper(shopper.app)
    payments = []
    for buyer in (shopper, rival):
        buyer.add("bud-vase", 2)
        buyer.add("candle")
        buyer.check_out()
        payments.append(mintcash_api.newest)

    for payment in payments:
        shopper.deliver(*event(payment, "succeeded"))

    assert books.stock("bud-vase") == 1
    assert books.stock("candle") == 79, "the held order took nothing else either"
    with books.open():
        states = db.session.execute(select(Order.status, Order.held_code)).all()
    assert sorted(map(tuple, states), key=str) == [("held", "stock"), ("paid", None)]


def test_refund_news_before_success_news_starts_no_fulfilment(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D4."""
    shopper.deliver(*event(mintcash_api.newest, "refunded", amountRefunded=69))
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    assert books.payment.status == "refunded"
    assert books.payment.refunded == 6900
    assert books.fulfilled() == {}


def test_partial_refunds_in_any_order_add_up_to_the_larger_total(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D5: the provider's total is a running maximum; what is left does not cover the order."""
    shopper.deliver(*event(mintcash_api.newest, "partially_refunded", amountRefunded=20))
    shopper.deliver(*event(mintcash_api.newest, "partially_refunded", amountRefunded=5.5))

    assert books.payment.refunded == 2000
    assert books.payment.received == 6900
    assert books.order.status == "held"
    assert "US$20.00 was refunded" in str(books.order.held_reason)


def test_an_old_attempt_that_expires_does_not_touch_the_order_that_a_new_one_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D2, woocommerce/woocommerce-gateway-stripe#905, NEARBuilders/nearmerch.com#209."""
    old = mintcash_api.newest
    shopper.deliver(*event(old, "failed", failureCode="canceled"))
    shopper.post(f"/orders/{books.order.id}/payments", {"provider": "mintcash"})
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    shopper.deliver(*event(old, "failed", failureCode="expired"))
    books.work()

    assert books.order.status == "paid"
    assert books.fulfilled() == ALL_EFFECTS


def test_the_job_that_expires_silent_payments_leaves_a_paid_order_alone(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """E7, woocommerce/woocommerce-gateway-stripe#5485, #5486, #5759; mollie/magento2#1015."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    with books.open(), transaction() as session:  # as if the lost update had happened
        session.execute(update(Payment).values(expires_at=now(), next_check_at=now()))

    books.sweep()

    assert (books.order.status, books.payment.status) == ("paid", "succeeded")
    assert books.fulfilled() == ALL_EFFECTS


def test_work_that_failed_half_way_is_done_on_the_next_try_not_skipped(
    bought: TestResponse,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F7: marked done before fulfilled, then skipped on retry; razorpay/razorpay-magento#175."""

    def pack_and_fail(*arguments: Any) -> None:
        fulfilment.pack_parcel(*arguments)
        raise RuntimeError("the tape ran out")

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    with monkeypatch.context() as patch:
        patch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=pack_and_fail))
        books.work()
        assert "parcel" not in books.fulfilled()

    with books.open(), transaction() as session:
        session.execute(update(OutboxTask).values(due_at=database_now()))
    books.work()

    assert books.fulfilled() == ALL_EFFECTS


def test_a_statement_that_failed_does_not_poison_the_answers_after_it(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C11, fossasia/eventyay#1924: a poisoned session would answer 500 ever after."""
    signed = event(mintcash_api.newest, "succeeded", event_id="evt_1")

    answers = [shopper.deliver(*signed).status_code for _ in range(3)]

    assert answers == [200, 200, 200], "the second insert of one event key fails, and only that"
    assert shopper.get("/").status_code == 200
    assert books.fulfilled() == {}
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_a_body_that_was_read_and_written_anew_is_not_what_was_signed(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A2, octokit/webhooks.js#71, stripe/stripe-php#884, razorpay/razorpay-node#96."""
    body, headers = event(mintcash_api.newest, "succeeded", customer={"name": "José"})
    rewritten = json.dumps(json.loads(body), indent=1).encode()

    assert shopper.deliver(rewritten, headers).status_code == 401
    assert books.order.status == "open"
    assert shopper.deliver(body, headers).status_code == 200
    assert books.order.status == "paid"


def test_return_and_webhook_together_send_one_receipt(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C4, saleor/saleor#12647, Automattic/woocommerce-payments#3520, Adyen/adyen-magento2#24.

    One after the other, each twice; at once, with the guard off too: ``test_races.py``.
    """
    order_id, delivery = books.order.id, event(mintcash_api.newest, "succeeded")
    for _ in range(2):
        shopper.get(f"/orders/{order_id}/return/mintcash")
        shopper.deliver(*delivery)
        books.make_looks_due()
        books.sweep()

    assert books.fulfilled() == ALL_EFFECTS
