"""The Request Network adapter against its documentation: what it sends, what it believes."""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from providers import request_network
from providers.contract import (
    Line,
    Malformed,
    Part,
    Redirect,
    Rejected,
    Unproven,
    Unreachable,
)
from providers.optional import ReadsReturns
from providers.request_network import parts
from providers.request_network.destination import warnings

from ..contract import URLS, explain
from .case import (
    ACCOUNT,
    API_KEY,
    CASE,
    CREATE,
    DELIVERY,
    DESTINATION,
    FIXTURES,
    GUIDE,
    PAGE,
    PAYMENT,
    REQUEST_ID,
    SECOND_ID,
    SECRET,
    STATUS,
    TOKEN,
    TRON,
    changed,
    fixture,
    signed,
)
from .reading import read

# ------------------------------------------------------------------ the signature


@pytest.mark.parametrize(
    ("name", "signature", "status"),
    [
        (
            "vector_confirmed.json",
            "eccab0ab95cb0a7ee985a7138deb2dcd9de15dee68b537309fa97c0fa1e3648c",
            "succeeded",
        ),
        (
            "vector_partial.json",
            "c1addd9845663b8db05b1bcc2b0917e8acdd0967ce6cf89caa28a0d74357ce71",
            "partially_paid",
        ),
        (
            "vector_failed.json",
            "7f196e11640e017f13befca14d8ddd3f99255843cf9ed519185f71ec33a8cbe1",
            "failed",
        ),
    ],
)
def test_what_openssl_signed_is_believed(name: str, signature: str, status: str) -> None:
    headers = {"x-request-network-signature": signature, "x-request-network-delivery": DELIVERY}

    (news,) = request_network.read_webhook(ACCOUNT, headers, (FIXTURES / name).read_bytes())

    assert (news.provider_reference, news.status) == (REQUEST_ID, status)


def test_the_raw_bytes_are_signed() -> None:
    """openssl, too: spaces and a letter that is not ASCII. It fails later, at what is missing."""
    body = '{ "event": "payment.confirmed", "note": "café" }'.encode()
    signature = "86c8c7af12f1b110c1dd3b332612c05960d71aa048d16229aeded10ed7842c57"
    headers = {"x-request-network-signature": signature, "x-request-network-delivery": DELIVERY}

    with pytest.raises(Malformed):
        request_network.read_webhook(ACCOUNT, headers, body)
    with pytest.raises(Unproven):
        request_network.read_webhook(ACCOUNT, headers, json.dumps(json.loads(body)).encode())


SIGNATURE = signed(changed())[0]["x-request-network-signature"]


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param("0" * 64, id="another"),
        pytest.param(SIGNATURE.upper(), id="upper_case"),
        pytest.param(f"sha256={SIGNATURE}", id="prefix"),
        pytest.param(SIGNATURE[:-1], id="short"),
        pytest.param(f"{SIGNATURE} ", id="white_space"),
        pytest.param("é" * 64, id="not_ascii"),
        pytest.param(
            hmac.new(bytes.fromhex(SECRET), changed(), hashlib.sha256).hexdigest(),
            id="secret_decoded",
        ),
    ],
)
def test_any_other_signature_is_refused(signature: str) -> None:
    """A1, A2."""
    with pytest.raises(Unproven) as refused:
        read(changed(), **{"x-request-network-signature": signature})

    assert refused.value.http_status == 401


def test_while_a_secret_is_being_replaced_either_is_accepted() -> None:
    """A6."""
    both = replace(ACCOUNT, webhook_secrets=("new", SECRET))

    assert request_network.read_webhook(both, *CASE.paid)
    with pytest.raises(Unproven):
        request_network.read_webhook(replace(ACCOUNT, webhook_secrets=("new",)), *CASE.paid)


@pytest.mark.parametrize("ours", [(), ("",)])
def test_an_account_without_a_secret_believes_nothing(ours: tuple[str, ...]) -> None:
    """A4."""
    account, body = replace(ACCOUNT, webhook_secrets=ours), changed()
    signature = hmac.new(b"", body, hashlib.sha256).hexdigest()

    with pytest.raises(Unproven):
        request_network.read_webhook(account, {"x-request-network-signature": signature}, body)


# ------------------------------------------------------------------ events


def test_the_documented_event_is_read() -> None:
    news = read(changed())

    assert (news.provider_reference, news.reference) == (REQUEST_ID, None)
    assert (news.status, news.word) == ("succeeded", "payment.confirmed")
    assert (news.amount, news.currency) == (4999, "USD")
    assert str(news.event_key).startswith(f"{DELIVERY}:")
    assert news.failure_code is None


