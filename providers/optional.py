"""What only some providers offer, and when the shop calls it.

A provider that offers one of these re-exports its functions in the folder's ``__init__.py``; the
shop finds them by ``isinstance(module, Refunds)`` and the like.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from .contract import Checkout, News, PaymentRequest, Rejected, Unreachable, Urls
from .text import printable, usable_id

# ------------------------------------------------------------------ what the browser brings back


@dataclass(frozen=True)
class Hint:
    """What a browser brought back: a reason to ask the provider, never a proof.

    ``status`` is "canceled" or "failed" when it says so: a reason to offer another try, no more.
    After "failed" the page is of no further use; after "canceled" it can be gone back to.
    """

    word: str = ""
    status: str | None = None


@runtime_checkable
class ReadsReturns(Protocol):
    """The provider appends something to the return address; some sign it."""

    def read_return(
        self, account: Any, payment: PaymentRequest, args: Mapping[str, str]
    ) -> News | Hint:
        """Called when the shopper's browser is back, with the query string.

        A hint, or proof where the provider signs its returns.
        """


# ------------------------------------------------------------------ what a delivery must not keep


@runtime_checkable
class HidesSecrets(Protocol):
    """The provider's deliveries hold a secret or a signature in the body."""

    def keep_body(self, account: Any, body: bytes) -> str:
        """Called before a verified delivery is stored: its body as text, without secrets."""


# ------------------------------------------------------------------ a page that was made before


@runtime_checkable
class Resumes(Protocol):
    """A page that was made before can be asked about, or brought up to date."""

    def resume_checkout(
        self, account: Any, payment: PaymentRequest, urls: Urls
    ) -> Literal["open", "closed", "done"]:
        """Called before a shopper is sent to the same page again.

        "closed": it takes no money any more, make another. "done": it was paid, or is being paid;
        the shopper must not pay again before the provider was asked.

        :raise ProviderError: not known; the page may well be open.
        """


@runtime_checkable
class Cancels(Protocol):
    """A page can be closed, so that no shopper pays on it by mistake."""

    def cancel(self, account: Any, payment: PaymentRequest) -> None:
        """Called when the shopper pays another way, or has paid: close the page that was named.

        :raise Rejected: too late, or unknown there. Paid money is still news.
        :raise Unreachable: not known whether it is closed.
        """


# ------------------------------------------------------------------ refunds


@dataclass(frozen=True)
class RefundRequest:
    """Money to refund. ``reference`` is ours, and the same on every retry.

    ``refunded_before`` is what had been refunded when this refund was asked for: a provider that
    knows no idempotency key is asked for its total first, and left alone when that is higher.
    """

    reference: str
    amount: int  # minor units of the payment's currency
    refunded_before: int


@dataclass(frozen=True)
class Refunded:
    """A refund was accepted. Not ``done``: the provider's news will say how it ends."""

    provider_reference: str | None
    done: bool


def read_refund(made: Mapping[str, Any], done: str) -> Refunded:
    """A provider's refund, with its ``id`` and ``status``; ``done``: the word for success.

    :raise Rejected: it failed, or was canceled, maybe after it had succeeded.
    :raise LookupError, ValueError: id or status are missing.
    """
    word = made["status"]
    if word in ("failed", "canceled"):
        raise Rejected(printable(f"refund {word}: {made.get('failure_reason') or 'no reason'}"))
    return Refunded(usable_id(made, "id"), done=word == done)


def status_after_refunds(amount: int | None, refunded: int | None) -> str | None:
    """Where a payment that was paid stands, by what of it was refunded since; minor units.

    None where one of them is not said.
    """
    if amount is None or refunded is None:
        return None
    if refunded >= amount:
        return "refunded"
    return "partially_refunded" if refunded else "succeeded"


