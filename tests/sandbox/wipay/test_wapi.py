"""WAPI as WiPay documents it: history, limits, fees, and refunds from request to decision."""

from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import Receiver, Reply, WiPay


def call(wipay: WiPay, method: str, path: str, **options: Any) -> Reply:
    options.setdefault("headers", {"X-WAPI-Key": WiPay.KEY, "Accept": "application/json"})
    return wipay.app.test_client().open(f"/wipay/wapi{path}", method=method, **options)


def refund(wipay: WiPay, payment: dict[str, Any]) -> Reply:
    return call(wipay, "POST", f"/transactions/{payment['transaction_id']}/refund")


def paid(wipay: WiPay, **changes: Any) -> dict[str, Any]:
    payment = wipay.payment(**changes)
    assert "hash=" in wipay.pay(payment).location
    return payment


def decide(wipay: WiPay, **form: str) -> Reply:
    """Press a button on the dashboard, of the newest transaction."""
    newest = wipay.http.get("/ledger.json").json["payments"][-1]["number"]
    return wipay.http.post(f"/wipay/merchant/refunds/{newest}", data=form)


# Refunds


def test_a_refund_is_requested_and_granted_a_while_later(wipay: WiPay, shop: Receiver) -> None:
    payment = paid(wipay)

    answer = refund(wipay, payment)
    wipay.work()
    assert shop.events[-1] == "payment.refund_requested"
    wipay.set_clock(advance=20)
    wipay.work()

    assert answer.status_code == 201
    assert answer.json == {"message": "Refund request successfully created."}
    assert shop.events[-1] == "payment.refunded"
    assert wipay.fetch(payment)["status_desc"] == "Refunded"
    assert wipay.http.get("/ledger.json").json["payments"][0]["refunded"] == 1000


def test_a_request_that_is_open_and_one_that_was_granted_are_told_apart(wipay: WiPay) -> None:
    payment = paid(wipay)
    refund(wipay, payment)

    again = refund(wipay, payment)
    wipay.set_clock(advance=20)
    wipay.work()
    later = refund(wipay, payment)

    assert (again.status_code, later.status_code) == (400, 400)
    assert again.json["message"].endswith("id has an existing refund request.")
    assert later.json["message"].endswith("id has already been refunded.")


def test_a_refund_is_rejected_by_hand_with_a_reason(wipay: WiPay, shop: Receiver) -> None:
    refund(wipay, paid(wipay))
    assert "Give it back" in wipay.http.get("/wipay/merchant").text

    decide(wipay, verdict="reject", reason="Goods were delivered.")
    wipay.set_clock(advance=86400)
    wipay.work()

    assert shop.events[-1] == "payment.refund_rejected"
    assert shop.received[-1].event["meta"] == {"reason": "Goods were delivered."}
    assert "Rejected." in wipay.http.get("/wipay/merchant").text


def test_a_rejected_refund_may_be_asked_for_again(wipay: WiPay) -> None:
    payment = paid(wipay)
    refund(wipay, payment)
    decide(wipay, verdict="reject")

    assert refund(wipay, payment).status_code == 201


def test_a_refund_is_granted_by_hand_once(wipay: WiPay, shop: Receiver) -> None:
    refund(wipay, paid(wipay))

    for verdict in ("grant", "reject"):
        decide(wipay, verdict=verdict)
    wipay.work()

    assert shop.events[-2:] == ["payment.refund_requested", "payment.refunded"]


@pytest.mark.parametrize(
    ("setting", "event"),
    [("rejected", "payment.refund_rejected"), ("by_hand", "payment.refund_requested")],
)
def test_a_setting_says_what_becomes_of_refunds(
    start_sandbox: StartSandbox, shop: Receiver, setting: str, event: str
) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_refunds=setting).app)

    refund(wipay, paid(wipay))
    wipay.set_clock(advance=86400)
    wipay.work()

    assert shop.events[-1] == event


def test_what_was_not_paid_is_not_given_back(wipay: WiPay) -> None:
    unknown = refund(wipay, {"transaction_id": "SB-1-1-x-20260101000000"})
    unpaid = refund(wipay, wipay.payment())

    assert (unknown.status_code, unpaid.status_code) == (400, 400)
    assert unknown.json["message"] == "The selected transaction id is invalid."
    assert unpaid.json["message"] == "The selected transaction id has invalid status."


