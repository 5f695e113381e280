"""What a provider must offer the shop, what it is given, and what it returns.

A provider is a folder of plain functions (see :class:`Provider`). It knows neither database nor
Flask: it takes the dataclasses below, speaks HTTP, and returns dataclasses. Amounts are integer
minor units everywhere outside a provider's own requests and replies. What only some providers offer
stands in ``optional.py``.

What it may raise, and nothing else::

    ProviderError              a call failed; ``error.shopper`` is the sentence to show
    ├── Unreachable            no usable answer: unknown whether it was done, so retry the same
    └── Rejected               understood and refused: the same request will be refused again
        └── ReferenceTaken     our reference belongs to another payment: retry with a new one
    WebhookRefused             a delivery that must change nothing; answered with 4xx
    ├── Unproven               the proof is missing, wrong or stale, or there is no secret (401)
    ├── WrongEnvironment       test news at a live shop, or the reverse (400)
    └── Malformed              correctly signed, but not as documented (400)
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Protocol

from .period import Period
from .proven import Proof

#: Our payment statuses, lowest first. News can only lift a payment, never lower it.
LADDER = (
    "created",
    "pending",
    "authorized",
    "expired",
    "canceled",
    "failed",
    "partially_paid",
    "succeeded",
    "partially_refunded",
    "refunded",
    "voided",
)


class ProviderError(Exception):
    """A provider could not do what was asked.

    ``shopper`` is a sentence for the shopper; ``str(error)`` holds the provider's exact words, for
    the log only.
    """

    shopper = "This payment page cannot be opened right now. Please try again, or pay another way."

    def __init__(self, words: str, shopper: str | None = None) -> None:
        super().__init__(words)
        self.shopper = shopper or self.shopper


class Unreachable(ProviderError):
    """No usable answer: refused, timed out, 5xx, or not what the documentation promises.

    Whether the provider did what we asked is unknown: retry with the same reference.
    """

    shopper = "The payment page does not answer right now. Nothing was charged. Please try again."


class Rejected(ProviderError):
    """The provider understood and said no; the same request will be refused again."""


class ReferenceTaken(Rejected):
    """Our reference already belongs to a different payment: a new attempt needs a new one."""


class WebhookRefused(Exception):
    """A delivery that must change nothing. ``http_status`` is what the sender is told."""

    http_status = 400


class Unproven(WebhookRefused):
    """The delivery does not prove that the provider sent it, whatever the reason."""

    http_status = 401


class WrongEnvironment(WebhookRefused):
    """Test news at a live shop, or live news at a test shop."""


class Malformed(WebhookRefused):
    """Correctly signed, but not as documented; or unreadable, where the proof stands inside."""


@dataclass(frozen=True)
class Customer:
    """Who pays. ``reference`` is the same for every order of one e-mail address."""

    reference: str
    name: str
    email: str


@dataclass(frozen=True)
class Address:
    """Where a parcel goes. ``country`` is ISO 3166-1 alpha-2; ``region`` is free text."""

    line1: str
    line2: str
    city: str
    postal_code: str
    country: str
    region: str = ""


@dataclass(frozen=True)
class Line:
    """One line of an order: what it is, and its whole price in minor units."""

    description: str
    amount: int


@dataclass(frozen=True)
class PaymentRequest:
    """One attempt to take money for one order.

    ``reference`` is ours: 16 hexadecimal digits, never reused, and the same on every retry of the
    call. ``provider_reference`` is theirs: None until they have told us. ``method`` is blank
    for the provider's page, else the key of one of its ``Capabilities.methods``, or "card:" and
    the id of a saved card.
    """

    reference: str
    provider_reference: str | None
    amount: int  # minor units
    currency: str
    description: str
    customer: Customer
    address: Address | None
    method: str = ""
    lines: tuple[Line, ...] = ()
    parts: tuple[str, ...] = ()  # their ids, where one page collects several (``Checkout.parts``)
    page_token: str | None = None  # see Checkout
    provider_state: str | None = None  # the newest of Checkout and News
    every_days: int | None = None  # charged again so often: see ``optional.Subscribes``


@dataclass(frozen=True)
class Urls:
    """Absolute addresses of the shop, made from ``BASE_URL`` and never from a request's Host."""

    return_url: str
    webhook_url: str


@dataclass(frozen=True)
class Redirect:
    """The shopper goes to ``url`` by a 303. ``qr_image``: the provider's picture of the same."""

    url: str
    qr_image: str | None = None


@dataclass(frozen=True)
class FormPost:
    """The shopper's browser posts ``fields`` to ``url``: by a button on a page of ours."""

    url: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Embed:
    """The provider's own ``script`` opens the payment over a page of ours.

    ``options`` are handed to it by ``static/js/<provider>.js``. ``url`` is the plain page, for
    when the script cannot load.
    """

    url: str
    script: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Qr:
    """The shopper scans ``payload``, drawn as a QR code on our page; ``url`` pays for it, too."""

    url: str
    payload: str
    expires_at: datetime


@dataclass(frozen=True)
class Part:
    """One of several requests that one page collects: the provider's id, and minor units."""

    provider_reference: str
    amount: int


