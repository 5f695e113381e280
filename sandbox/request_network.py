"""Request Network's secure payments and webhooks, as its documentation shows them.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/{secure-payments,
webhooks,authentication}, api-features/{payee-destinations,query-requests}, use-cases/{quickstart,
webhook-reconciliation}. The hosted page is in ``request_network_page.py``. What the documentation
leaves open is one of :data:`ASSUMPTIONS`.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

from flask import Blueprint, request
from sqlalchemy import select

from . import clock, deliveries, faults
from .background import commit
from .config import settings
from .models import Delivery, Payment, control, db

NAME, TITLE = "request_network", "Request Network"
RETRY_AFTER = (1, 5, 15)  # seconds; use-cases/webhook-reconciliation
LIFETIME = 7 * 86400  # seconds; use-cases/quickstart
MAX_AMOUNT = 10**10  # minor units; an assumption

ASSUMPTIONS = (
    "A wrong key or Client ID is answered 401, an unknown request or token 404, an expired page "
    "403; errors are {statusCode, message, error}, and for fields that break a rule message is a "
    "list of {code, path, message}.",
    "Amounts have at most two decimals: no exponent, no sign, no thousands mark. The amount of GET "
    "/v2/secure-payments/<token> is the one that was sent.",
    "One request for each page, so no batches, payouts, fee plans, access policies or Safe "
    "wallets; Tron is not imitated. Unknown fields are refused.",
    "The token and both kinds of keys are accepted wherever the documentation names one of them, "
    "and no Origin is asked for.",
    "Two calls with equal bodies make two requests: there is no idempotency key.",
    "The checksum inside a destination is not checked, since most of the documented samples are "
    "made up.",
    "Nothing is appended to redirectUrl.",
    "A wallet may pay in parts, each told as payment.partial until the sum is complete. A bridge "
    "between chains may fail, told as payment.failed, and the page can still be paid. A sum that "
    "is above what is missing is refused.",
    "A page that expires while money is on its way is still paid by it. Expiry is told to nobody.",
    "Webhooks carry both requestId and requestID, and not the merchant's reference. A repetition "
    "keeps its delivery id, and here also its retry count of 0.",
    "A coin is shown here as the currency that it counts as.",
    "Faults about cards do nothing here; nor does “wrong environment”, of which webhooks know "
    "nothing. “Replay” adds another payment's reference to the webhook.",
)

#: Chain id -> network in requests and webhooks, chain in payment options.
CHAINS = {
    1: ("mainnet", "ETHEREUM"),
    10: ("optimism", "OPTIMISM"),
    56: ("bsc", "BNB"),
    137: ("matic", "POLYGON"),
    8453: ("base", "BASE"),
    42161: ("arbitrum-one", "ARBITRUM"),
    11155111: ("sepolia", "SEPOLIA"),
}
#: Network and token, in lower case -> the coin's symbol. Coins that count as one US dollar.
TOKENS = {
    ("mainnet", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"): "USDC",
    ("mainnet", "0xdac17f958d2ee523a2206206994597c13d831ec7"): "USDT",
    ("optimism", "0x0b2c639c533813f4aa9d7837caf62653d097ff85"): "USDC",
    ("bsc", "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d"): "USDC",
    ("bsc", "0x55d398326f99059ff775485246999027b3197955"): "USDT",
    ("matic", "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"): "USDC",
    ("base", "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"): "USDC",
    ("base", "0xfde4c96c8593536e31f229ea8f37b2ada2699bb2"): "USDT",
    ("arbitrum-one", "0xaf88d065e77c8cc2239327c5edb3a432268e5831"): "USDC",
    ("sepolia", "0x370de27fdb7d1ff1e1baa7d11c5820a324cf623c"): "FAU",
}
#: What the pretend wallet holds: chain -> coin -> minor units.
BALANCES = {
    "BASE": {"USDC": 250000, "USDT": 100000},
    "OPTIMISM": {"USDC": 50000},
    "ARBITRUM": {"USDC": 150000},
    "ETHEREUM": {"USDC": 1000000, "USDT": 250},
    "POLYGON": {"USDC": 75000},
    "BNB": {"USDC": 20000, "USDT": 20000},
    "SEPOLIA": {"FAU": 10000000},
}
WALLET = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
#: Where the money goes when nobody says: what the key is bound to. The documentation's sample.
BOUND = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:8453#ABCD1234"
    ":0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
)
DESTINATION = re.compile(
    r"(0x[0-9A-Fa-f]{40})@eip155:([1-9][0-9]{0,19})#[0-9A-Fa-f]{8}:(0x[0-9A-Fa-f]{40})"
)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: No table of bodies is published; these are the words of the other endpoints in the spec.
ERRORS = {
    "401": (401, "Unauthorized"),
    "500": (500, "Internal server error"),
    "502": (502, "Bad Gateway"),
    "503": (503, "Service Unavailable"),
}
#: HTTP status -> ``error``.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}

bp = Blueprint("request_network", __name__, url_prefix="/request_network/v2")


class Refused(Exception):
    """The API answers with an error: HTTP status, and a message or a list of problems."""

    def __init__(self, status: int, message: str | list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@bp.errorhandler(Refused)
def answer_error(error: Refused) -> tuple[dict[str, Any], int]:
    """The envelope of the spec."""
    db.session.rollback()
    return {
        "statusCode": error.status,
        "message": error.message,
        "error": TITLES[error.status],
    }, error.status


# --- The API: api-reference/secure-payments, api-features/query-requests -----------------------


@bp.post("/secure-payments")
def create_secure_payment() -> Any:
    """Make a page for one request; 201, and a new one each time. Errors: 400, 401, 403."""
    _authenticate()
    fault = faults.take_create_fault()
    if fault == "timeout_before":
        faults.hang()
        raise Refused(*ERRORS["503"])
    if fault in ERRORS:
        raise Refused(*ERRORS[fault])
    if fault == "html":
        return "<!doctype html><title>Request Network</title><p>We are back soon."

    payment = _create(_checked_payload())
    token = payment.details["token"]
    page = f"{settings().sandbox_url}/request_network/?token={token}"
    if fault == "timeout_after":
        faults.hang()
    elif fault == "foreign_redirect":
        page = f"https://pay.example.invalid/?token={token}"
    elif fault == "early_webhook":
        for delivery in receive(payment, direct(payment, payment.amount)):
            deliveries.send_now(delivery)
    return {
        "requestIds": [payment.reference],
        "securePaymentUrl": page,
        "token": token,
        "feePlan": None,
    }, 201


@bp.get("/secure-payments/<token>")
def show_secure_payment(token: str) -> Any:
    """What the page shows; ``?wallet=`` adds what it can be paid with.

    Errors: 401, 403 expired, 404, 409 completed.
    """
    _authenticate()
    payment = by_token(token) or _not_found("Token not found")
    if closed := _closed(payment):
        return closed
    details = payment.details
    reply = {
        "paymentType": "single",
        "payee": details["payee"],
        "network": details["network"],
        "amount": details["amount"],
        "paymentCurrency": f"{details['coin']}-{details['network']}",
        "isNativeCurrency": False,
        "status": "pending",
        "destination": {
            "destinationId": details["destination"],
            "payeeAddress": details["destination"].rpartition(":")[0],
            "tokenAddress": details["destination"].rpartition(":")[2],
            "walletAddress": details["payee"],
            "network": details["network"],
        },
        "reference": payment.external_id,
        "requestIds": [payment.reference],
        "redirectUrl": payment.return_url or None,
        "redirectLabel": details["label"],
        "branding": None,
        "feePlan": None,
    }
    if request.args.get("wallet"):
        needed = missing(payment)
        reply["paymentOptions"] = {
            chain: {
                coin: {
                    "balance": decimal(balance),
                    "hasEnoughBalance": balance >= needed,
                    "neededAmount": decimal(needed),
                }
                for coin, balance in coins.items()
            }
            for chain, coins in ways(payment).items()
        }
    return reply


@bp.get("/secure-payments/<token>/pay")
def show_transactions(token: str) -> Any:
    """What the wallet is to sign: an approval, then the payment; the data is made up.

    Errors: 401, 403, 404, 409.
    """
    _authenticate()
    payment = by_token(token) or _not_found("Token not found")
    if closed := _closed(payment):
        return closed
    to = payment.details["destination"].rpartition(":")[2]
    return {
        "transactions": [
            {"to": to, "data": f"0x{secrets.token_hex(68)}", "value": "0x0"} for _ in range(2)
        ],
        "metadata": {
            "stepsRequired": 2,
            "needsApproval": True,
            "approvalTransactionIndex": 0,
            "paymentTransactionIndex": 1,
            "hasEnoughBalance": True,
            "hasEnoughGas": True,
        },
        "paymentType": "single",
        "feeBundle": None,
    }


@bp.post("/secure-payments/<token>/intent")
def announce_transaction(token: str) -> Any:
    """The page says which transaction it sent; nothing is paid by that.

    Errors: 400, 401, 403, 404, 409.
    """
    _authenticate()
    payment = by_token(token) or _not_found("Token not found")
    if closed := _closed(payment):
        return closed
    given = _payload()
    problems = [
        _problem([name], "Required")
        for name in ("chain", "token")
        if not isinstance(given.get(name), str)
    ]
    if not re.fullmatch(r"0x[0-9A-Fa-f]{64}", str(given.get("txHash"))):
        problems.append(_problem(["txHash"], "Invalid transaction hash"))
    if problems:
        raise Refused(400, problems)
    return {
        "intentId": ulid(),
        "paymentReference": payment.details["paymentReference"],
        "txHash": given["txHash"],
        "isListening": True,
    }


@bp.get("/request/<reference>")
def show_request(reference: str) -> dict[str, Any]:
    """The state of one request. Errors: 401, 404."""
    _authenticate()
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    if payment is None:
        _not_found("Request not found")
    details, received = payment.details, payment.details["payments"]
    paid = payment.status == "completed"
    reply: dict[str, Any] = {
        "hasBeenPaid": paid,
        "requestId": payment.reference,
        "paymentReference": details["paymentReference"],
        "payee": details["payee"],
        "isListening": not paid,
        "txHash": received[-1]["txHash"] if received else None,
        "requestAmount": details["amount"],
        "invoiceCurrency": details["coin"],
        "paymentCurrency": details["coin"],
        "reference": payment.external_id,
        "network": details["network"],
        "payments": [
            {
                "amount": decimal(each["cents"]),
                "sourceNetwork": each["network"],
                "destinationNetwork": details["network"],
                "sourceTxHash": each["txHash"],
                "payerAddress": WALLET,
                "timestamp": each["timestamp"],
                "type": "direct" if each["network"] == details["network"] else "crosschain",
                "currency": details["coin"],
            }
            for each in received
        ],
        "conversionBreakdown": None,
    }
    if len(received) > 1 or (received and not paid):
        reply["conversionBreakdown"] = {
            "paidAmount": decimal(total(payment)),
            "remainingAmount": decimal(missing(payment)),
        }
    if received and not paid:
        reply["status"] = "partially_paid"
    return reply


# --- What a request must be --------------------------------------------------------------------


def _authenticate() -> None:
    """``x-api-key``, or ``x-client-id`` where one is configured."""
    key = settings().request_network_api_key.get_secret_value()
    for name, expected in (
        ("x-api-key", key),
        ("x-client-id", settings().request_network_client_id),
    ):
        given = request.headers.get(name, "").encode("utf-8", "surrogatepass")
        if expected and hmac.compare_digest(given, expected.encode()):
            return
    raise Refused(*ERRORS["401"])


def _payload() -> dict[str, Any]:
    """The JSON object that was sent, whatever its content type."""
    try:
        data = json.loads(request.get_data(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "Request body is not valid JSON") from None
    if not isinstance(data, dict):
        raise Refused(400, [_problem([], "Expected object")])
    return data


def _checked_payload() -> dict[str, Any]:
    """The body of a create call, or all that breaks a rule."""
    payload = _payload()
    problems = [
        _problem([name], words)
        for name, rule in CREATE.items()
        if name in payload and (words := rule(payload[name]))
    ]
    problems += [_problem([name], "Unrecognized key") for name in payload if name not in CREATE]
    if "requests" not in payload:
        problems.append(_problem(["requests"], "Required"))
    elif isinstance(payload["requests"], list):
        for number, each in enumerate(payload["requests"]):
            problems += _request_problems(["requests", number], each)
    if problems:
        raise Refused(400, problems)
    if "redirectLabel" in payload and "redirectUrl" not in payload:
        raise Refused(400, "redirectLabel cannot be provided without redirectUrl")
    if len(payload["requests"]) > 1:
        raise Refused(400, "Batch payments are not imitated by this sandbox")
    return payload


def _request_problems(path: list[str | int], value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return [_problem(path, "Expected object")]
    problems = [
        _problem([*path, name], "Unrecognized key")
        for name in value
        if name not in ("amount", "destinationId")
    ]
    if words := _amount(value.get("amount")):
        problems.append(_problem([*path, "amount"], words))
    destination = value.get("destinationId", BOUND)
    if not isinstance(destination, str) or not DESTINATION.fullmatch(destination):
        problems.append(_problem([*path, "destinationId"], "Invalid destination ID format"))
    return problems


def _amount(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", value):
        return "Amount must be a decimal string"
    return "" if 0 < minor(value) <= MAX_AMOUNT else "Amount must be greater than 0"


def _text(value: Any) -> str:
    fits = isinstance(value, str) and 1 <= len(value) <= 255
    return "" if fits else "String must contain 1 to 255 character(s)"


def _label(value: Any) -> str:
    return _text(value) or ("Invalid" if re.search(r"[<>&\"'`]", value) else "")


def _address(value: Any) -> str:
    try:
        fits = (
            isinstance(value, str)
            and re.fullmatch(r"https?://[^<>\"'`\s]{1,2000}", value)
            and urlsplit(value).hostname
        )
    except ValueError:
        fits = None
    return "" if fits else "redirectUrl must be a safe http(s) URL with no script/HTML payload"


#: A field -> what is wrong with its value, if anything (api-reference/secure-payments).
CREATE: dict[str, Callable[[Any], str]] = {
    "requests": lambda value: "" if isinstance(value, list) and value else "Expected array",
    "reference": _text,
    "payerIdentifier": _text,
    "redirectUrl": _address,
    "redirectLabel": _label,
}


def _problem(path: list[str | int], message: str) -> dict[str, Any]:
    return {"code": "custom", "path": path, "message": message}


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _not_found(message: str) -> NoReturn:
    raise Refused(404, message)


# --- A payment: made, shown, paid --------------------------------------------------------------


def _create(payload: dict[str, Any]) -> Payment:
    (wanted,) = payload["requests"]
    configured = settings().request_network_destination_id or BOUND
    found = DESTINATION.fullmatch(configured)
    destination = wanted.get("destinationId", configured)
    if found is None or int(found[2]) not in CHAINS:
        raise Refused(400, "No active payment destination")
    if destination != configured:
        raise Refused(403, "Destination does not match the configured payment destination.")
    network, chain = CHAINS[int(found[2])]
    coin = TOKENS.get((network, found[3].lower()))
    if coin is None:
        raise Refused(400, "Unsupported payment currency")
    ends = clock.now() + LIFETIME
    payment = Payment(
        provider=NAME,
        reference=f"01{secrets.token_hex(32)}",
        external_id=payload.get("reference"),
        amount=minor(wanted["amount"]),
        currency="USD",
        status="pending",
        return_url=payload.get("redirectUrl", ""),
        created_at=clock.timestamp(),
        timer=ends,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        details={
            "token": ulid(),
            "paymentReference": f"0x{secrets.token_hex(8)}",
            "amount": wanted["amount"],
            "label": payload.get("redirectLabel"),
            "destination": destination,
            "payee": found[1],
            "network": network,
            "chain": chain,
            "coin": coin,
            "ends": ends,
            "connected": False,  # a wallet, on the page
            "approved": None,  # what the wallet may pay next
            "coming": None,  # what it has paid, but is not confirmed
            "failed": False,  # whether that was lost at a bridge
            "payments": [],
        },
    )
    db.session.add(payment)
    commit()
    return payment


def by_token(token: str) -> Payment | None:
    """The payment of a page."""
    return db.session.scalar(
        select(Payment).where(
            Payment.provider == NAME, Payment.details["token"].as_string() == token
        )
    )


def _closed(payment: Payment) -> tuple[dict[str, Any], int] | None:
    """The answer 409 of a page that is paid.

    :raise Refused: it has expired.
    """
    if payment.status == "expired":
        raise Refused(403, "Secure payment has expired")
    if payment.status != "completed":
        return None
    return {
        "message": "Secure payment has already been completed",
        "status": "completed",
        "branding": None,
        "requestStatuses": [
            {
                "requestId": payment.reference,
                "hasBeenPaid": True,
                "txHash": payment.details["payments"][-1]["txHash"],
            }
        ],
    }, 409


def ways(payment: Payment) -> dict[str, dict[str, int]]:
    """What the wallet can pay with: any chain, but on Sepolia only what the destination takes."""
    chain, coin = payment.details["chain"], payment.details["coin"]
    if chain == "SEPOLIA":
        return {chain: {coin: BALANCES[chain][coin]}}
    return {each: BALANCES[each] for each in BALANCES if each != "SEPOLIA"}


def minor(amount: str) -> int:
    """``"49.9"`` is 4990."""
    return int(Decimal(amount).scaleb(2))


def decimal(cents: int) -> str:
    """Minor units as webhooks write them: 4990 is ``"49.9"``, 5000 is ``"50.0"``."""
    text = f"{Decimal(cents).scaleb(-2):.2f}"
    return text.removesuffix("0")


def total(payment: Payment) -> int:
    """Minor units that were received."""
    return sum(each["cents"] for each in payment.details["payments"])


def missing(payment: Payment) -> int:
    """Minor units that are still to be paid."""
    return payment.amount - total(payment)


def direct(payment: Payment, cents: int) -> dict[str, Any]:
    """A payment in the destination's own coin, as :func:`receive` takes it."""
    details = payment.details
    return transfer(details["chain"], details["coin"], cents)


