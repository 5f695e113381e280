"""HitPay's QR code: drawn on our page, scanned with a bank's app (PayNow, in SGD).

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): guide/embedded-qr-code-payments.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ..contract import Method, Qr, Unreachable
from .api import Account

PAYNOW = "paynow_online"
QR = Method(
    key="qr",
    label="PayNow",
    takes="PayNow by QR code",
    note="Scan with your bank’s app",
    currencies=("SGD",),
    mark="code",
)

MAX_QR = 2000  # bytes; a QR code holds no more than 2,953

SINGAPORE = timezone(timedelta(hours=8))  # HitPay's times without an offset are Singapore's


def methods(account: Account) -> tuple[Method, ...]:
    """The QR code as a choice of its own at checkout, where the account has PayNow."""
    takes_paynow = not account.payment_methods or PAYNOW in account.payment_methods
    return (QR,) if takes_paynow and "SGD" in account.currencies else ()


def end_of_code(account: Account) -> datetime:
    """When a code that is asked for now can no longer be paid, in UTC."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=account.qr_minutes)


def qr_fields(ends: datetime) -> list[tuple[str, str]]:
    """The fields that ask for a code instead of a page; a code has exactly one method."""
    return [
        ("payment_methods[]", PAYNOW),
        ("generate_qr", "true"),
        ("expiry_date", f"{ends.astimezone(SINGAPORE):%Y-%m-%d %H:%M:%S}"),
    ]


def read_qr(resource: dict[str, Any], url: str, ends: datetime) -> Qr:
    """``qr_code_data``: an object, in one example a bare string. In the test system the code is the
    address of a pretended payment. ``ends`` is what we asked for.
    """
    data = resource.get("qr_code_data")
    code = data if isinstance(data, dict) else {"qr_code": data}
    payload = code.get("qr_code") or code.get("qr_contents")
    if not isinstance(payload, str) or not payload.isprintable() or not payload:
        raise Unreachable("POST /v1/payment-requests: the answer holds no QR code")
    if payload.startswith("iVBOR") or len(payload.encode()) > MAX_QR:
        raise Unreachable("POST /v1/payment-requests: the QR code is a picture, not a text")
    try:  # the form of a time is not documented, and null was seen
        told = datetime.fromisoformat(code.get("qr_code_expiry"))  # type: ignore[arg-type]
        ends = (told if told.tzinfo else told.replace(tzinfo=SINGAPORE)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    return Qr(url, payload, ends)
