"""WiPay's disputes: the payer's bank wants the money back, as webhooks and WAPI tell it.

Documentation (docs.wipayfinancial.com, read 2026-11): webhooks/payments-api,
wapi/transactions/retrieve.

================================  ===============================================================
``payment.chargeback_…``          a dispute: pending, processed (lost) or released (won)
``payment.fraud_confirmed``       a dispute that is to come: the money will be taken back
================================  ===============================================================
"""

from typing import Any, Literal

#: webhooks/payments-api: event -> what a payer's bank has done. The documentation does not say what
#: follows fraud; the bank probably takes the money back, so no goods leave before a person decides.
DISPUTES: dict[str, Literal["opened", "lost", "won"]] = {
    "payment.chargeback_pending": "opened",
    "payment.chargeback_processed": "lost",
    "payment.chargeback_released": "won",
    "payment.fraud_confirmed": "opened",
}
#: wapi/transactions/retrieve shows a success whose money went back with another ``status_desc``
#: than "Normal". Its words are not listed; these are the events', in small letters.
STATES: dict[str, Literal["opened", "lost", "won"]] = {
    "chargeback pending": "opened",
    "chargeback processed": "lost",
    "chargeback released": "won",
}
REFUNDED = "refunded"


def read_state(
    data: dict[str, Any], status: str | None
) -> tuple[str | None, Literal["opened", "lost", "won"] | None]:
    """Status and dispute of a transaction that WAPI shows, by its ``status_desc``."""
    if status != "succeeded":
        return status, None
    state = str(data.get("status_desc")).casefold()
    return "refunded" if state == REFUNDED else status, STATES.get(state)