@runtime_checkable
class Refunds(Protocol):
    """Money can be refunded by a call; ``Capabilities.refunds`` says how much of it."""

    def refund(self, account: Any, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
        """Called when the merchant refunds, or money came that the order does not need.

        Refunds once, however often it is called with the same ``refund``.

        :raise Rejected: it will not be done; ``str(error)`` holds the provider's reason.
        :raise Unreachable: not known: call again.
        """


# ------------------------------------------------------------------ saved cards


@dataclass(frozen=True)
class CardPage:
    """Where a shopper's card is saved: a hosted page, and the provider's id of that visit."""

    transaction_id: str
    url: str


@dataclass(frozen=True)
class Card:
    """A card that the provider keeps. ``verify_by`` is set while it is not verified."""

    id: str
    label: str  # "Visa ending 1111"
    verified: bool
    verify_by: datetime | None


@runtime_checkable
class SavesCards(Protocol):
    """The provider keeps cards, for shoppers who want to type theirs once only."""

    def save_card(self, account: Any, return_url: str) -> CardPage:
        """Called when a shopper asks to save a card: ask for the page on which that is done.

        :raise ProviderError: there is none.
        """

    def read_card_return(self, account: Any, args: Mapping[str, str]) -> tuple[str, str] | None:
        """Called when the browser is back from that page: ids of the visit and the card, or None.

        Neither is proven: the visit must be one of the device's own, and the card asked for.
        """

    def verify_card(self, account: Any, card_id: str, amount: str) -> None:
        """Called with what the shopper read was debited for the check; decimal text, "0.80".

        :raise Rejected: not that amount, or too late; ``error.shopper`` says which.
        :raise Unreachable: not known.
        """

    def fetch_card(self, account: Any, card_id: str) -> Card | None:
        """Called before a card is shown or charged; None when the provider has no such card.

        :raise ProviderError: not known.
        """

    def delete_card(self, account: Any, card_id: str) -> None:
        """Called when the shopper deletes a card; one that is gone already is fine.

        :raise ProviderError: it may still be there.
        """


# ------------------------------------------------------------------ a webhook registered by a call


@dataclass(frozen=True)
class Registration:
    """An address that the provider delivers webhooks to. ``id`` is the provider's.

    ``setting`` is the shop's setting that proves these deliveries ("acme_webhook_secret"), and
    ``secret`` its value; None where the provider does not say it again.

    :raise Unreachable: the secret is no printable ASCII text, so it cannot be set.
    """

    id: str
    setting: str
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.secret is not None and not re.fullmatch(r"[!-~]{1,500}", self.secret):
            raise Unreachable("the secret of the webhook is not printable ASCII text")


@runtime_checkable
class RegistersWebhooks(Protocol):
    """The webhook's address is registered by calls, once, by a person: ``flask register-webhook``.

    They are given ``settings`` in place of an account, which may need the secret that the first
    registration returns. Each raises

    - ``SettingsError``: a key that the call needs is not set;
    - ``Rejected``: refused; ``str(error)`` holds the provider's reason;
    - ``Unreachable``: no usable answer, so it may have been done.
    """

    def find_webhooks(self, settings: Any, url: str) -> list[Registration]:
        """Called first: what is registered for this very address."""

    def register_webhook(self, settings: Any, url: str) -> Registration:
        """Called when nothing is: register the address, for all events that the shop reads."""

    def delete_webhook(self, settings: Any, webhook_id: str) -> None:
        """Called before a registration is replaced; one that is gone already is fine."""


# ------------------------------------------------------------------ charged again each month


@runtime_checkable
class Subscribes(Protocol):
    """The provider charges again by itself, every so many days, until it is told to stop.

    The first charge is made on a hosted page and is news of the payment that it was asked for.
    Each later one is news with ``News.period``, by the same two references; so is the end of it.
    Where a period is known, ``status`` and ``amount`` are those of the charge for this period.
    """

    def start_subscription(self, account: Any, payment: PaymentRequest, urls: Urls) -> Checkout:
        """Called in place of ``start_checkout`` where ``payment.every_days`` is set.

        :raise ProviderError: as there.
        """

    def fetch_subscription(self, account: Any, payment: PaymentRequest) -> list[News]:
        """Called in place of ``fetch_payment``; also when a later charge ought to have come.

        :raise ProviderError: not known.
        """

    def cancel_subscription(self, account: Any, payment: PaymentRequest) -> list[News]:
        """Called when it is to end, at once; one that has ended already is fine.

        Returns how it stood at its end.

        :raise Rejected: it was not cancelled; ``str(error)`` holds the provider's reason.
        :raise Unreachable: not known: call again.
        """
