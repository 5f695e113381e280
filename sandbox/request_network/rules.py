"""What a call must be (api-reference/secure-payments): all that breaks a rule, as Zod says it."""

import re
from collections.abc import Callable
from typing import Any

from ..kit import MAX_AMOUNT, Refused, is_web_address, json_body, minor, settings_as
from .coins import BOUND, CURRENCIES, DESTINATION
from .settings import RequestNetworkSettings

MAX_REQUESTS = 200  # in one link
ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
#: The fields of a request in the guide's form, in place of ``destinationId``.
GUIDE = ("payee", "invoiceCurrency", "paymentCurrency")
REQUEST = ("amount", "destinationId", *GUIDE)


def payload_sent() -> dict[str, Any]:
    """The JSON object that was sent, whatever its content type."""
    data = json_body(Refused(400, "Request body is not valid JSON"))
    if not isinstance(data, dict):
        raise Refused(400, [problem([], "Expected object")])
    return data


def checked_payload() -> dict[str, Any]:
    """The body of a create call, or all that breaks a rule."""
    payload = payload_sent()
    problems = [
        problem([name], words)
        for name, rule in CREATE.items()
        if name in payload and (words := rule(payload[name]))
    ]
    problems += [problem([name], "Unrecognized key") for name in payload if name not in CREATE]
    if "requests" not in payload:
        problems.append(problem(["requests"], "Required"))
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
        return [problem(path, "Expected object")]
    guide = settings_as(RequestNetworkSettings).sandbox_request_network_payee_form
    known = ("amount", "destinationId") if guide == "refused" else REQUEST
    problems = [problem([*path, name], "Unrecognized key") for name in value if name not in known]
    if words := _amount(value.get("amount")):
        problems.append(problem([*path, "amount"], words))
    destination = value.get("destinationId", BOUND)
    if not isinstance(destination, str) or not DESTINATION.fullmatch(destination):
        problems.append(problem([*path, "destinationId"], "Invalid destination ID format"))
    if guide == "accepted" and any(name in value for name in GUIDE):
        problems += _guide_problems(path, value)
    return problems


def _guide_problems(path: list[str | int], value: dict[str, Any]) -> list[dict[str, Any]]:
    """Of ``payee``, ``invoiceCurrency`` and ``paymentCurrency``, which go together."""
    problems = [
        problem([*path, name], "Required") for name in GUIDE if not isinstance(value.get(name), str)
    ]
    if problems:
        return problems
    if not ADDRESS.fullmatch(value["payee"]):
        problems.append(problem([*path, "payee"], "Invalid Ethereum address"))
    for name in ("invoiceCurrency", "paymentCurrency"):
        if value[name] not in CURRENCIES and (name, value[name]) != ("invoiceCurrency", "USD"):
            problems.append(problem([*path, name], "Unknown currency"))
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
    fits = is_web_address(value, r"[^<>\"'`\s]")
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


def problem(path: list[str | int], message: str) -> dict[str, Any]:
    return {"code": "custom", "path": path, "message": message}