@dataclass(frozen=True)
class Checkout:
    """A hosted page is ready: the provider's reference, and how the shopper gets there.

    ``provider_reference`` is None where the provider names the payment only when the shopper
    arrives. ``page_token`` is what ``resume_checkout`` asks about the page with.
    ``provider_state``: an opaque text without secrets, for providers that call one payment by two
    names; each later call about this payment is handed it.
    """

    provider_reference: str | None
    next_action: Redirect | FormPost | Embed | Qr
    parts: tuple[Part, ...] = ()
    page_token: str | None = None
    provider_state: str | None = None


@dataclass(frozen=True)
class News:
    """Proven news of one payment, in our words.

    ``status`` is one of :data:`LADDER`, or None for news that is kept and shown but moves nothing.
    ``amount`` is the total that the provider says was paid so far, ``refunded`` the total refunded;
    minor units of ``currency``. None means "not said": for ``amount``, that the proof is bound to
    what was asked for; for ``refunded``, all of it under "refunded" and "voided", else nothing.
    News that ought to name an amount, and does not, has no ``status`` and says ``check``.
    """

    provider_reference: str
    reference: str | None
    status: str | None
    word: str  # the provider's own
    #: Equal for retries of the same news, different for any other fact; None when we asked.
    event_key: str | None = None
    amount: int | None = None
    currency: str | None = None
    refunded: int | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    transaction_id: str | None = None  # of the money's movement; a second one is money too much
    #: A refund that was asked for will not be made: the provider's reason.
    refund_refused: str | None = None
    refund_reference: str | None = None  # ours, of that refund; None: the one that is under way
    #: The news does not say all: the provider is to be asked about this payment now.
    check: bool = False
    #: The payer's bank wants the money back: that has begun, was granted, or was turned down.
    dispute: Literal["opened", "lost", "won"] | None = None
    problem: str | None = None  # it contradicts itself: the order is held, and a person reads this
    provider_state: str | None = None  # as in Checkout; when it lifts the payment, the new one
    period: Period | None = None  # it is about a subscription: see ``optional.Subscribes``
    proof: Proof | None = None  # None: the shop made this news itself


@dataclass(frozen=True)
class Ping:
    """A delivery that proves nothing, and names a payment: the provider is to be asked about it.

    The shop answers at once, and asks by ``fetch_payment`` later.

    :raise Malformed: ``reference`` is not 1 to 100 printable ASCII characters.
    """

    reference: str  # the provider's, as in ``Checkout.provider_reference``

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[!-~]{1,100}", self.reference, re.ASCII):
            raise Malformed("no usable id")


@dataclass(frozen=True)
class Method:
    """Another way to pay with a provider, beside its page: a choice of its own at checkout."""

    key: str  # in URLs and forms
    label: str
    takes: str
    note: str
    currencies: tuple[str, ...]
    mark: Literal["card", "code", "wallet", "coin"] = "card"  # what is drawn beside it


@dataclass(frozen=True)
class Capabilities:
    """What the shop needs to know, as data. The checkout page is drawn from it."""

    name: str  # the key in URLs and settings
    label: str
    takes: str
    note: str
    currencies: tuple[str, ...]
    #: Origins (``https://host[:port]``) of the hosted pages a shopper may be sent to.
    page_origins: tuple[str, ...]
    #: Sentences for the shopper: ``News.failure_code`` -> why it failed; ``failed`` for all others.
    failed: str
    failures: Mapping[str, str] = field(default_factory=dict)
    mark: Literal["card", "code", "wallet", "coin"] = "card"  # what is drawn beside it
    methods: tuple[Method, ...] = ()
    refunds: Literal["", "full", "part"] = ""  # "" where it has none
    saves_cards: bool = False  # with this account; see ``SavesCards``
    longest_email: int | None = None  # characters; None: no limit is documented
    page_minutes: int | None = None  # that the page can be paid on; None: PAYMENT_MINUTES
    #: Silence for this long means expired; until then it is unknown. None: PAYMENT_MINUTES.
    silent_minutes: int | None = None


class Provider(Protocol):
    """The four functions of each folder, in the order of a purchase; ``account`` is its own."""

    def capabilities(self, account: Any) -> Capabilities:
        """What the shop needs to know before it asks for anything, as data."""

    def start_checkout(self, account: Any, payment: PaymentRequest, urls: Urls) -> Checkout:
        """The shopper pressed "Pay": ask for a hosted page.

        :raise ProviderError: see the tree at the head of this module for what may be retried.
        """

    def read_webhook(
        self, account: Any, headers: Mapping[str, str], body: bytes
    ) -> Sequence[News | Ping]:
        """A delivery came: verify it, then parse it. A ``Ping`` where it proves nothing.

        ``headers``: names in lower case; ``body``: the raw bytes.

        :raise WebhookRefused: the delivery must change nothing.
        """

    def fetch_payment(self, account: Any, payment: PaymentRequest) -> list[News]:
        """No delivery came, or one that does not say all: ask the provider.

        Empty where it has no such call, or has not named the payment yet.

        :raise ProviderError: no answer; the payment's status stays as it is.
        """


@dataclass(frozen=True)
class Configured:
    """A provider with the account it is used with."""

    module: Provider
    account: Any = field(repr=False)  # holds secrets

    @cached_property
    def capabilities(self) -> Capabilities:
        return self.module.capabilities(self.account)