@pytest.mark.parametrize("missing", ["requestId", "requestID"])
def test_either_spelling_of_the_id_will_do(missing: str) -> None:
    assert read(changed(**{missing: ...})).provider_reference == REQUEST_ID


def test_a_part_is_told_as_the_sum_so_far() -> None:
    news = read(changed(event="payment.partial", amount="5.0", totalAmountPaid="20.0"))

    assert (news.status, news.amount, news.currency) == ("partially_paid", 2000, "USD")


@pytest.mark.parametrize(
    ("reason", "code"), [("insufficient_funds", "insufficient_funds"), ("", None), (..., None)]
)
def test_a_failure_names_its_reason_or_none(reason: object, code: str | None) -> None:
    news = read(changed(event="payment.failed", subStatus=reason, totalAmountPaid=...))

    assert (news.status, news.amount, news.currency) == ("failed", None, None)
    assert news.failure_code == code


def test_a_reason_that_we_know_has_its_own_sentence() -> None:
    assert "wallet" in explain(request_network, ACCOUNT, "insufficient_funds")


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("49.99", 4999),
        ("9.5", 950),
        ("10.000000", 1000),
        ("10.000000000000000000", 1000),
        ("50", 5000),
        ("49.989999", 4998),
        ("49.999999999999999999", 4999),
        ("0.009", 0),
        ("999999999999.999999999999999999", 99999999999999),
        (49.99, 4999),
        (50, 5000),
        (9.5, 950),
        (24.000000000000004, 2400),
        ("24.000000000000000000000000", 2400),
        ("23.999999", 2399),
    ],
)
def test_a_coin_counts_in_whole_cents_and_is_never_rounded_up(written: object, cents: int) -> None:
    """P9, P14: text or a JSON number."""
    assert read(changed(totalAmountPaid=written)).amount == cents


@given(cents=st.integers(0, 10**13), dust=st.integers(0, 10**16 - 1))
def test_no_dust_makes_a_cent(cents: int, dust: int) -> None:
    written = f"{cents // 100}.{cents % 100:02}{dust:016}"

    assert read(changed(totalAmountPaid=written)).amount == cents


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("USDC", "USD"),
        ("USDT", "USD"),
        ("USDT0", "USD"),
        ("usdc", "USD"),
        ("FAU", "USD"),
        ("USD", "USD"),
        ("usd", "USD"),
        ("EURC", "EUR"),
        ("USDC-base", "USD"),
        ("USDC-base-base", "USD"),
        ("USDCn-optimism", "USD"),
        ("FAU-sepolia", "USD"),
        ("fUSDC-sepolia", "USD"),
        ("", None),
        (None, None),
        (..., None),
    ],
)
def test_a_stablecoin_counts_as_its_currency_by_symbol_or_id(
    symbol: object, currency: str | None
) -> None:
    """P15; ids and symbols mix in Request Network's own samples."""
    news = read(changed(currency=symbol))

    assert (news.status, news.amount, news.currency) == ("succeeded", 4999, currency)


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [("WETH", "WETH"), ("WETH-base", "WETH"), (["USDC"], "['USDC']"), (7, "7"), ("$", "$")],
)
def test_any_other_coin_counts_as_itself(symbol: object, currency: str) -> None:
    """P4: held, and with all its digits."""
    news = read(changed(currency=symbol))

    assert (news.status, news.currency) == ("succeeded", currency)
    assert news.amount == 4999 * 10**16


@pytest.mark.parametrize(("symbol", "total", "amount"), [("CAD", 33.1, 3310), ("JPY", 3648, 3648)])
def test_an_amount_has_the_digits_of_the_currency_beside_it(
    symbol: str, total: object, amount: int
) -> None:
    """P1, P4."""
    news = read(changed(currency=symbol, totalAmountPaid=total))

    assert (news.amount, news.currency) == (amount, symbol)


LIVE = replace(ACCOUNT, environment="live")