def test_a_refund_needs_money_on_the_account(start_sandbox: StartSandbox) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_balance="short").app)

    answer = refund(wipay, paid(wipay))

    assert answer.status_code == 403
    assert answer.json == {"message": "Insufficient funds on WiPay account to request refund."}


def test_another_site_cannot_press_the_buttons(wipay: WiPay) -> None:
    path, foreign = "/wipay/merchant/refunds/1", {"Origin": "http://shop.example"}

    assert wipay.http.post(path, data={"verdict": "grant"}, headers=foreign).status_code == 403
    assert wipay.http.post(path, data={"verdict": "grant"}).status_code == 404


# Who may call


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="neither"),
        pytest.param({"X-WAPI-Key": "wapi_live_x"}, id="wrong_key"),
        pytest.param({"Authorization": "Bearer x"}, id="unknown_token"),
        pytest.param({"X-WAPI-Key": WiPay.KEY, "Authorization": "Bearer x"}, id="both"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/transactions?environment=sandbox"),
        ("GET", "/transactions/meta"),
        ("GET", "/transactions/fees"),
        ("POST", "/transactions/SB-1/refund"),
        ("GET", "/trusted-cards"),
        ("POST", "/trusted-cards"),
        ("DELETE", "/trusted-cards/x"),
    ],
)
def test_every_call_needs_exactly_one_valid_credential(
    wipay: WiPay, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = call(wipay, method, path, headers=headers)

    assert (reply.status_code, reply.json) == (401, {"message": "Unauthorized"})


# History, limits, fees


def test_the_history_is_paged_newest_first(wipay: WiPay) -> None:
    made = [wipay.payment()["transaction_id"] for _ in range(5)]

    path = "/transactions?environment=sandbox&page_size=2&page="
    pages = [call(wipay, "GET", f"{path}{page}").json for page in (1, 2, 3)]

    listed = [row["transaction_id"] for page in pages for row in page["data"]]
    assert listed == made[::-1]
    assert pages[1]["meta"] == {
        "current_page": 2,
        "from": 3,
        "last_page": 3,
        "path": "http://localhost/wipay/wapi/transactions",
        "per_page": 2,
        "to": 4,
        "total": 5,
    }
    assert pages[0]["links"]["prev"] is None
    assert "page=2" in pages[0]["links"]["next"]
    assert pages[2]["links"]["next"] is None


def test_an_empty_history_has_one_page(wipay: WiPay) -> None:
    wipay.payment()

    answer = call(wipay, "GET", "/transactions?environment=live").json

    assert answer["data"] == []
    assert (answer["meta"]["from"], answer["meta"]["to"], answer["meta"]["last_page"]) == (
        None,
        None,
        1,
    )


@pytest.mark.parametrize("query", ["", "?environment=test", "?environment=live&page_size=101"])
def test_a_history_of_nowhere_is_refused(wipay: WiPay, query: str) -> None:
    assert call(wipay, "GET", f"/transactions{query}").status_code == 400


def test_what_may_be_asked_for_is_told(wipay: WiPay) -> None:
    data = call(wipay, "GET", "/transactions/meta").json["data"]

    assert data["currencies"] == ["TTD", "USD"]
    assert set(data["fee_structures"]) == {"customer_pay", "merchant_absorb", "split"}
    assert data["totals"]["TTD"] == {"minimum": 5.0, "maximum": 20400.0}
    assert data["totals"]["USD"] == {"minimum": 0.74, "maximum": 3000.0}


@pytest.mark.parametrize(
    ("structure", "customer", "merchant"),
    [
        ("customer_pay", 103.75, 100.0),
        ("split", 101.88, 98.13),
        ("merchant_absorb", 100.0, 96.25),
    ],
)
def test_the_fees_of_an_amount_are_told_beforehand(
    wipay: WiPay, structure: str, customer: float, merchant: float
) -> None:
    path = f"/transactions/fees?fee_structure={structure}&currency=USD&amount=100"

    data = call(wipay, "GET", path).json["data"]

    assert (data["org_t"], data["cus_t"], data["mer_t"]) == (100.0, customer, merchant)


@pytest.mark.parametrize("amount", ["", "x", "-1", "NaN", "1e9"])
def test_fees_of_what_is_no_amount_are_refused(wipay: WiPay, amount: str) -> None:
    path = f"/transactions/fees?fee_structure=split&currency=USD&amount={amount}"

    assert call(wipay, "GET", path).json["message"].startswith("The amount field is")
