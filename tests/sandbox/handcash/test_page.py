"""HandCash's hosted page and its webhook: paid, expired, late, twice; and what is told to whom."""

import re
import threading
from html import escape
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
import segno

from ..conftest import StartSandbox
from ..driver import RETURN_URL, HandCash, Receiver, Sandbox

SECRET = HandCash.KEYS["app-secret"]


@pytest.fixture
def handcash(sandbox: Sandbox, shop: Receiver) -> HandCash:
    return HandCash(sandbox.app, shop.url)


def paid(handcash: HandCash, **form: str) -> Any:
    payment = handcash.payment()
    handcash.pay(payment, **form)
    handcash.work()
    return payment


# ------------------------------------------------------------------ the page


def test_the_page_shows_who_asks_for_how_much_and_the_faults_that_apply(
    handcash: HandCash,
) -> None:
    page = handcash.page(handcash.payment())

    assert page.status_code == 200
    for words in ("Kiln &amp; Kettle asks for", "$49.99", "Kiln &amp; Kettle, order 1"):
        assert words in page.text
    assert 'value="pay_twice"' in page.text
    assert 'value="decline"' not in page.text
    assert 'value="wrong_amount"' not in page.text


def test_the_page_may_send_the_browser_to_the_shop_and_runs_no_scripts(handcash: HandCash) -> None:
    policy = handcash.page(handcash.payment()).headers["Content-Security-Policy"]

    assert "form-action 'self' http://shop.example" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("handle", ["$mia", "mia", " mia.potter-2_x "])
def test_paying_leads_back_to_the_shop_with_the_transaction(
    handcash: HandCash, shop: Receiver, handle: str
) -> None:
    payment = handcash.payment()

    answer = handcash.pay(payment, handle=handle)
    handcash.work()

    transaction = shop.received[0].event["transactionId"]
    assert re.fullmatch("[0-9a-f]{64}", transaction)
    assert (answer.status_code, answer.location) == (
        303,
        f"{RETURN_URL}?transactionId={transaction}",
    )


def test_the_transaction_joins_a_query_that_is_there_already(handcash: HandCash) -> None:
    payment = handcash.payment(redirectUrl=f"{RETURN_URL}?lang=en#end")

    answer = handcash.pay(payment)

    assert re.fullmatch(
        re.escape(f"{RETURN_URL}?lang=en&transactionId=") + "[0-9a-f]{64}#end", answer.location
    )


def test_without_a_redirect_the_page_itself_says_that_it_is_paid(handcash: HandCash) -> None:
    payment = handcash.payment(redirectUrl=None)

    page = handcash.http.get(handcash.pay(payment).location)

    assert "This payment request is paid" in page.text
    assert "Back to the shop" not in page.text


@pytest.mark.parametrize("handle", ["", "$", "two words", "<b>", "x" * 51])
def test_a_handle_that_cannot_be_changes_nothing(
    handcash: HandCash, shop: Receiver, handle: str
) -> None:
    payment = handcash.payment()

    answer = handcash.pay(payment, handle=handle)
    handcash.work()

    assert answer.status_code == 422
    assert "Enter a handle" in answer.text
    assert 'aria-describedby="handle-error"' in answer.text
    assert handcash.fetch(payment)["status"] == "pending"
    assert shop.received == []