@pytest.mark.parametrize(
    ("said", "currency"),
    [
        ({"currency": "FAU", "network": "sepolia"}, "FAU"),
        ({"currency": "FAU"}, "FAU"),
        ({"currency": "fau-sepolia"}, "fau"),
        ({"currency": "fUSDC"}, "fUSDC"),
        ({"currency": "fUSDT-sepolia"}, "fUSDT"),
        ({"currency": "USDC-sepolia"}, "USDC"),
        ({"currency": "USDC_sepolia"}, "USDC_sepolia"),
        ({"currency": "USDC", "network": "base-sepolia"}, "USDC"),
        ({"currency": "USDC", "network": "Sepolia"}, "USDC"),
        ({"currency": "USDC", "network": 84532}, "USDC"),
        ({"currency": "USDC", "network": None, "chainId": "eip155:11155111"}, "USDC"),
        ({"currency": "USD", "paymentCurrency": "FAU"}, "FAU"),
        ({"currency": "usd", "paymentCurrency": "USDC-sepolia"}, "USDC"),
        ({"currency": "USD", "paymentCurrency": "USD", "network": "sepolia"}, "TEST"),
        ({"currency": None, "paymentCurrency": "FAU-sepolia"}, "FAU"),
        ({"currency": None, "paymentCurrency": None, "network": "sepolia"}, "TEST"),
        ({"currency": "USDC", "payments": [{"destinationNetwork": "sepolia"}]}, "USDC"),
    ],
)
def test_in_a_live_shop_coins_of_a_test_network_are_no_dollars(
    api: responses.RequestsMock, said: dict[str, Any], currency: str
) -> None:
    """P5, dfinity/oisy-wallet#1326: correctly signed, and worth nothing; told or looked up."""
    body = changed(**{"paymentCurrency": "USDC", **said})
    resource = fixture("request_paid.json") | {"paymentCurrency": "USDC", **said}
    api.get(STATUS, json=resource | {"invoiceCurrency": said["currency"]})

    (told,) = request_network.read_webhook(LIVE, *signed(body))
    (found,) = request_network.fetch_payment(LIVE, PAYMENT)

    for news in (told, found):
        assert news is not None
        assert (news.status, news.currency) == ("succeeded", currency)
        assert news.currency not in LIVE.currencies


@pytest.mark.parametrize("network", ["base", "mainnet", "ethereum", "matic", "tron", 8453, None])
def test_in_a_live_shop_coins_of_a_real_network_are(network: object) -> None:
    """P5."""
    body = changed(network=network, currency="USDC", paymentCurrency="USDC-base")

    (news,) = request_network.read_webhook(LIVE, *signed(body))

    assert (news.amount, news.currency) == (4999, "USD")


@pytest.mark.parametrize("event", ["payment.confirmed", "payment.partial"])
@pytest.mark.parametrize("total", [None, ...])
def test_money_without_a_sum_is_asked_about(event: str, total: object) -> None:
    """P9, koala73/worldmonitor#7238: 400 would be repeated for 21 seconds, and then no more."""
    news = read(changed(event=event, totalAmountPaid=total))

    assert (news.status, news.check, news.problem) == (None, True, None)
    assert news.provider_reference == REQUEST_ID


def test_news_of_two_requests_at_once_is_for_a_person() -> None:
    """T18."""
    news = read(changed(requestID=SECOND_ID))

    assert (news.status, news.check) == (None, True)
    assert news.problem == "Request Network says payment.confirmed of two requests at once"


def test_money_that_went_back_by_no_call_of_ours_is_told_to_a_person() -> None:
    """P7."""
    news = read(changed(event="payment.refunded", refundAmount="24.0"))

    assert (news.provider_reference, news.status) == (REQUEST_ID, None)
    assert news.problem == "Request Network says that it refunded 24.0 USDC"


def test_a_delivery_id_does_not_hide_what_another_body_says() -> None:
    """P3: it is a header, and not signed. A retry is the same body under the same id."""
    part = changed(event="payment.partial", totalAmountPaid="20.0")
    more = changed(event="payment.partial", totalAmountPaid="30.0")

    keys = [read(body).event_key for body in (part, more, changed(), changed())]

    assert len(set(keys)) == 3
    assert all(len(key) <= 100 for key in keys)


def test_the_mark_of_a_test_does_not_hide_the_same_body_without_it() -> None:
    """P3: this header is not signed either."""
    marked = read(changed(), **{"x-request-network-test": "true"})

    assert marked.event_key != read(changed()).event_key


def test_two_failures_in_the_same_words_are_two() -> None:
    """P3: their bodies hold no time; the second may be a reorganisation after success."""
    failed = changed(event="payment.failed", totalAmountPaid=...)

    assert read(failed).event_key != (
        read(failed, **{"x-request-network-delivery": "0" * 26}).event_key
    )


def test_a_test_delivery_is_acknowledged_and_changes_nothing() -> None:
    news = read(changed(totalAmountPaid="made up"), **{"x-request-network-test": "true"})

    assert (news.status, news.word) == (None, "test: payment.confirmed")


