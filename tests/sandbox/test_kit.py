"""A sixth provider is a folder and a line: what the kit gives one that is made up for the test."""

from typing import Any

import pytest

from sandbox import kit
from sandbox.registry import PROVIDERS

from . import acme
from .conftest import StartSandbox
from .driver import RETURN_URL, Receiver, Reply, Sandbox


class Acme(Sandbox):
    def create(self, key: str = "", **changes: str) -> Reply:
        form = {"amount": "4999", "success_url": RETURN_URL, "order": "order-1"} | changes
        headers = {"Authorization": f"Bearer {acme.KEY}"} | (
            {"Idempotency-Key": key} if key else {}
        )
        return self.http.post("/acme/v1/sessions", data=form, headers=headers)

    def pay(self, payment: dict[str, Any], **form: str) -> Reply:
        return self.http.post(f"/acme/pay/{payment['id']}", data={"ending": "pay"} | form)


@pytest.fixture
def sixth(monkeypatch: pytest.MonkeyPatch, start_sandbox: StartSandbox) -> Acme:
    monkeypatch.setitem(PROVIDERS, "acme", acme.provider)
    return Acme(start_sandbox().app)


def test_it_is_paid_and_the_shop_is_told(sixth: Acme, shop: Receiver) -> None:
    payment = sixth.payment(hook=shop.url)

    page = sixth.http.get(payment["url"])
    answer = sixth.pay(payment)
    sixth.work()

    for words in ("Pay Kiln &amp; Kettle", "$49.99", "Go back without paying", 'value="pay_late"'):
        assert words in page.text
    assert 'value="three_d_secure"' not in page.text
    assert answer.location == RETURN_URL
    assert shop.received[0].event["data"]["status"] == "paid"
    assert sixth.ledger[0]["taken"] == 4999


def test_what_is_signed_can_be_checked(sixth: Acme, shop: Receiver) -> None:
    sixth.pay(sixth.payment(hook=shop.url))
    sixth.work()

    (webhook,) = shop.received
    stamp, _, signature = webhook.headers["acme-signature"].partition(",v1=")
    signed = stamp.removeprefix("t=").encode() + b"." + webhook.body
    assert kit.hmac_sha256(acme.SECRET, signed) == signature


def test_a_repeated_key_is_answered_as_the_first_time(sixth: Acme) -> None:
    """Also when the payment has moved on since."""
    first = sixth.create("key-1")
    sixth.pay(first.json)

    again = sixth.create("key-1")

    assert again.json == first.json
    assert len(sixth.ledger) == 1
    assert sixth.create("key-2").json["id"] != first.json["id"]


def test_a_key_that_was_used_for_something_else_is_refused(sixth: Acme) -> None:
    sixth.create("key-1")

    other = sixth.create("key-1", amount="1")

    assert other.json["error"]["type"] == "idempotency_error"
    assert len(sixth.ledger) == 1


@pytest.mark.parametrize(
    ("fault", "status"), [("401", 401), ("500", 500), ("502", 502), ("timeout_before", 503)]
)
def test_its_api_suffers_the_faults_of_all(sixth: Acme, fault: str, status: int) -> None:
    sixth.set_faults(create_fault=fault)

    reply = sixth.create()

    assert (reply.status_code, list(reply.json)) == (status, ["error"])
    assert sixth.ledger == []


def test_its_reply_is_built_before_the_early_webhook(sixth: Acme) -> None:
    sixth.set_faults(create_fault="early_webhook")

    reply = sixth.create()

    assert reply.json["status"] == "open"
    assert sixth.ledger[0]["status"] == "paid"


@pytest.mark.parametrize(
    ("fault", "amount", "live"),
    [("wrong_amount", 1, False), ("wrong_environment", 4999, True), ("null_amount", None, False)],
)
def test_its_webhooks_lie_where_its_table_says(
    sixth: Acme, shop: Receiver, fault: str, amount: int | None, live: bool
) -> None:
    sixth.pay(sixth.payment(hook=shop.url), delivery_fault=fault)
    sixth.work()

    (webhook,) = shop.received
    assert (webhook.event["data"]["amount"], webhook.event["live"]) == (amount, live)


def test_it_pays_late_expires_and_refunds(sixth: Acme) -> None:
    late, _left, refunded = (sixth.payment() for _ in range(3))

    sixth.pay(late, fault="pay_late")
    sixth.pay(refunded)
    sixth.act("refund", number=3)
    assert [each["status"] for each in sixth.ledger] == ["expired", "open", "refunded"]
    sixth.set_clock(advance=86400)
    sixth.work()

    assert [each["status"] for each in sixth.ledger] == ["paid", "expired", "refunded"]
    assert sixth.ledger[2]["refunded"] == 4999


def test_its_errors_and_unknown_paths_are_in_its_format(sixth: Acme) -> None:
    wrong, nowhere = sixth.create(amount="much"), sixth.http.get("/acme/nowhere")

    assert (wrong.status_code, wrong.json["error"]["param"]) == (400, "amount")
    assert (nowhere.status_code, nowhere.json) == (404, {"error": {"message": "What is it?"}})


def test_the_front_page_lists_it(sixth: Acme) -> None:
    assert "Everything about it." in sixth.http.get("/").text