def transfer(chain: str, coin: str, cents: int, settles: str = "now") -> dict[str, Any]:
    """What a wallet pays. ``settles``: ``now``, ``later``, or ``never`` (the bridge fails)."""
    network = next(network for network, option in CHAINS.values() if option == chain)
    return {
        "chain": chain,
        "coin": coin,
        "network": network,
        "cents": cents,
        "settles": settles,
        "txHash": f"0x{secrets.token_hex(32)}",
        "timestamp": clock.timestamp(),
    }


def receive(payment: Payment, paid: dict[str, Any]) -> list[Delivery]:
    """Money arrives, or its bridge fails: tell the shop. The caller commits."""
    details, expired = payment.details, payment.status == "expired"
    details["coming"], payment.timer = None, None if expired else details["ends"]
    details["failed"] = paid["settles"] == "never"
    if details["failed"]:
        return notify(payment, "payment.failed", paid)
    details["payments"] = [*details["payments"], paid]
    if missing(payment) > 0:
        payment.status = "expired" if expired else "partially_paid"
        return notify(payment, "payment.partial", paid)
    payment.status, payment.timer = "completed", None
    times = 2 if payment.fault == "pay_twice" else 1
    return [each for _ in range(times) for each in notify(payment, "payment.confirmed", paid)]