@pytest.mark.parametrize(
    "event",
    [
        "payment.confirmed.client_id",
        "payment.processing",
        "request.recurring",
        "secure_payment.user_event",
        "kyt.screening.completed",
        "new_word",
    ],
)
@pytest.mark.parametrize("request_id", [REQUEST_ID, None, ...])
def test_other_events_change_nothing(event: str, request_id: object) -> None:
    """D7."""
    news = read(changed(event=event, requestId=request_id, requestID=...))

    assert (news.status, news.word, news.check, news.problem) == (None, event, False, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not_json"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(changed().decode().encode("utf-16"), id="utf_16"),
        pytest.param(b'{"event": "x",' + changed()[1:], id="two_events"),
        pytest.param(changed(event=...), id="no_event"),
        pytest.param(changed(event=["payment.confirmed"]), id="event_list"),
        pytest.param(changed(requestId=..., requestID=...), id="no_id"),
        pytest.param(changed(requestId=1), id="number_as_id"),
        pytest.param(changed(requestId="../payments"), id="odd_id"),
        pytest.param(changed(requestId="a" * 101), id="long_id"),
        pytest.param(changed(totalAmountPaid="-49.99"), id="negative"),
        pytest.param(changed(totalAmountPaid="1e3"), id="exponent"),
        pytest.param(changed(totalAmountPaid="1,000"), id="thousands_mark"),
        pytest.param(changed(totalAmountPaid="NaN"), id="nan"),
        pytest.param(changed(totalAmountPaid="４９"), id="other_digits"),
        pytest.param(changed(totalAmountPaid="49.99\n"), id="newline"),
        pytest.param(changed(totalAmountPaid=""), id="empty_total"),
        pytest.param(changed(totalAmountPaid=["49.99"]), id="total_list"),
        pytest.param(changed(totalAmountPaid=True), id="boolean"),
        pytest.param(changed(requestId=[REQUEST_ID]), id="id_list"),
        pytest.param(changed(totalAmountPaid="1" * 13), id="too_much"),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    """A15, G7."""
    with pytest.raises(Malformed) as refused:
        read(body)

    assert refused.value.http_status == 400


@pytest.mark.parametrize("key", ["", "a b", "x" * 41, "é"])
def test_a_delivery_without_its_id_is_refused(key: str) -> None:
    with pytest.raises(Malformed):
        read(changed(), **{"x-request-network-delivery": key})


# ------------------------------------------------------------------ POST /v2/secure-payments


def test_one_request_is_made_in_decimals_with_the_key_in_a_header(
    api: responses.RequestsMock,
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)

    checkout = request_network.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == REQUEST_ID
    assert (checkout.parts, checkout.page_token) == ((), TOKEN)
    assert checkout.next_action == Redirect(
        "https://pay.request.network/?token=01KJRA0M9QG8MA4X887908T8A4"
    )
    (sent,) = api.calls
    assert sent.request.headers["x-api-key"] == API_KEY
    assert "x-client-id" not in sent.request.headers
    assert json.loads(sent.request.body or "") == {
        "requests": [{"amount": "49.99"}],
        "reference": "order-1",
        "redirectUrl": "https://shop.example/orders/1/return",
        "redirectLabel": "Back to the shop",
    }


@pytest.mark.parametrize(
    ("minor", "written"), [(1, "0.01"), (2400, "24.00"), (10**9, "10000000.00")]
)
def test_an_amount_is_a_plain_decimal(
    api: responses.RequestsMock, minor: int, written: str
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)

    request_network.start_checkout(ACCOUNT, replace(PAYMENT, amount=minor), URLS)

    body = json.loads(api.calls[0].request.body or "")
    assert body["requests"] == [{"amount": written}]


def test_a_client_id_and_a_destination_are_sent_where_the_account_has_them(
    api: responses.RequestsMock,
) -> None:
    api.post(CREATE, json=fixture("created_older_page.json"), status=201)
    account = replace(ACCOUNT, api_key="", client_id="cli_1", destination_id=DESTINATION)

    checkout = request_network.start_checkout(account, PAYMENT, URLS)

    assert checkout.next_action.url.startswith("https://secure.request.network/")
    sent = api.calls[0].request
    assert sent.headers["x-client-id"] == "cli_1"
    assert "x-api-key" not in sent.headers
    (wanted,) = json.loads(sent.body or "")["requests"]
    assert wanted == {"amount": "49.99", "destinationId": DESTINATION}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"api_key": ""}, id="no_key"),
        pytest.param({"client_id": "cli_1"}, id="two_keys"),
        pytest.param({"destination_id": DESTINATION.partition("@")[0]}, id="wallet_only"),
        pytest.param({"destination_id": DESTINATION.rpartition(":")[0]}, id="no_token"),
        pytest.param({"destination_id": DESTINATION.replace("#ABCD1234", "")}, id="no_checksum"),
        pytest.param({"destination_id": DESTINATION.replace("8453", "base")}, id="chain_name"),
        pytest.param({"destination_id": f"{DESTINATION}\n"}, id="newline"),
        pytest.param({"destination_id": DESTINATION[:-1]}, id="short_token"),
        pytest.param(GUIDE | {"payee": ""}, id="no_payee"),
        pytest.param(GUIDE | {"invoice_currency": ""}, id="no_invoice_currency"),
        pytest.param(GUIDE | {"payment_currency": ""}, id="no_payment_currency"),
        pytest.param(GUIDE | {"destination_id": DESTINATION}, id="two_destinations"),
        pytest.param(GUIDE | {"payee": TRON.partition("@")[0]}, id="payee_on_tron"),
        pytest.param(GUIDE | {"payee": "0x1"}, id="short_payee"),
        pytest.param(GUIDE | {"payment_currency": "USDC on Base"}, id="no_currency_id"),
        pytest.param(GUIDE | {"invoice_currency": "EUR"}, id="euros_for_dollars"),
        pytest.param(GUIDE | {"invoice_currency": "WETH-base"}, id="no_stablecoin"),
    ],
)
def test_an_account_that_cannot_work_is_refused_at_once(changes: Any) -> None:
    with pytest.raises(ValueError, match="REQUEST_NETWORK_") as raised:
        replace(ACCOUNT, **changes)

    assert API_KEY not in str(raised.value)