def test_pay_pressed_many_times_at_once_pays_once(handcash: HandCash, shop: Receiver) -> None:
    payment, hands = handcash.payment(), 5
    start, locations = threading.Barrier(hands), []

    def press() -> None:
        start.wait()
        locations.append(HandCash(handcash.app, shop.url).pay(payment).location)

    threads = [threading.Thread(target=press) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handcash.work()

    assert len(shop.received) == 1
    assert len(set(locations)) == 1


def test_the_page_of_an_unknown_request_is_not_found(handcash: HandCash) -> None:
    assert handcash.page({"id": "0" * 24}).status_code == 404


def test_a_fault_that_does_not_exist_is_refused(handcash: HandCash) -> None:
    assert handcash.pay(handcash.payment(), fault="earthquake").status_code == 400


# ------------------------------------------------------------------ the QR code


def test_the_qr_code_is_a_picture_of_what_the_real_one_says(handcash: HandCash) -> None:
    payment = handcash.payment()

    picture = handcash.http.get(payment["paymentRequestQrCodeUrl"])

    invoice = f"http://localhost/handcash/merchant/invoice/{payment['id']}"
    says = f"pay:?r={quote(invoice, safe='')}%3FreferenceId%3D{payment['id'][-6:]}&p=1"
    drawn = BytesIO()
    segno.make(says, error="m").save(drawn, kind="png", scale=4)
    assert picture.mimetype == "image/png"
    assert picture.data == drawn.getvalue()
    assert escape(says) in handcash.page(payment).text


def test_where_the_qr_code_leads_the_request_can_be_paid(handcash: HandCash) -> None:
    payment = handcash.payment()

    followed = handcash.http.get(f"/handcash/merchant/invoice/{payment['id']}?referenceId=ZYbgBA")

    assert "Your handle" in handcash.http.get(followed.location).text


def test_an_unknown_request_has_no_picture(handcash: HandCash) -> None:
    assert handcash.http.get(f"/handcash/pay/api/paymentPreview/qr/{'0' * 24}").status_code == 404


# ------------------------------------------------------------------ how often, how long


def test_an_abandoned_request_expires_and_is_not_reported(
    handcash: HandCash, shop: Receiver
) -> None:
    payment = handcash.payment()

    handcash.set_clock(advance=3599)
    handcash.work()
    assert handcash.fetch(payment)["status"] == "pending"
    handcash.set_clock(advance=1)
    handcash.work()

    assert handcash.fetch(payment)["status"] == "expired"
    assert "This payment request has expired" in handcash.page(payment).text
    handcash.pay(payment)
    handcash.work()
    assert shop.received == []


def test_without_a_lifetime_a_request_does_not_expire(handcash: HandCash) -> None:
    payment = handcash.payment(expirationInSeconds=None)

    handcash.set_clock(advance=10**7)
    handcash.work()

    assert payment["expiresAt"] is None
    assert handcash.fetch(payment)["status"] == "pending"


@pytest.mark.parametrize(
    ("changes", "paid", "left"),
    [
        ({"expirationType": "onPaymentCompleted"}, 1, 0),
        ({"expirationType": "limit", "totalUnits": 2}, 2, 0),
        ({"expirationType": "never"}, 3, None),
    ],
)
def test_a_request_is_paid_as_often_as_it_says(
    handcash: HandCash, shop: Receiver, changes: dict[str, Any], paid: int, left: int | None
) -> None:
    payment = handcash.payment(**changes)

    for handle in ("ann", "ben", "cleo"):
        handcash.pay(payment, handle=handle)
    handcash.work()

    transactions = {webhook.event["transactionId"] for webhook in shop.received}
    assert len(transactions) == len(shop.received) == paid
    assert handcash.fetch(payment).get("remainingUnits") == left


@pytest.mark.parametrize("taken", [0, 2])
def test_a_request_that_is_sold_out_says_so(handcash: HandCash, taken: int) -> None:
    payment = handcash.payment(expirationType="limit", totalUnits=2)

    if taken:
        handcash.call("PUT", f"/{payment['id']}", json={"decreaseRemainingUnits": taken})
    else:
        for handle in ("ann", "ben"):
            handcash.pay(payment, handle=handle)

    page = handcash.page(payment).text
    assert "This payment request is sold out" in page
    assert "has received" not in page


# ------------------------------------------------------------------ the webhook


def test_the_webhook_has_the_fields_that_newer_code_expects(
    handcash: HandCash, shop: Receiver
) -> None:
    payment = paid(handcash)

    webhook = shop.received[0]
    event = webhook.event
    assert webhook.headers["content-type"] == "application/json"
    assert list(event) == [
        "appSecret",
        "paymentRequestId",
        "paymentMethod",
        "transactionId",
        "customParameters",
        "userData",
    ]
    assert (event["appSecret"], event["paymentRequestId"]) == (SECRET, payment["id"])
    assert event["customParameters"] == {"payment": "order-1"}
    assert re.fullmatch("[0-9a-f]{24}", event["userData"]["id"])


def test_the_webhook_can_be_the_documented_one(start_sandbox: StartSandbox, shop: Receiver) -> None:
    app = start_sandbox(sandbox_handcash_webhook_shape="documented").app
    handcash = HandCash(app, shop.url)

    paid(handcash)

    assert list(shop.received[0].event) == [
        "appSecret",
        "paymentRequestId",
        "transactionId",
        "customParameters",
    ]


def test_what_was_asked_about_the_payer_is_in_the_webhook(
    handcash: HandCash, shop: Receiver
) -> None:
    payment = handcash.payment(requestedUserData=["paymail", "phoneNumber"])

    handcash.pay(payment)
    handcash.work()

    assert list(shop.received[0].event["userData"]) == ["id", "paymail", "phoneNumber"]
    assert shop.received[0].event["userData"]["paymail"] == "mia@handcash.io"


def test_who_asks_for_no_webhook_gets_none(handcash: HandCash, shop: Receiver) -> None:
    payment = handcash.payment(notifications=None)

    handcash.pay(payment)
    handcash.work()

    assert shop.received == []
    assert handcash.fetch(payment)["status"] == "completed"


def test_a_failed_webhook_is_repeated_ever_more_slowly_for_a_day(
    handcash: HandCash, shop: Receiver
) -> None:
    shop.answers = [(500, "")] * 20
    paid(handcash)

    for number in range(13):
        handcash.set_clock(advance=10 * 2**number - 1)
        handcash.work()
        assert len(shop.received) == number + 1, f"repetition {number + 1} came too early"
        handcash.set_clock(advance=1)
        handcash.work()
        assert len(shop.received) == number + 2, f"repetition {number + 1} did not come"
    handcash.set_clock(advance=86400)
    handcash.work()

    assert len(shop.received) == 14
    assert len({webhook.body for webhook in shop.received}) == 1


# ------------------------------------------------------------------ faults


def test_close_tab_pays_but_does_not_lead_back(handcash: HandCash) -> None:
    payment = handcash.payment()

    page = handcash.http.get(handcash.pay(payment, fault="close_tab").location)

    assert handcash.fetch(payment)["status"] == "completed"
    assert "Imagine the tab was closed here" in page.text


def test_expire_ends_the_request_whatever_stands_in_the_form(
    handcash: HandCash, shop: Receiver
) -> None:
    payment = handcash.payment()

    page = handcash.http.get(handcash.pay(payment, handle="", fault="expire").location)
    handcash.work()

    assert "This payment request has expired" in page.text
    assert f'href="{RETURN_URL}"' in page.text
    assert shop.received == []


def test_pay_late_expires_first_and_completes_later(handcash: HandCash, shop: Receiver) -> None:
    payment = paid(handcash, fault="pay_late")
    assert handcash.fetch(payment)["status"] == "expired"
    assert shop.received == []

    handcash.set_clock(advance=20)
    handcash.work()

    assert handcash.fetch(payment)["status"] == "completed"
    assert len(shop.received) == 1


def test_pay_twice_lets_two_payers_meet_on_one_request(handcash: HandCash, shop: Receiver) -> None:
    payment = paid(handcash, fault="pay_twice")

    events = [webhook.event for webhook in shop.received]
    assert {event["paymentRequestId"] for event in events} == {payment["id"]}
    assert len({event["transactionId"] for event in events}) == 2
    assert len({event["userData"]["id"] for event in events}) == 2
    assert handcash.fetch(payment)["paymentsCount"] == 2
    assert handcash.fetch(payment)["remainingUnits"] == 0


def test_delay_sends_nothing_until_a_while_later(handcash: HandCash, shop: Receiver) -> None:
    paid(handcash, delivery_fault="delay")
    assert shop.received == []

    handcash.set_clock(advance=20)
    handcash.work()

    assert len(shop.received) == 1


def test_drop_sends_nothing_but_the_status_tells_the_truth(
    handcash: HandCash, shop: Receiver
) -> None:
    payment = paid(handcash, delivery_fault="drop")

    assert shop.received == []
    assert handcash.fetch(payment)["status"] == "completed"


def test_duplicate_sends_the_same_bytes_twice(handcash: HandCash, shop: Receiver) -> None:
    paid(handcash, delivery_fault="duplicate")

    assert len(shop.received) == 2
    assert shop.received[0].body == shop.received[1].body


def test_tamper_spoils_the_secret_behind_its_true_beginning(
    handcash: HandCash, shop: Receiver
) -> None:
    paid(handcash, delivery_fault="tamper")

    given = shop.received[0].event["appSecret"]
    assert given.startswith(SECRET)
    assert given != SECRET


def test_replay_names_another_order_beside_the_true_request(
    handcash: HandCash, shop: Receiver
) -> None:
    webhook = {"webhookUrl": shop.url, "customParameters": {"payment": "order-2"}}
    handcash.payment(notifications={"webhook": webhook})

    payment = paid(handcash, delivery_fault="replay_other_order")

    assert shop.received[0].event["paymentRequestId"] == payment["id"]
    assert shop.received[0].event["customParameters"] == {"payment": "order-2"}


@pytest.mark.parametrize("fault", ["wrong_environment", "wrong_amount", "wrong_currency"])
def test_faults_that_make_no_sense_here_do_nothing(
    handcash: HandCash, shop: Receiver, fault: str
) -> None:
    handcash.set_faults(payment_fault="decline", delivery_fault=fault)

    payment = paid(handcash)

    assert shop.received[0].event["appSecret"] == SECRET
    assert handcash.fetch(payment)["status"] == "completed"