def expire(payment: Payment) -> None:
    """The page can no longer be paid, and nobody is told. The caller commits."""
    payment.status, payment.timer = "expired", None


def timer_rang(payment: Payment) -> None:
    """Money that was on its way arrives, or the page has reached its end."""
    if payment.details["coming"]:
        receive(payment, payment.details["coming"])
    else:
        expire(payment)


# --- The webhooks: api-reference/webhooks ------------------------------------------------------


def notify(payment: Payment, event: str, paid: dict[str, Any]) -> list[Delivery]:
    """Store a webhook about a payment as it is now."""
    text = json.dumps(_event(payment, event, paid), ensure_ascii=False, separators=(",", ":"))
    body = text.encode("utf-8", "replace")  # JSON can name characters that UTF-8 cannot write
    secret = settings().request_network_webhook_secret.get_secret_value().split(",")[0].strip()
    signature = sign(body, secret)
    if payment.delivery_fault == "tamper":
        body = body.replace(b'"event":', b'"event": ', 1)
    return deliveries.enqueue(
        payment,
        event,
        url=settings().request_network_webhook_url,
        headers={
            "Content-Type": "application/json",
            "x-request-network-signature": signature,
            "x-request-network-delivery": ulid(),
            "x-request-network-retry-count": "0",
        },
        body=body,
        retry_after=RETRY_AFTER,
        last_word=event == "payment.confirmed",
    )