def test_a_destination_may_be_on_tron() -> None:
    assert replace(ACCOUNT, destination_id=TRON).destination_id == TRON


@pytest.mark.parametrize("currency", ["USD", "USDC-base", "USDCn-optimism", "fUSDC-sepolia"])
def test_a_payee_with_two_currencies_is_sent_as_the_guide_has_it(
    api: responses.RequestsMock, currency: str
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)
    account = replace(ACCOUNT, **GUIDE | {"invoice_currency": currency})

    request_network.start_checkout(account, PAYMENT, URLS)

    (wanted,) = json.loads(api.calls[0].request.body or "")["requests"]
    assert wanted == {
        "amount": "49.99",
        "payee": GUIDE["payee"],
        "invoiceCurrency": currency,
        "paymentCurrency": "USDC-base",
    }


# ------------------------------------------------------------------ several requests in one link


def lines(*amounts: int) -> tuple[Line, ...]:
    return tuple(Line(f"Thing {number}", amount) for number, amount in enumerate(amounts, 1))


ITEMIZED = replace(ACCOUNT, itemized=True)


def test_each_line_is_asked_for_by_a_request_of_its_own(api: responses.RequestsMock) -> None:
    answer = fixture("created.json") | {"requestIds": [REQUEST_ID, SECOND_ID]}
    api.post(CREATE, json=answer, status=201)
    account = replace(ITEMIZED, destination_id=DESTINATION)

    checkout = request_network.start_checkout(
        account, replace(PAYMENT, lines=lines(4000, 999)), URLS
    )

    assert checkout.provider_reference == REQUEST_ID
    assert checkout.parts == (Part(REQUEST_ID, 4000), Part(SECOND_ID, 999))
    assert json.loads(api.calls[0].request.body or "")["requests"] == [
        {"amount": "40.00", "destinationId": DESTINATION},
        {"amount": "9.99", "destinationId": DESTINATION},
    ]


@pytest.mark.parametrize(
    ("account", "parts"),
    [
        pytest.param(ACCOUNT, lines(4000, 999), id="not_wanted"),
        pytest.param(ITEMIZED, (), id="no_lines"),
        pytest.param(ITEMIZED, lines(4999), id="one_line"),
        pytest.param(ITEMIZED, lines(4000, 998), id="not_the_sum"),
        pytest.param(ITEMIZED, lines(5099, -100), id="discount"),
        pytest.param(ITEMIZED, lines(4999, 0), id="gift"),
        pytest.param(ITEMIZED, lines(*[1] * 200, 4799), id="too_many"),
        pytest.param(replace(ITEMIZED, destination_id=TRON), lines(4000, 999), id="tron"),
    ],
)
def test_otherwise_there_is_one_request_for_all(
    api: responses.RequestsMock, account: Any, parts: tuple[Line, ...]
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)

    checkout = request_network.start_checkout(account, replace(PAYMENT, lines=parts), URLS)

    assert checkout.parts == ()
    (wanted,) = json.loads(api.calls[0].request.body or "")["requests"]
    assert wanted["amount"] == "49.99"


