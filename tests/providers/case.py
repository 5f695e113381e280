"""What a provider's ``case.py`` says: the one place that tests, demo and soak ask about it.

``tests/providers/<name>/case.py`` holds a :data:`CASE`. From it are drawn: the contract suite, the
tables of attacks on its messages, the tests of abilities (refund, cancel, resume, save a card), the
purchase in a browser, the scenarios of ``make demo`` and what ``make soak`` does on its page.

A case is data and small functions. It imports nothing beyond ``requirements.txt``, so that
``make demo`` runs without the packages of the tests.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from providers.contract import Capabilities, Configured, Method, PaymentRequest, Provider

from .proofs import Delivery, InBody, InForm, Proof

if TYPE_CHECKING:
    from tools.demo.buyer import Buyer

#: A part of a message and what is put in its place: (b'"amount": 49.99', b'"amount": 49.98').
Swap = tuple[bytes, bytes]


@dataclass(frozen=True)
class Reply:
    """How the provider's API answers a call; ``body`` becomes JSON."""

    url: str
    body: dict[str, Any]
    status: int = 200
    method: str = "POST"


@dataclass(frozen=True)
class Message:
    """One kind of message that says ``Case.payment`` is paid in full, and proves it.

    A provider with two kinds (HitPay's form and its event) has two of these. The swaps make other
    messages of it: each is replaced in the body, which is then proven again.
    """

    #: Stands in the names of tests: the provider's name, and the kind where there are several.
    name: str
    #: Where the proof is, and with which secret of the account it is made.
    proof: Proof
    secret: str
    #: Makes the message: headers in lower case, and the raw body. Called for each use, so that
    #: a message with a time in it is fresh.
    build: Callable[[], Delivery]
    #: For the news of another payment: headers that repeat what the body says. Called with the
    #: other payment's body and reference.
    headers_of_another: Callable[[bytes, str], dict[str, str]] = lambda body, reference: {}
    #: A header that tells deliveries apart and is not signed: attackers may write what they like.
    unsigned_id_header: str = ""
    #: The field of the JSON body, at any depth, with the amount; blank when there is none.
    amount_field: str = ""
    #: Amounts that are odd elsewhere and fine here, such as '"49.999"' of a coin.
    fine_amounts: tuple[str, ...] = ()
    #: Less than was asked for; None where the message names no amount that could be compared.
    less: Swap | None = None
    #: As much, but in another currency; None as above.
    other_currency: Swap | None = None
    #: From the other system, test or live; None where messages do not say.
    other_environment: Swap | None = None
    #: Makes news that the shop has no use for, and keeps; None where there is no such event.
    of_no_use: Swap | None = None
    #: Where the body is not signed: the body, naming our reference of another payment.
    naming: Callable[[bytes, str], bytes] | None = None

    @property
    def is_json(self) -> bool:
        return not isinstance(self.proof, InForm)

    @property
    def signs(self) -> bool:
        """Whether the body is covered by the proof."""
        return not isinstance(self.proof, InBody)

    def paid(self) -> Delivery:
        """The message as the provider sends it."""
        headers, body = self.build()
        kind = "application/json" if self.is_json else "application/x-www-form-urlencoded"
        return {"content-type": kind, **headers}, body

    def sealed(self, body: bytes) -> Delivery:
        """Another body, correctly proven."""
        return self.proof.seal((self.paid()[0], body), self.secret)

    def swapped(self, swap: Swap) -> Delivery:
        """The message with a part of its body replaced, correctly proven."""
        body = self.paid()[1]
        assert swap[0] in body, swap
        return self.sealed(body.replace(*swap))

    def about(self, ours: str, reference: str) -> Delivery:
        """The same news, correctly proven, about the payment ``reference`` in place of ``ours``.

        It is another event, so the other ids in it are other ones, too.
        """
        headers, body = self.paid()
        body = body.replace(ours.encode(), reference.encode())
        kinds = r"[0-9a-f-]{36}|[0-9A-Z]{26}|[a-z]+_[0-9A-Za-z]+"
        ids = rf'"(eventId|id)": "(?!{reference}")({kinds})"'.encode()
        body = re.sub(ids, rf'"\1": "event-of-{reference}"'.encode(), body)
        headers |= self.headers_of_another(body, reference)
        return self.proof.seal((headers, body), self.secret)


@dataclass(frozen=True)
class SignedReturn:
    """For a provider that signs what it appends to the return address."""

    #: The query string that says paid; called with its reference, a total as text, and the key.
    query: Callable[[str, str, str], dict[str, str]]
    #: Which parameter is the proof.
    proof: str
    #: The payment's total and the account's key, with which the proof is right.
    total: str
    key: str