def sign(body: bytes, secret: str) -> str:
    """Lower-case hex of HMAC-SHA256 over the raw body; the secret is a text (webhooks)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _event(payment: Payment, event: str, paid: dict[str, Any]) -> dict[str, Any]:
    """The flat body; amounts are decimals of the coin."""
    details = payment.details
    about = {
        "event": event,
        "requestId": payment.reference,
        "requestID": payment.reference,
        "paymentReference": details["paymentReference"],
    }
    if event == "payment.failed":
        return about | {"subStatus": "", "paymentProcessor": "request-network"}
    amount, sum_paid, coin = paid["cents"], total(payment), details["coin"]
    if payment.delivery_fault == "wrong_amount":
        amount = sum_paid = 1
    elif payment.delivery_fault == "wrong_currency":
        coin = "WETH"
    about |= {
        "explorer": f"https://scan.request.network/request/{payment.reference}",
        "amount": decimal(amount),
        "totalAmountPaid": decimal(sum_paid),
        "expectedAmount": decimal(payment.amount),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "txHash": paid["txHash"],
        "payerAddress": WALLET,
        "payerEoaAddress": None,
        "network": details["network"],
        "currency": coin,
        "paymentCurrency": coin,
        "isCryptoToFiat": False,
        "subStatus": "",
        "paymentProcessor": "request-network",
        "fees": [],
    }
    if payment.delivery_fault == "replay_other_order":
        about["reference"] = _other_external_id(payment)
    return about


def _other_external_id(payment: Payment) -> str | None:
    """Of the newest other payment that is still open; failing that, of any other."""
    open_first = Payment.status.in_(("pending", "partially_paid")).desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == NAME, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return other.external_id if other else payment.external_id


def ulid() -> str:
    """26 of Crockford's letters: 48 bits of real milliseconds, then 80 of chance."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))