@pytest.mark.parametrize(
    "ids",
    [[REQUEST_ID], [REQUEST_ID, REQUEST_ID], [REQUEST_ID, SECOND_ID, "01ab"], [REQUEST_ID, 1]],
)
def test_an_answer_without_an_id_for_each_line_is_no_answer(
    api: responses.RequestsMock, ids: list[object]
) -> None:
    api.post(CREATE, json=fixture("created.json") | {"requestIds": ids}, status=201)

    with pytest.raises(Unreachable):
        request_network.start_checkout(ITEMIZED, replace(PAYMENT, lines=lines(4000, 999)), URLS)


# ------------------------------------------------------------------ the checksum of a destination


@pytest.mark.parametrize(
    ("wallet_and_chain", "checksum"),
    [
        ("0x742d35Cc6634C0532925a3b844Bc454e4438f44e@eip155:8453", "B4FD67BB"),
        ("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045@eip155:1", "4CA88C9C"),
        ("0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:11155111", "e636c26b"),
    ],
)
def test_a_destination_with_its_checksum_raises_no_eyebrow(
    wallet_and_chain: str, checksum: str
) -> None:
    """The first is Request Network's own sample, the second the one of ERC-7930."""
    token = DESTINATION.rpartition(":")[2]
    right = replace(ACCOUNT, destination_id=f"{wallet_and_chain}#{checksum}:{token}")
    wrong = replace(ACCOUNT, destination_id=f"{wallet_and_chain}#00000000:{token}")

    assert warnings(right) == []
    (sentence,) = warnings(wrong)
    assert f"is 00000000, and {checksum.upper()} would fit" in sentence


@pytest.mark.parametrize("destination", ["", TRON])
def test_where_no_rule_is_known_nothing_is_said(destination: str) -> None:
    assert warnings(replace(ACCOUNT, destination_id=destination)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error_text.json", "Destination does not match the configured payment destination."),
        ("error_list.json", "requests.0.amount: Required"),
        ("error_fields.json", "Validation failed; redirectUrl: Invalid url"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_error_is_one_sentence_for_the_shopper_and_exact_words_for_the_log(
    api: responses.RequestsMock, status: int, name: str, words: str
) -> None:
    api.post(CREATE, json=fixture(name), status=status)

    with pytest.raises(Rejected) as raised:
        request_network.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert str(raised.value) == f"POST /v2/secure-payments: HTTP {status} {words}"
    assert "Nothing was charged" in raised.value.shopper


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"json": {}, "status": 429}, id="429"),
        pytest.param({"json": {}, "status": 500}, id="500"),
        pytest.param({"json": {}, "status": 502}, id="502"),
        pytest.param({"json": {}, "status": 503}, id="503"),
        pytest.param({"json": {}, "status": 301}, id="redirect"),
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon"}, id="html"),
        pytest.param({"body": ""}, id="empty"),
        pytest.param({"json": []}, id="list"),
        pytest.param(
            {"json": {"message": ["x", {"path": 1}], "errors": 1}, "status": 500}, id="odd"
        ),
        pytest.param({"json": fixture("created.json") | {"securePaymentUrl": None}}, id="no_page"),
        pytest.param({"json": fixture("created.json") | {"requestIds": None}}, id="no_ids"),
        pytest.param({"json": fixture("created.json") | {"requestIds": []}}, id="empty_ids"),
        pytest.param({"json": fixture("created.json") | {"requestIds": ["a", "b"]}}, id="two_ids"),
        pytest.param({"json": fixture("created.json") | {"requestIds": ["../x"]}}, id="odd_id"),
        pytest.param({"json": fixture("created.json") | {"requestIds": [1]}}, id="number_id"),
    ],
)
def test_no_usable_answer_leaves_open_what_happened_and_is_never_repeated(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """C7, E4: there is no idempotency key, so a second call would be a second request."""
    api.post(CREATE, **answer)

    with pytest.raises(Unreachable):
        request_network.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1


# ------------------------------------------------------------------ the return


def test_the_return_says_nothing() -> None:
    """The page has a button to ``redirectUrl``, and appends nothing."""
    assert not isinstance(request_network, ReadsReturns)


# ------------------------------------------------------------------ GET /v2/request/{id}


@pytest.mark.parametrize(
    ("name", "changes", "status", "word", "amount", "currency"),
    [
        ("request_paid.json", {}, "succeeded", "GET: paid", 4999, "USD"),
        ("request_paid.json", {"requestAmount": None}, "succeeded", "GET: paid", None, "USD"),
        ("request_paid.json", {"requestAmount": "24,00"}, "succeeded", "GET: paid", None, "USD"),
        ("request_paid.json", {"requestAmount": "-1"}, "succeeded", "GET: paid", None, "USD"),
        ("request_paid.json", {"requestAmount": 49.99}, "succeeded", "GET: paid", 4999, "USD"),
        ("request_paid.json", {"requestAmount": 24}, "succeeded", "GET: paid", 2400, "USD"),
        ("request_paid.json", {"invoiceCurrency": None}, "succeeded", "GET: paid", 4999, None),
        (
            "request_paid.json",
            {"conversionBreakdown": {"paidAmount": ["1"]}},
            "succeeded",
            "GET: paid",
            4999,
            "USD",
        ),
        (
            "request_paid.json",
            {"conversionBreakdown": {"paidAmount": 20, "paidCurrency": "EURC"}},
            "succeeded",
            "GET: paid",
            2000,
            "EUR",
        ),
        ("request_paid.json", {"status": "new"}, "succeeded", "GET: new", 4999, "USD"),
        (
            "request_paid.json",
            {"invoiceCurrency": "WETH"},
            "succeeded",
            "GET: paid",
            4999 * 10**16,
            "WETH",
        ),
        (
            "request_paid.json",
            {"conversionBreakdown": {"paidAmount": "50.5"}},
            "succeeded",
            "GET: paid",
            5050,
            "USD",
        ),
        ("request_paid.json", {"hasBeenPaid": False}, "created", "GET: not paid", None, None),
        (
            "request_partial.json",
            {},
            "partially_paid",
            "GET: partially_paid",
            2000,
            "USD",
        ),
        (
            "request_partial.json",
            {"conversionBreakdown": {"paidAmount": 20}},
            "partially_paid",
            "GET: partially_paid",
            2000,
            "USD",
        ),
        ("request_partial.json", {"status": "new"}, "created", "GET: new", None, None),
    ],
)
def test_the_status_is_told_with_the_amount_where_it_is_given(
    api: responses.RequestsMock,
    name: str,
    changes: dict[str, Any],
    status: str,
    word: str,
    amount: int | None,
    currency: str | None,
) -> None:
    """D7, P1, P9, P16: of a request that is ours and paid in full, the amount is a comparison."""
    api.get(STATUS, json={**fixture(name), **changes})

    (news,) = request_network.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.word) == (status, word)
    assert (news.amount, news.currency, news.event_key) == (amount, currency, None)
    assert api.calls[0].request.headers["x-api-key"] == API_KEY


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        (
            "request_partial.json",
            {"conversionBreakdown": None},
            "Request Network says that a part is paid, and not how much",
        ),
        (
            "request_partial.json",
            {"conversionBreakdown": {"paidAmount": "24,00"}},
            "Request Network says that a part is paid, and not how much",
        ),
        (
            "request_paid.json",
            {"status": "partially_paid"},
            "Request Network says that a request is paid, and that a part of it is",
        ),
    ],
)
def test_an_answer_that_leaves_open_how_much_came_is_for_a_person(
    api: responses.RequestsMock, name: str, changes: dict[str, Any], problem: str
) -> None:
    """P9, T18."""
    api.get(STATUS, json={**fixture(name), **changes})

    (news,) = request_network.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.problem) == (None, None, problem)


