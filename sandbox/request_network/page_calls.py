"""What the real payment page asks of Request Network's API (api-reference/secure-payments)."""

from typing import Any

from flask import request

from ..kit import Refused
from ..kit.fields import Words, in_turn, is_string, must
from ..models import Payment
from . import authenticate, by_token, provider, rules
from .coins import CHAINS, currency_id, ways
from .signing import to_sign
from .transfers import CROSS_CHAIN_MORE_THAN, WALLET, decimal, left, missing


def login() -> None:
    both = provider.settings.sandbox_request_network_page_keys == "both"
    authenticate(*(("x-client-id", "x-api-key") if both else ("x-client-id",)))


#: What a page for several requests calls the lists of what each is about.
BATCH = {
    "payee": "payees",
    "amount": "amounts",
    "paymentCurrency": "paymentCurrencies",
    "destination": "destinations",
}
WORDS = Words()  # what else a caller says is taken, and changes nothing
ONE = must(is_string, "Expected string, received array")
QUERY = {
    "wallet": in_turn(ONE, rules.ADDRESS_OF_EVM),
    "chain": ONE,
    "token": ONE,
}
page_calls = provider.blueprint("page_calls", "/v2/secure-payments", login)


@page_calls.get("/<token>")
def show_secure_payment(token: str) -> Any:
    """What the page shows; ``?wallet=`` adds what it can be paid with.

    Errors: 400, 401, 403 expired, 404, 409 completed, 423 a Safe's owners are signing.
    """
    payment = payable(token)
    _asked_route(payment)
    details = payment.details
    destination = details["destination"] and {
        "destinationId": details["destination"],
        "payeeAddress": details["destination"].rpartition(":")[0],
        "tokenAddress": details["tokenAddress"],
        "walletAddress": details["payee"],
        "network": details["network"],
    }
    items = [
        {
            "payee": details["payee"],
            "amount": each["amount"],
            "paymentCurrency": currency_id(details["coin"], details["network"]),
            "isNativeCurrency": False,
            "destination": destination,
        }
        for each in details["requests"]
    ]
    if len(items) == 1:
        reply = {"paymentType": "single", **items[0]}
    else:
        lists = {BATCH.get(name, name): [each[name] for each in items] for name in items[0]}
        reply = {"paymentType": "batch", **lists}
    reply |= {
        "network": details["network"],
        "status": "pending",
        "reference": payment.external_id,
        "requestIds": [each["id"] for each in details["requests"]],
        "redirectUrl": payment.return_url or None,
        "redirectLabel": details["label"],
        "branding": None,
        "feePlan": None,
    }
    if "wallet" in request.args:
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


@page_calls.get("/<token>/pay")
def show_transactions(token: str) -> Any:
    """What the wallet is to sign: an approval, then the payment of all that is missing.

    ``?chain=&token=``: what it pays with; without them, the destination's coin on its chain.
    Errors: 400, 401, 403, 404, 409, 423.
    """
    payment = payable(token)
    chain, coin = _asked_route(payment)
    if chain != payment.details["chain"] and missing(payment) <= CROSS_CHAIN_MORE_THAN:
        raise Refused(400, "Cross-chain payments must be more than 1 USD")
    wallet = request.args.get("wallet", WALLET)
    return to_sign(payment, wallet, chain, coin, missing(payment), "chain" in request.args)


def _asked_route(payment: Payment) -> tuple[str, str]:
    """The chain and coin that the query names; if it names none, those of the destination.

    :raise Refused: 400: one without the other, or what cannot be paid with; or no wallet's address.
    """
    asked: dict[str, Any] = {
        name: each[0] if len(each) == 1 else each
        for name, each in request.args.to_dict(flat=False).items()
    }
    rules.refuse(WORDS.problems(asked, QUERY))
    named = {name: asked[name] for name in ("chain", "token") if name in asked}
    if not named:
        return payment.details["chain"], payment.details["coin"]
    return payable_with(payment, **named)


def payable_with(payment: Payment, chain: str = "", token: str = "") -> tuple[str, str]:
    """:raise Refused: 400: it is no coin on a chain that this link can be paid with."""
    if chain not in ways(payment):
        rules.refuse([(("chain",), "Unsupported chain")])
    if token not in ways(payment)[chain]:
        rules.refuse([(("token",), "Unsupported token")])
    return chain, token


def payable(token: str, while_signed: bool = False) -> Payment:
    """The payment of a page.

    :param while_signed: also when a Safe wallet is paying it, whose owners have yet to sign.
    :raise Refused: it is unknown or over, or its payment is being signed.
    """
    payment = by_token(token)
    if payment is None:
        raise Refused(404, "Token not found")
    if payment.status == "expired":
        raise Refused(403, "Secure payment has expired")
    if payment.status == "completed":
        words = "Secure payment has already been completed"
        hashes = [
            {"txHash": each["payments"][-1]["txHash"]} for each in payment.details["requests"]
        ]
        raise _told_by_request(payment, 409, words, "completed", hashes)
    coming = payment.details["coming"]
    if coming and coming["settles"] == "safe" and not while_signed:
        signed = {
            "safeTxHash": coming["safeTxHash"],
            "chainId": next(number for number in CHAINS if CHAINS[number][1] == coming["chain"]),
            "safePaymentDeadline": coming["deadline"],
        }
        words, every = "Secure payment is in progress", payment.details["requests"]
        raise _told_by_request(payment, 423, words, "pending", [signed] * len(every))
    return payment


def _told_by_request(
    payment: Payment, status: int, words: str, state: str, details: list[dict[str, Any]]
) -> Refused:
    """:param details: what is told of each request, beside whether it has been paid."""
    statuses = [
        {"requestId": each["id"], "hasBeenPaid": left(each) == 0, **more}
        for each, more in zip(payment.details["requests"], details, strict=True)
    ]
    return Refused(status, words, status=state, branding=None, requestStatuses=statuses)