@dataclass(frozen=True)
class HostedPage:
    """What is typed and pressed on the sandbox's imitation of the provider's page.

    Names are those of the form's fields; what is not named stays as the page has it.
    """

    #: With this the payment succeeds.
    pays: dict[str, str]
    #: With this it is declined; None where nothing that is typed can make it so.
    declines: dict[str, str] | None = None
    #: With this a part of it is paid; None where a page takes all or nothing.
    pays_a_part: dict[str, str] | None = None
    #: The names of the buttons that are pressed until it is paid; each as far as it is unique.
    buttons: tuple[str, ...] = ("Pay $",)
    #: Where one form follows another: the last word of each one's address, as in "connect".
    forms: tuple[str, ...] = ()
    #: What "your bank" asks when a card is challenged.
    challenge: dict[str, str] = field(default_factory=dict)
    #: The sandbox's address of the statement that shows what saving a card debited; blank where
    #: the provider saves none.
    statement: str = ""
    #: The link by which a page leads back that does not redirect.
    back_link: str = ""
    #: The button that cancels; blank where there is none.
    cancel_button: str = ""
    #: What the order's page shows then: "canceled" where the provider reports it, "left" where
    #: only the browser's return says so.
    after_cancel: str = ""
    #: What the order's page shows after ``declines``: "failed", unless the page takes another try.
    after_decline: str = "failed"
    #: What the order's page shows when the page has expired unpaid: "expired" where the provider
    #: reports it, "waiting" where the shop has to ask first.
    after_expiry: str = "waiting"


@dataclass(frozen=True)
class Scenario:
    """For the demo: what is done on the provider's page, what goes wrong, how the order is to end.

    The common ones are drawn from the case in ``tools/demo/scenarios.py``; a case adds its own.
    """

    title: str
    #: The ``data-state`` of the order's page, or "no page" when checkout says that there is none.
    ends: str
    #: What is typed on the page.
    types: dict[str, str] = field(default_factory=dict)
    #: The sandbox's faults: on its page, in its webhooks, when asked for a page.
    fault: str = "none"
    webhook: str = "none"
    create: str = "none"
    #: Press the page's button to cancel.
    cancel: bool = False
    #: Sandbox seconds that pass after paying.
    skip: int = 0
    #: At the provider, after paying: an action of the sandbox, such as "refund".
    happens: str = ""
    #: Does all of it, where it is more than a page; returns what went wrong, if anything did.
    play: "Callable[[Buyer], str | None] | None" = None


@dataclass(frozen=True)
class Case:
    """One provider: an account of its test system, one payment, and how it speaks."""

    provider: Provider
    account: Any
    #: A payment that the provider knows: ``provider_reference`` is set.
    payment: PaymentRequest
    #: Values of the account that must never be shown.
    secrets: tuple[str, ...]
    #: Makes ``start_checkout`` of the payment succeed.
    created: Reply
    #: How its API answers ``fetch_payment`` once money has come.
    found: Reply
    #: How it says that the payment is paid; the first is the usual one. None for a provider whose
    #: webhooks prove nothing.
    messages: tuple[Message, ...]
    #: An id as the provider might give to its next payment.
    fresh_reference: Callable[[], str]
    page: HostedPage
    #: Settings with which the provider is offered in a live shop.
    live: dict[str, str]
    #: Settings with which the shopper's browser posts a form to the page; empty where none do.
    by_form: dict[str, str] = field(default_factory=dict)
    #: Settings with which the payment opens over a page of ours; empty where none do.
    embedded: dict[str, str] = field(default_factory=dict)
    #: None where the browser's return proves nothing.
    signed_return: SignedReturn | None = None
    #: For a provider whose webhooks prove nothing: the one that names this payment of theirs.
    ping: Callable[[str], Delivery] | None = None
    #: The demo's own scenarios, after the common ones.
    scenarios: tuple[Scenario, ...] = ()

    @property
    def folder(self) -> str:
        module: ModuleType = self.provider  # type: ignore[assignment]
        return module.__name__

    @property
    def name(self) -> str:
        """As in URLs and settings: that of its folder."""
        return self.folder.rpartition(".")[2]

    @property
    def capabilities(self) -> Capabilities:
        return self.provider.capabilities(self.account)

    @property
    def code(self) -> Method | None:
        """The way to pay with a code that is scanned from our page, where there is one."""
        return next((each for each in self.capabilities.methods if each.mark == "code"), None)

    @property
    def configured(self) -> Configured:
        return Configured(self.provider, self.account)

    @property
    def paid(self) -> Delivery:
        """A correctly proven delivery that says the payment is paid in full."""
        return self.messages[0].paid()


def json_id(body: bytes) -> str:
    """The ``id`` at the top of a JSON body."""
    return str(json.loads(body)["id"])
