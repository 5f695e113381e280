"""What a call must be (api-reference/secure-payments): all that breaks a rule, as Zod says it."""

import re
from collections.abc import Iterable
from typing import Any

from ..kit import MAX_AMOUNT, Refused, is_web_address, json_body, minor, settings_as
from ..kit.fields import Path, Words, in_turn, is_array, is_string, must
from .coins import CURRENCIES, DESTINATION
from .settings import RequestNetworkSettings

MAX_REQUESTS = 200  # in one link
ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")


REQUIRED = must(is_string, "Required")
TEXT = must(
    lambda it: is_string(it) and 1 <= len(it) <= 255, "String must contain 1 to 255 character(s)"
)
#: The checksum in the case of its letters is not checked.
ADDRESS_OF_EVM = must(
    lambda it: is_string(it) and ADDRESS.fullmatch(it), "Invalid Ethereum address"
)
CURRENCY = in_turn(REQUIRED, must(lambda it: it in CURRENCIES, "Unknown currency"))

#: Deprecated and ignored since the spec's 0.28; still in the prose and in clients.
FEES = {
    "feePercentage": must(
        lambda it: is_string(it) and re.fullmatch(r"100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,10})?", it),
        'feePercentage must be a number between "0" and "100"',
    ),
    "feeAddress": ADDRESS_OF_EVM,
}
BOOLEAN = must(lambda it: isinstance(it, bool), "Expected boolean")
#: Read and checked, and then not applied: the pretend wallet is any wallet.
ACCESS_POLICY = {
    "mode": ("inherit", "off", "kyt_all_wallets"),
    "screeningProvider": must(
        lambda it: it in (None, "hypernative", "merklescience"), "Invalid enum value"
    ),
    "hideUntilApproved": BOOLEAN,
    "hidePayeeAddress": BOOLEAN,
    "allowedPayerAddresses": [ADDRESS_OF_EVM, must(is_array, "Expected array")],
}

CREATE = {
    "requests!": in_turn(
        must(lambda it: it is not None, "Required"),
        must(
            lambda it: is_array(it) and 0 < len(it) <= MAX_REQUESTS,
            f"Array must contain 1 to {MAX_REQUESTS} element(s)",
        ),
    ),
    "reference": TEXT,
    "payerIdentifier": TEXT,
    "redirectUrl": must(
        lambda it: is_web_address(it, r"[^<>\"'`\s]"),
        "redirectUrl must be a safe http(s) URL with no script/HTML payload",
    ),
    "redirectLabel": in_turn(TEXT, must(lambda it: not re.search(r"[<>&\"'`]", it), "Invalid")),
    "accessPolicy": ACCESS_POLICY,
    **FEES,
}
#: One of the ``requests``.
REQUEST = {
    "amount!": in_turn(
        must(
            lambda it: is_string(it) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", it),
            "Amount must be a decimal string",
        ),
        must(lambda it: 0 < minor(it) <= MAX_AMOUNT, "Amount must be greater than 0"),
    ),
    "destinationId": must(
        lambda it: DESTINATION.fullmatch(str(it)), "Invalid destination ID format"
    ),
}
#: What stands in a request in the guide's form, in place of ``destinationId``.
GUIDE = ("payee", "invoiceCurrency", "paymentCurrency")
FOLLOWED = {
    "payee!": in_turn(REQUIRED, ADDRESS_OF_EVM),
    "invoiceCurrency!": lambda value: "" if value == "USD" else CURRENCY(value),
    "paymentCurrency!": CURRENCY,
    "destinationId": must(lambda _it: False, "payee and destinationId exclude each other"),
}
IGNORED = dict.fromkeys(GUIDE, lambda _value: "")
WORDS = Words(
    unknown="Unrecognized key",
    no_object="Expected object",
    no_choice="Invalid enum value. Expected one of {}",
)


def payload_sent() -> dict[str, Any]:
    """The JSON object that was sent, whatever its content type."""
    data: dict[str, Any] = json_body(Refused(400, "Request body is not valid JSON"))
    refuse(WORDS.problems(data, {}) if not isinstance(data, dict) else ())
    return data


def payload_like(rule: dict[str, Any]) -> dict[str, Any]:
    """The same where it is an object of these fields, and no others."""
    payload = payload_sent()
    refuse(WORDS.problems(payload, rule))
    return payload


def checked_payload() -> dict[str, Any]:
    """The body of a create call, or all that breaks a rule."""
    payload = payload_sent()
    problems = [*WORDS.problems(payload, CREATE)]
    requests = payload.get("requests")
    for number, each in enumerate(requests if isinstance(requests, list) else ()):
        problems += WORDS.problems(each, _rule_of(each), ("requests", number))
    refuse(problems)
    if "redirectLabel" in payload and "redirectUrl" not in payload:
        raise Refused(400, "redirectLabel cannot be provided without redirectUrl")
    return payload


def _rule_of(request: Any) -> dict[str, Any]:
    form = settings_as(RequestNetworkSettings).sandbox_request_network_payee_form
    names = set(request) if isinstance(request, dict) else set()
    if form == "accepted" and names & set(GUIDE):
        return REQUEST | FOLLOWED
    return REQUEST | (IGNORED if form == "ignored" else {})


def refuse(problems: Iterable[tuple[Path, str]]) -> None:
    """:raise Refused: there are any."""
    if found := [{"code": "custom", "path": [*path], "message": said} for path, said in problems]:
        raise Refused(400, found)
