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
from sqlalchemy import exists, func, select

from . import clock, deliveries, faults
from .background import commit
from .models import Delivery, Payment, control, db
from .old import settings

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
    "No payouts, fee plans or access policies; Tron is not imitated. Unknown fields are refused. "
    "A Client ID is of the kind for a backend: no Origin is asked for.",
    "requestIds are in the order of requests. All requests of a link go to one destination; what a "
    "wallet pays fills them one after the other, by one transaction, and each is told by a webhook "
    "of its own.",
    "A Safe wallet's payment comes through at its owners' first signing, after the time of the "
    "fault “delay”; meanwhile the page is answered 423, and an ordinary payment on its way 200.",
    "Two calls with equal bodies make two requests: there is no idempotency key.",
    "The checksum inside a destination is not checked, since most of the documented samples are "
    "made up.",
    "Nothing is appended to redirectUrl.",
    "A wallet may pay in parts, each told as payment.partial until the sum is complete. A bridge "
    "between chains may fail, told as payment.failed, and the page can still be paid. A sum that "
    "is above what is missing is refused.",
    "A transaction that falls out of the chain in a reorganisation is told as payment.failed, and "
    "GET /v2/request/<id> knows nothing of it any more; the page can be paid once more.",
    "A page that expires while money is on its way is still paid by it. Expiry is told to nobody.",
    "Webhooks carry both requestId and requestID, and not the merchant's reference. A repetition "
    "keeps its delivery id, and so does a webhook that is sent again by hand.",
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
#: Coins whose id differs from their symbol: “native” USDC, where the bridged one was first.
NATIVE = {("USDC", "optimism"): "USDCn", ("USDC", "matic"): "USDCn"}
WALLET = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
SAFE_HOURS = 24  # that a Safe's owners have to sign; an assumption
MAX_REQUESTS = 200  # in one link
#: Where the money goes when nobody says: what the key is bound to. The documentation's sample.
BOUND = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:8453#ABCD1234"
    ":0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
)
DESTINATION = re.compile(
    r"(0x[0-9A-Fa-f]{40})@eip155:([1-9][0-9]{0,19})#[0-9A-Fa-f]{8}:(0x[0-9A-Fa-f]{40})"
)
ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
#: The fields of a request in the guide's form, in place of ``destinationId``.
GUIDE = ("payee", "invoiceCurrency", "paymentCurrency")
REQUEST = ("amount", "destinationId", *GUIDE)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: No table of bodies is published; these are the words of the other endpoints in the spec.
ERRORS = {
    "401": (401, "Unauthorized"),
    "500": (500, "Internal server error"),
    "502": (502, "Bad Gateway"),
    "503": (503, "Service Unavailable"),
}
#: The fields of a webhook that hold an amount.
AMOUNTS = ("amount", "totalAmountPaid", "expectedAmount")
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
    """Make a page for one request or several; 201, and a new one each time.

    Errors: 400, 401, 403.
    """
    _authenticate("x-client-id", "x-api-key")
    fault = faults.strike_create(TITLE, ERRORS, Refused)
    payment = _create(_checked_payload())
    token = payment.details["token"]
    page = f"{settings().sandbox_url}/request_network/?token={token}"
    if fault == "foreign_redirect":
        page = f"{faults.FOREIGN_PAGE}/?token={token}"
    faults.finish_create(fault, lambda: receive(payment, direct(payment, payment.amount)))
    return {
        "requestIds": [each["id"] for each in payment.details["requests"]],
        "securePaymentUrl": page,
        "token": token,
        "feePlan": None,
    }, 201


