"""What a call must be (api-reference/secure-payments): all that breaks a rule, as Zod says it."""

import re
from collections.abc import Sequence
from typing import Any

from ..kit import MAX_AMOUNT, Refused, Rule, broken, is_web_address, json_body, minor, settings_as
from .coins import CURRENCIES, DESTINATION
from .settings import RequestNetworkSettings

MAX_REQUESTS = 200  # in one link
ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
TEXT = "String must contain 1 to 255 character(s)"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 255


def _is_decimal(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", value))


CREATE: Sequence[Rule] = (
    ("requests!", lambda value: value is not None, "Required"),
    (
        "requests",
        lambda value: isinstance(value, list) and 0 < len(value) <= MAX_REQUESTS,
        f"Array must contain 1 to {MAX_REQUESTS} element(s)",
    ),
    ("reference", _is_text, TEXT),
    ("payerIdentifier", _is_text, TEXT),
    (
        "redirectUrl",
        lambda value: is_web_address(value, r"[^<>\"'`\s]"),
        "redirectUrl must be a safe http(s) URL with no script/HTML payload",
    ),
    ("redirectLabel", _is_text, TEXT),
    ("redirectLabel", lambda value: not re.search(r"[<>&\"'`]", value), "Invalid"),
)
#: One of ``requests``.
REQUEST: Sequence[Rule] = (
    ("amount!", _is_decimal, "Amount must be a decimal string"),
    ("amount", lambda value: 0 < minor(value) <= MAX_AMOUNT, "Amount must be greater than 0"),
    (
        "destinationId",
        lambda value: bool(DESTINATION.fullmatch(str(value))),
        "Invalid destination ID format",
    ),
)
#: What stands in a request in the guide's form, in place of ``destinationId``.
GUIDE: Sequence[Rule] = (
    ("payee!", _is_text, "Required"),
    ("payee", lambda value: bool(ADDRESS.fullmatch(value)), "Invalid Ethereum address"),
    ("invoiceCurrency!", _is_text, "Required"),
    ("invoiceCurrency", lambda value: value in (*CURRENCIES, "USD"), "Unknown currency"),
    ("paymentCurrency!", _is_text, "Required"),
    ("paymentCurrency", lambda value: value in CURRENCIES, "Unknown currency"),
)


def payload_sent() -> dict[str, Any]:
    """The JSON object that was sent, whatever its content type."""
    data = json_body(Refused(400, "Request body is not valid JSON"))
    if not isinstance(data, dict):
        raise Refused(400, [problem([], "Expected object")])
    return data


def checked_payload() -> dict[str, Any]:
    """The body of a create call, or all that breaks a rule."""
    payload = payload_sent()
    problems = _problems([], payload, CREATE, _fields(CREATE))
    requests = payload.get("requests")
    for number, each in enumerate(requests if isinstance(requests, list) else ()):
        problems += _request_problems(["requests", number], each)
    if problems:
        raise Refused(400, problems)
    if "redirectLabel" in payload and "redirectUrl" not in payload:
        raise Refused(400, "redirectLabel cannot be provided without redirectUrl")
    return payload


def _request_problems(path: list[str | int], value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return [problem(path, "Expected object")]
    form = settings_as(RequestNetworkSettings).sandbox_request_network_payee_form
    known = _fields(REQUEST) if form == "refused" else _fields([*REQUEST, *GUIDE])
    is_guide = form == "accepted" and bool(_fields(GUIDE) & set(value))
    return _problems(path, value, [*REQUEST, *GUIDE] if is_guide else REQUEST, known)


def _problems(
    path: list[str | int], value: dict[str, Any], rules: Sequence[Rule], known: set[str]
) -> list[dict[str, Any]]:
    unknown = {name: "Unrecognized key" for name in value if name not in known}
    found = broken(rules, value) | unknown
    return [problem([*path, name], found[name]) for name in found]


def _fields(rules: Sequence[Rule]) -> set[str]:
    return {name.rstrip("!") for name, _, _ in rules}


def problem(path: list[str | int], message: str) -> dict[str, Any]:
    return {"code": "custom", "path": path, "message": message}
