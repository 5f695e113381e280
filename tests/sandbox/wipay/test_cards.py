"""WiPay's Trusted Cards in the sandbox: saved on a page, verified, charged with a nod."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.wipay import hash_of

from ..conftest import StartSandbox
from ..driver import RETURN_URL, Receiver, Reply, WiPay
from .test_wapi import call

VISIT = {"environment": "sandbox", "response_url": RETURN_URL}
CHARGE = {
    "total": "10.00",
    "currency": "TTD",
    "fee_structure": "customer_pay",
    "order_id": "0123456789abcdef",
    "response_url": RETURN_URL,
}


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def visit(wipay: WiPay, **changes: str) -> dict[str, Any]:
    reply = call(wipay, "POST", "/trusted-cards", data=VISIT | changes)
    assert reply.status_code == 200, reply.text
    return dict(reply.json)


def saved(wipay: WiPay) -> dict[str, str]:
    """What the return says about a card that was just saved."""
    return query(wipay.pay(visit(wipay)).location)


def verify(wipay: WiPay, card: dict[str, str], amount: str | None = None) -> Reply:
    path = f"/trusted-cards/{card['uuid']}/verify"
    return call(wipay, "POST", path, data={"amount": amount or card["total"]})


def verified(wipay: WiPay) -> dict[str, str]:
    card = saved(wipay)
    assert verify(wipay, card).json == {"message": "OK"}
    return card


def charge(wipay: WiPay, card: dict[str, str], **changes: str | None) -> Reply:
    form = {name: value for name, value in (CHARGE | changes).items() if value is not None}
    return call(wipay, "POST", f"/trusted-cards/{card['uuid']}/charge", data=form)


def shown(wipay: WiPay, card: dict[str, str]) -> Any:
    return call(wipay, "GET", f"/trusted-cards/{card['uuid']}").json["data"]


# Saving


def test_a_card_is_saved_on_a_page_that_hides_the_amount(wipay: WiPay) -> None:
    page = visit(wipay)

    html = wipay.page(page).text
    returned = query(wipay.pay(page).location)

    sheet, drawer = html.split("</main>")
    assert "Save your card with Kiln &amp; Kettle" in sheet
    assert returned["total"] not in sheet
    assert returned["total"] in drawer
    assert returned.keys() == {"status", "transaction_id", "uuid", "total"}
    assert (returned["status"], returned["transaction_id"]) == ("success", page["transaction_id"])
    assert uuid.UUID(returned["uuid"]).version == 4


def test_a_saved_card_is_shown_as_documented(wipay: WiPay) -> None:
    card = saved(wipay)

    data = shown(wipay, card)

    moment = datetime.fromisoformat(data.pop("verify_expiry"))
    assert abs(moment - datetime.now(UTC) - timedelta(hours=72)) < timedelta(minutes=1)
    assert data == {
        "uuid": card["uuid"],
        "card_type": "visa",
        "pan": "************1111",
        "exp_mm": "03",
        "exp_yy": "31",
        "first_name": "Mia",
        "last_name": "Potter",
        "environment": "sandbox",
        "verified": False,
    }
    assert [each["uuid"] for each in call(wipay, "GET", "/trusted-cards").json["data"]] == [
        card["uuid"]
    ]


def test_a_card_can_be_shown_in_a_list(start_sandbox: StartSandbox) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_card_shape="array").app)
    card = saved(wipay)

    assert [each["uuid"] for each in shown(wipay, card)] == [card["uuid"]]


def test_a_card_that_is_declined_is_not_saved(wipay: WiPay) -> None:
    returned = query(wipay.pay(visit(wipay), number="4111111111113333").location)

    assert returned["status"] == "failed"
    assert "uuid" not in returned
    assert call(wipay, "GET", "/trusted-cards").json["data"] == []


def test_a_card_is_saved_after_the_challenge(wipay: WiPay) -> None:
    page = visit(wipay)
    wipay.pay(page, fault="three_d_secure")
    assert call(wipay, "GET", "/trusted-cards").json["data"] == []

    returned = query(wipay.challenge(page, password="Secret!33").location)

    assert shown(wipay, returned)["pan"] == "************1111"


def test_saving_sends_no_webhook_and_leads_back_without_a_hash(
    wipay: WiPay, shop: Receiver
) -> None:
    card = saved(wipay)
    wipay.work()

    assert "hash" not in card
    assert shop.events == []


@pytest.mark.parametrize("fault", ["expire", "pay_late"])
def test_an_expired_page_saves_no_card(wipay: WiPay, fault: str) -> None:
    page = visit(wipay)

    wipay.pay(page, fault=fault)
    wipay.set_clock(advance=86400)
    wipay.work()

    assert wipay.fetch(page)["status"] == "error"
    assert call(wipay, "GET", "/trusted-cards").json["data"] == []


@pytest.mark.parametrize("changes", [{"environment": "live"}, {"response_url": "javascript:x"}])
def test_a_visit_that_breaks_a_rule_is_refused(wipay: WiPay, changes: dict[str, str]) -> None:
    reply = call(wipay, "POST", "/trusted-cards", data=VISIT | changes)

    assert reply.status_code == 400
    assert reply.json == {"message": f"The {next(iter(changes))} field is invalid."}


def test_the_whole_number_of_a_saved_card_is_kept_nowhere(wipay: WiPay, tmp_path: Path) -> None:
    wipay.pay(visit(wipay), number="4999 8888 7777 6666", cvv="987")

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sandbox.db*"))

    assert b"6666" in stored
    assert b"499988887777" not in stored
    assert b"4999 8888" not in stored


# Verifying


def test_the_amount_that_was_debited_verifies_the_card(wipay: WiPay) -> None:
    card = verified(wipay)

    data = shown(wipay, card)
    assert (data["verified"], data["verify_expiry"]) == (True, None)


def test_so_does_its_worth_in_ttd(wipay: WiPay) -> None:
    card = saved(wipay)
    statement = wipay.http.get("/wipay/merchant").text
    cents = round(int(card["total"].replace(".", "")) * 6.8 + 1e-9)
    worth = f"{cents // 100}.{cents % 100:02}"

    assert f"{worth} TTD" in statement
    assert verify(wipay, card, worth).status_code == 200


def test_a_card_is_verified_once(wipay: WiPay) -> None:
    card = verified(wipay)

    again = verify(wipay, card)

    assert again.status_code == 403
    assert again.json == {"message": "Your card has already been verified."}


@pytest.mark.parametrize(("setting", "kept"), [("delete", False), ("keep", True)])
def test_a_wrong_amount_deletes_the_card_or_not(
    start_sandbox: StartSandbox, setting: str, kept: bool
) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_wrong_amount=setting).app)
    card = saved(wipay)

    answer = verify(wipay, card, "9.99")

    assert (answer.status_code, answer.json) == (400, {"message": "The amount is incorrect."})
    assert bool(shown(wipay, card)) is kept


def test_the_time_to_verify_is_limited(wipay: WiPay) -> None:
    card = saved(wipay)

    wipay.set_clock(advance=72 * 3600)
    answer = verify(wipay, card)

    assert answer.status_code == 403
    assert answer.json == {"message": "The verification window has expired."}


@pytest.mark.parametrize(
    ("card_id", "message"),
    [
        ("x", "The uuid is not a valid UUID (version 4)."),
        ("f2fff2c8-e58c-11f1-ad79-02fc00000001", "The uuid is not a valid UUID (version 4)."),
        ("8ebd866a-f8cb-400f-9403-c7cdd345f3ff", "The selected uuid is invalid."),
    ],
)
def test_what_is_no_card_is_said(wipay: WiPay, card_id: str, message: str) -> None:
    reply = call(wipay, "POST", f"/trusted-cards/{card_id}/verify", data={"amount": "1.00"})

    assert (reply.status_code, reply.json) == (400, {"message": message})


# Charging


def test_a_verified_card_is_charged_with_a_nod(wipay: WiPay, shop: Receiver) -> None:
    card = verified(wipay)

    reply = charge(wipay, card)
    page = wipay.page(reply.json).text
    answer = wipay.http.post(reply.json["url"], data={})
    wipay.work()

    assert list(reply.json) == ["url", "message", "transaction_id"]
    assert "Visa ending in 1111" in page
    assert "Card number" not in page
    returned = query(answer.location)
    assert returned["hash"] == hash_of(reply.json["transaction_id"], "10.00", "123")
    assert (returned["order_id"], returned["total"]) == ("0123456789abcdef", "12.05")
    assert returned["card"] == "XXXXXXXXXXXX1111"
    assert shop.events == ["payment.created", "payment.success"]


def test_a_charge_can_be_declined(wipay: WiPay) -> None:
    reply = charge(wipay, verified(wipay))

    answer = wipay.http.post(reply.json["url"], data={"fault": "decline"})

    assert query(answer.location)["status"] == "failed"


def test_a_charge_is_taken_as_json_with_a_number(wipay: WiPay) -> None:
    card = verified(wipay)

    reply = call(
        wipay, "POST", f"/trusted-cards/{card['uuid']}/charge", json=CHARGE | {"total": 155.0}
    )

    assert reply.status_code == 200
    assert wipay.fetch(reply.json)["total"] == "162.13"


def test_an_unverified_card_is_not_charged(wipay: WiPay) -> None:
    reply = charge(wipay, saved(wipay))

    assert reply.status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"total": None},
        {"currency": None},
        {"order_id": None},
        {"total": "10"},
        {"environment": "live"},
        {"country_code": "US"},
        {"data": "d" * 8193},
    ],
)
def test_a_charge_that_breaks_a_rule_is_refused(
    wipay: WiPay, changes: dict[str, str | None]
) -> None:
    reply = charge(wipay, verified(wipay), **changes)

    assert reply.status_code == 400
    assert list(reply.json) == ["message"]
    assert reply.json["message"].startswith(f"The {next(iter(changes))} field is ")


def test_faults_of_the_api_strike_a_charge_too(wipay: WiPay) -> None:
    card = verified(wipay)
    wipay.set_faults(create_fault="503")

    assert charge(wipay, card).status_code == 503
    assert charge(wipay, card).status_code == 200


# Deleting


def test_a_deleted_card_is_gone(wipay: WiPay) -> None:
    card = verified(wipay)

    first = call(wipay, "DELETE", f"/trusted-cards/{card['uuid']}")
    again = call(wipay, "DELETE", f"/trusted-cards/{card['uuid']}")

    assert first.json == {"message": "OK"}
    assert shown(wipay, card) == []
    assert (again.status_code, again.json) == (400, {"message": "The selected uuid is invalid."})
    assert charge(wipay, card).status_code == 400


def test_deleting_an_unverified_card_voids_its_debit(wipay: WiPay) -> None:
    card = saved(wipay)

    call(wipay, "DELETE", f"/trusted-cards/{card['uuid']}")

    assert wipay.http.get("/ledger.json").json["payments"][0]["refunded"] > 0