@bp.get("/secure-payments/<token>")
def show_secure_payment(token: str) -> Any:
    """What the page shows; ``?wallet=`` adds what it can be paid with.

    Errors: 401, 403 expired, 404, 409 completed, 423 a Safe's owners are signing.
    """
    _authenticate(*_page_keys())
    payment = by_token(token) or _not_found("Token not found")
    if closed := _closed(payment) or _being_signed(payment):
        return closed
    details = payment.details
    destination = details["destination"] and {
        "destinationId": details["destination"],
        "payeeAddress": details["destination"].rpartition(":")[0],
        "tokenAddress": details["tokenAddress"],
        "walletAddress": details["payee"],
        "network": details["network"],
    }
    amounts = [each["amount"] for each in details["requests"]]
    currency, count = currency_id(details["coin"], details["network"]), len(amounts)
    if count == 1:
        reply = {
            "paymentType": "single",
            "payee": details["payee"],
            "network": details["network"],
            "amount": amounts[0],
            "paymentCurrency": currency,
            "isNativeCurrency": False,
            "status": "pending",
            "destination": destination,
        }
    else:
        reply = {
            "paymentType": "batch",
            "payees": [details["payee"]] * count,
            "network": details["network"],
            "amounts": amounts,
            "paymentCurrencies": [currency] * count,
            "isNativeCurrency": [False] * count,
            "status": "pending",
            "destinations": [destination] * count,
        }
    reply |= {
        "reference": payment.external_id,
        "requestIds": [each["id"] for each in details["requests"]],
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

    Errors: 401, 403, 404, 409, 423.
    """
    _authenticate(*_page_keys())
    payment = by_token(token) or _not_found("Token not found")
    if closed := _closed(payment) or _being_signed(payment):
        return closed
    approval, transfer_ = (
        {
            "to": payment.details["tokenAddress"],
            "data": f"0x{secrets.token_hex(68)}",
            "value": "0x0",
        }
        for _ in range(2)
    )
    if len(payment.details["requests"]) > 1:
        return {
            "ERC20ApprovalTransactions": [approval],
            "batchPaymentTransaction": transfer_,
            "metadata": {"hasEnoughBalance": True, "hasEnoughGas": True},
            "paymentType": "batch",
            "feeBundle": None,
        }
    return {
        "transactions": [approval, transfer_],
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
    _authenticate(*_page_keys())
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
        "paymentReference": payment.details["requests"][0]["paymentReference"],
        "txHash": given["txHash"],
        "isListening": True,
    }


@bp.get("/request/<reference>")
def show_request(reference: str) -> dict[str, Any]:
    """The state of one request. Errors: 401, 404."""
    _authenticate("x-client-id", "x-api-key")
    payment, wanted = _request(reference)
    details, received = payment.details, wanted["payments"]
    paid = left(wanted) == 0
    reply: dict[str, Any] = {
        "hasBeenPaid": paid,
        "requestId": wanted["id"],
        "paymentReference": wanted["paymentReference"],
        "payee": details["payee"],
        "isListening": not paid,
        "txHash": received[-1]["txHash"] if received else None,
        "requestAmount": wanted["amount"],
        "invoiceCurrency": details["invoiceCurrency"],
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
            "paidAmount": decimal(wanted["cents"] - left(wanted)),
            "remainingAmount": decimal(left(wanted)),
        }
    if received and not paid:
        reply["status"] = "partially_paid"
    return reply


def _request(reference: str) -> tuple[Payment, dict[str, Any]]:
    """One of the requests that a link collects, whose first is the payment's own reference.

    :raise Refused: unknown.
    """
    ours = select(Payment).where(Payment.provider == NAME)
    requests = func.json_each(Payment.details, "$.requests").table_valued("value")
    among = exists().where(func.json_extract(requests.c.value, "$.id") == reference)
    payment = db.session.scalar(ours.where(Payment.reference == reference))  # by the index
    if payment is None:
        payment = db.session.scalar(ours.where(among))
    if payment is None:
        _not_found("Request not found")
    (found,) = (each for each in payment.details["requests"] if each["id"] == reference)
    return payment, found


# --- What a request must be --------------------------------------------------------------------


def _authenticate(*names: str) -> None:
    """One of these headers holds the key or Client ID that is configured."""
    expected = {
        "x-api-key": settings().request_network_api_key.get_secret_value(),
        "x-client-id": settings().request_network_client_id,
    }
    for name in names:
        given = request.headers.get(name, "").encode("utf-8", "surrogatepass")
        if expected[name] and hmac.compare_digest(given, expected[name].encode()):
            return
    raise Refused(*ERRORS["401"])


def _page_keys() -> tuple[str, ...]:
    """What the calls of the page itself take (api-reference/secure-payments)."""
    both = settings().sandbox_request_network_page_keys == "both"
    return ("x-client-id", "x-api-key") if both else ("x-client-id",)


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
    return payload


def _request_problems(path: list[str | int], value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return [_problem(path, "Expected object")]
    guide = settings().sandbox_request_network_payee_form
    known = ("amount", "destinationId") if guide == "refused" else REQUEST
    problems = [_problem([*path, name], "Unrecognized key") for name in value if name not in known]
    if words := _amount(value.get("amount")):
        problems.append(_problem([*path, "amount"], words))
    destination = value.get("destinationId", BOUND)
    if not isinstance(destination, str) or not DESTINATION.fullmatch(destination):
        problems.append(_problem([*path, "destinationId"], "Invalid destination ID format"))
    if guide == "accepted" and any(name in value for name in GUIDE):
        problems += _guide_problems(path, value)
    return problems


def _guide_problems(path: list[str | int], value: dict[str, Any]) -> list[dict[str, Any]]:
    """Of ``payee``, ``invoiceCurrency`` and ``paymentCurrency``, which go together."""
    problems = [
        _problem([*path, name], "Required")
        for name in GUIDE
        if not isinstance(value.get(name), str)
    ]
    if problems:
        return problems
    if not ADDRESS.fullmatch(value["payee"]):
        problems.append(_problem([*path, "payee"], "Invalid Ethereum address"))
    for name in ("invoiceCurrency", "paymentCurrency"):
        if value[name] not in CURRENCIES and (name, value[name]) != ("invoiceCurrency", "USD"):
            problems.append(_problem([*path, name], "Unknown currency"))
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
    "requests": lambda value: (
        ""
        if isinstance(value, list) and 0 < len(value) <= MAX_REQUESTS
        else f"Array must contain 1 to {MAX_REQUESTS} element(s)"
    ),
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
    wanted = payload["requests"]
    places = [_destination(each) for each in wanted]
    if any(place != places[0] for place in places):
        raise Refused(400, "All requests must have the same destination")
    ends = clock.now() + LIFETIME
    requests = [
        {
            "id": f"01{secrets.token_hex(32)}",
            "paymentReference": f"0x{secrets.token_hex(8)}",
            "amount": each["amount"],
            "cents": minor(each["amount"]),
            "payments": [],
        }
        for each in wanted
    ]
    payment = Payment(
        provider=NAME,
        reference=requests[0]["id"],
        external_id=payload.get("reference"),
        amount=sum(each["cents"] for each in requests),
        currency="USD",
        status="pending",
        return_url=payload.get("redirectUrl", ""),
        created_at=clock.timestamp(),
        timer=ends,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        details={
            "token": ulid(),
            "requests": requests,
            "label": payload.get("redirectLabel"),
            **places[0],
            "ends": ends,
            "connected": False,  # a wallet, on the page
            "approved": None,  # what the wallet may pay next
            "coming": None,  # what it has paid, but is not confirmed
            "failed": False,  # whether that was lost at a bridge
        },
    )
    db.session.add(payment)
    commit()
    return payment


def _destination(wanted: dict[str, Any]) -> dict[str, Any]:
    """Where the money of one request goes: ``payee``, ``network``, ``coin`` and more.

    :raise Refused: nowhere, or not where the key is bound to.
    """
    if settings().sandbox_request_network_payee_form == "accepted" and "payee" in wanted:
        network, token = CURRENCIES[wanted["paymentCurrency"]]
        return {
            "destination": None,
            "payee": wanted["payee"],
            "tokenAddress": token,
            "network": network,
            "chain": next(chain for each, chain in CHAINS.values() if each == network),
            "coin": TOKENS[network, token],
            "invoiceCurrency": wanted["invoiceCurrency"].partition("-")[0],
        }
    configured = settings().request_network_destination_id or BOUND
    found = DESTINATION.fullmatch(configured)
    if found is None or int(found[2]) not in CHAINS:
        raise Refused(400, "No active payment destination")
    if wanted.get("destinationId", configured) != configured:
        raise Refused(403, "Destination does not match the configured payment destination.")
    network, chain = CHAINS[int(found[2])]
    coin = TOKENS.get((network, found[3].lower()))
    if coin is None:
        raise Refused(400, "Unsupported payment currency")
    return {
        "destination": configured,
        "payee": found[1],
        "tokenAddress": found[3],
        "network": network,
        "chain": chain,
        "coin": coin,
        "invoiceCurrency": coin,
    }


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
                "requestId": each["id"],
                "hasBeenPaid": True,
                "txHash": each["payments"][-1]["txHash"],
            }
            for each in payment.details["requests"]
        ],
    }, 409


def _being_signed(payment: Payment) -> tuple[dict[str, Any], int] | None:
    """The answer 423 of a page that a Safe wallet is paying, whose owners have yet to sign."""
    coming = payment.details["coming"]
    if not coming or coming["settles"] != "safe":
        return None
    return {
        "message": "Secure payment is in progress",
        "status": "pending",
        "branding": None,
        "requestStatuses": [
            {
                "requestId": each["id"],
                "hasBeenPaid": left(each) == 0,
                "safeTxHash": coming["txHash"],
                "chainId": next(
                    number for number, found in CHAINS.items() if found[1] == coming["chain"]
                ),
                "safePaymentDeadline": coming["deadline"],
            }
            for each in payment.details["requests"]
        ],
    }, 423


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


def currency_id(coin: str, network: str) -> str:
    """``"USDC", "base"`` is "USDC-base"."""
    return f"{NATIVE.get((coin, network), coin)}-{network}"


#: Id of a coin -> its network and token.
CURRENCIES = {currency_id(TOKENS[place], place[0]): place for place in TOKENS}


def left(wanted: dict[str, Any]) -> int:
    """Minor units that are still to be paid of one request."""
    cents: int = wanted["cents"] - sum(each["cents"] for each in wanted["payments"])
    return cents


def missing(payment: Payment) -> int:
    """Minor units that are still to be paid of all."""
    return sum(left(each) for each in payment.details["requests"])


def direct(payment: Payment, cents: int) -> dict[str, Any]:
    """A payment in the destination's own coin, as :func:`receive` takes it."""
    details = payment.details
    return transfer(details["chain"], details["coin"], cents)


def transfer(chain: str, coin: str, cents: int, settles: str = "now") -> dict[str, Any]:
    """What a wallet pays.

    ``settles``: ``now``, ``later``, ``safe`` (later, when a Safe's owners have signed), or
    ``never`` (the bridge fails).
    """
    network = next(network for network, option in CHAINS.values() if option == chain)
    return {
        "chain": chain,
        "coin": coin,
        "network": network,
        "cents": cents,
        "settles": settles,
        "txHash": f"0x{secrets.token_hex(32)}",
        "timestamp": clock.timestamp(),
        "deadline": int(time.time()) + SAFE_HOURS * 3600,
    }


def receive(payment: Payment, paid: dict[str, Any]) -> list[Delivery]:
    """Money arrives, or its bridge fails: tell the shop. The caller commits."""
    details, expired = payment.details, payment.status == "expired"
    details["coming"], payment.timer = None, None if expired else details["ends"]
    details["failed"] = paid["settles"] == "never"
    shares = _shares(payment, paid["cents"])
    if details["failed"]:
        return [each for index in shares for each in notify(payment, index, "payment.failed")]
    details["requests"] = [
        wanted | {"payments": [*wanted["payments"], paid | {"cents": shares[index]}]}
        if index in shares
        else wanted
        for index, wanted in enumerate(details["requests"])
    ]
    if missing(payment) > 0:
        payment.status = "expired" if expired else "partially_paid"
    else:
        payment.status, payment.timer = "completed", None
    news = []
    for index in shares:
        full = left(details["requests"][index]) == 0
        times = 2 if full and payment.fault == "pay_twice" else 1
        news += [(index, "payment.confirmed" if full else "payment.partial")] * times
    return [
        delivery
        for number, (index, event) in enumerate(news, 1)
        for delivery in notify(
            payment, index, event, payment.status == "completed" and number == len(news)
        )
    ]


def _shares(payment: Payment, cents: int) -> dict[int, int]:
    """How a sum fills the requests, one after the other: index -> minor units."""
    shares = {}
    for index, wanted in enumerate(payment.details["requests"]):
        if share := min(cents, left(wanted)):
            shares[index] = share
            cents -= share
    return shares


def expire(payment: Payment) -> None:
    """The page can no longer be paid, and nobody is told. The caller commits."""
    payment.status, payment.timer = "expired", None


def timer_rang(payment: Payment) -> None:
    """Money that was on its way arrives, or the page has reached its end."""
    if payment.details["coming"]:
        receive(payment, payment.details["coming"])
    else:
        expire(payment)


def taken(payment: Payment) -> int:
    """Minor units that were taken, whatever was given back since."""
    voided: int = payment.details.get("voided", 0)
    return payment.amount - missing(payment) + voided


# --- The webhooks: api-reference/webhooks ------------------------------------------------------


def notify(payment: Payment, index: int, event: str, last_word: bool = False) -> list[Delivery]:
    """Store a webhook about one request as it is now.

    ``last_word``: nothing is left to be told about the payment.
    """
    said = faults.spoil_amounts(payment.delivery_fault, _event(payment, index, event), AMOUNTS)
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
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
        last_word=last_word,
        goes_back=event == "payment.failed",
    )


def sign(body: bytes, secret: str) -> str:
    """Lower-case hex of HMAC-SHA256 over the raw body; the secret is a text (webhooks)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _event(payment: Payment, index: int, event: str) -> dict[str, Any]:
    """The flat body; amounts are decimals of the coin."""
    details, wanted = payment.details, payment.details["requests"][index]
    about = {
        "event": event,
        "requestId": wanted["id"],
        "requestID": wanted["id"],
        "paymentReference": wanted["paymentReference"],
    }
    if event == "payment.failed":
        return about | {"subStatus": "", "paymentProcessor": "request-network"}
    paid, coin = wanted["payments"][-1], details["coin"]
    amount, sum_paid = paid["cents"], wanted["cents"] - left(wanted)
    if payment.delivery_fault == "wrong_amount":
        amount = sum_paid = 1
    elif payment.delivery_fault == "wrong_currency":
        coin = "WETH"
    about |= {
        "explorer": f"https://scan.request.network/request/{wanted['id']}",
        "amount": decimal(amount),
        "totalAmountPaid": decimal(sum_paid),
        "expectedAmount": decimal(wanted["cents"]),
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