def test_asking_is_repeated(api: responses.RequestsMock) -> None:
    api.get(STATUS, json={}, status=503)
    api.get(STATUS, json=fixture("request_paid.json"))

    assert request_network.fetch_payment(ACCOUNT, PAYMENT)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"requestId": "01ab"}, id="another_request"),
        pytest.param({"requestId": None}, id="no_id"),
        pytest.param({"hasBeenPaid": None}, id="does_not_say"),
        pytest.param({"hasBeenPaid": "true"}, id="text"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    api: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    api.get(STATUS, json={**fixture("request_paid.json"), **changes})

    with pytest.raises(Unreachable):
        request_network.fetch_payment(ACCOUNT, PAYMENT)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pause between calls, which takes no time here."""
    waited: list[float] = []
    monkeypatch.setattr("providers.request_network.parts.time.sleep", waited.append)
    return waited


@pytest.mark.parametrize(
    ("first", "second", "status", "word", "amount"),
    [
        ("paid", "paid", "succeeded", "GET: 2 of 2 paid", 9998),
        ("paid", "partial", "partially_paid", "GET: 1 of 2 paid", 6999),
        ("paid", "unpaid", "partially_paid", "GET: 1 of 2 paid", 4999),
        ("unpaid", "paid", "partially_paid", "GET: 1 of 2 paid", 4999),
        ("partial", "unpaid", "partially_paid", "GET: 0 of 2 paid", 2000),
        ("unpaid", "unpaid", "created", "GET: 0 of 2 paid", None),
        ("paid", "untold", "succeeded", "GET: 2 of 2 paid", None),
        ("untold", "unpaid", None, "GET: 1 of 2 paid", None),
    ],
)
def test_the_parts_of_a_link_are_told_as_one_sum(
    api: responses.RequestsMock,
    pauses: list[float],
    first: str,
    second: str,
    status: str | None,
    word: str,
    amount: int | None,
) -> None:
    answers = {
        "paid": fixture("request_paid.json"),
        "partial": fixture("request_partial.json"),
        "unpaid": fixture("request_paid.json") | {"hasBeenPaid": False},
        "untold": fixture("request_paid.json") | {"requestAmount": None},
    }
    api.get(STATUS, json=answers[first])
    api.get(STATUS.replace(REQUEST_ID, SECOND_ID), json=answers[second] | {"requestId": SECOND_ID})

    (news,) = request_network.fetch_payment(
        ACCOUNT, replace(PAYMENT, parts=(REQUEST_ID, SECOND_ID))
    )

    assert news is not None
    assert (news.status, news.word, news.amount) == (status, word, amount)
    assert news.provider_reference == REQUEST_ID
    assert news.currency == (None if status == "created" else "USD")
    assert bool(news.problem) is (status is None)
    assert pauses == [parts.PAUSE]


def test_parts_paid_in_different_coins_are_left_to_a_person(
    api: responses.RequestsMock, pauses: list[float]
) -> None:
    paid = fixture("request_paid.json")
    api.get(STATUS, json=paid)
    other = paid | {"requestId": SECOND_ID, "invoiceCurrency": "WETH"}
    api.get(STATUS.replace(REQUEST_ID, SECOND_ID), json=other)

    (news,) = request_network.fetch_payment(
        ACCOUNT, replace(PAYMENT, parts=(REQUEST_ID, SECOND_ID))
    )

    assert news is not None
    assert (news.status, news.amount) == (None, None)
    assert news.problem == "Request Network says that parts were paid in USD and WETH"


def test_without_an_answer_about_one_part_nothing_is_known(
    api: responses.RequestsMock, pauses: list[float]
) -> None:
    api.get(STATUS, json=fixture("request_paid.json"))
    api.get(STATUS.replace(REQUEST_ID, SECOND_ID), json={}, status=429)

    with pytest.raises(Unreachable):
        request_network.fetch_payment(ACCOUNT, replace(PAYMENT, parts=(REQUEST_ID, SECOND_ID)))


# ------------------------------------------------------------------ GET /v2/secure-payments/{token}


CLIENT = replace(ACCOUNT, api_key="", client_id="cli_1")
MADE = replace(PAYMENT, page_token=TOKEN)


@pytest.mark.parametrize(
    ("status", "found"),
    [(200, "open"), (403, "closed"), (404, "closed"), (409, "done"), (423, "done")],
)
@pytest.mark.parametrize("account", [ACCOUNT, CLIENT])
def test_the_page_is_asked_before_a_shopper_is_sent_there_again(
    api: responses.RequestsMock, account: Any, status: int, found: str
) -> None:
    api.get(PAGE, json={"message": "as it is"}, status=status)

    assert request_network.resume_checkout(account, MADE, URLS) == found

    sent = api.calls[0].request.headers
    assert sent.get("x-client-id") == (account.client_id or None)


def test_an_api_key_may_not_be_told(api: responses.RequestsMock) -> None:
    api.get(PAGE, json=fixture("error_text.json"), status=401)

    assert request_network.resume_checkout(ACCOUNT, MADE, URLS) == "open"


def test_a_page_whose_token_we_never_learned_is_taken_for_open() -> None:
    assert request_network.resume_checkout(ACCOUNT, PAYMENT, URLS) == "open"


@pytest.mark.parametrize("token", [None, 1, "", "../request/01", "a" * 101])
def test_a_token_that_cannot_be_is_not_kept(api: responses.RequestsMock, token: object) -> None:
    api.post(CREATE, json=fixture("created.json") | {"token": token}, status=201)

    assert request_network.start_checkout(ACCOUNT, PAYMENT, URLS).page_token is None


@pytest.mark.parametrize(
    ("status", "error"), [(401, Rejected), (400, Rejected), (429, Unreachable), (500, Unreachable)]
)
def test_any_other_answer_says_nothing_about_the_page(
    api: responses.RequestsMock, status: int, error: type[Exception]
) -> None:
    api.get(PAGE, json=fixture("error_text.json"), status=status)

    with pytest.raises(error):
        request_network.resume_checkout(CLIENT, MADE, URLS)


def test_a_page_can_be_paid_on_for_a_week() -> None:
    can = request_network.capabilities(ACCOUNT)

    assert can.page_minutes == can.silent_minutes == 10080
