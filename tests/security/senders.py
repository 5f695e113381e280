"""Each kind of message by which a provider proves a payment, to be spoiled by an attacker.

The kinds are those of the cases in ``tests/providers``.
"""

import base64
import hmac
from dataclasses import dataclass

import pytest

from providers.contract import Configured
from tests.providers import cases
from tests.providers.case import Case, Message, Swap
from tests.providers.proofs import Delivery, InForm, InHeader, Proof


@dataclass(frozen=True)
class Sender:
    """A provider's case and one kind of its messages."""

    case: Case
    message: Message

    @property
    def name(self) -> str:
        return self.message.name

    @property
    def provider(self) -> str:
        return self.case.name

    @property
    def configured(self) -> Configured:
        return self.case.configured

    @property
    def proof(self) -> Proof:
        return self.message.proof

    @property
    def secret(self) -> str:
        return self.message.secret

    @property
    def reference(self) -> str:
        """The provider's own reference of the case's payment."""
        return self.case.payment.provider_reference or ""

    def paid(self) -> Delivery:
        """A correctly proven delivery that says: ``case.payment`` is paid in full."""
        return self.message.paid()

    def sealed(self, body: bytes) -> Delivery:
        """Another body, correctly proven."""
        return self.message.sealed(body)

    def swapped(self, swap: Swap) -> Delivery:
        """The true delivery with a part of its body replaced, correctly proven."""
        return self.message.swapped(swap)

    def of_another_payment(self, reference: str) -> Delivery:
        """A correctly proven delivery about the payment that it knows by ``reference``."""
        return self.message.about(self.reference, reference)


SENDERS = [Sender(case, message) for case in cases().values() for message in case.messages]


def each(senders: list[Sender]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "sender", [pytest.param(sender, id=sender.name) for sender in senders]
    )


each_sender = each(SENDERS)
each_signed_json = each(
    [sender for sender in SENDERS if sender.message.is_json and sender.message.signs]
)
each_form = each([sender for sender in SENDERS if isinstance(sender.proof, InForm)])
#: One kind of message for each provider.
each_provider = pytest.mark.parametrize(
    "sender",
    [
        pytest.param(Sender(case, case.messages[0]), id=case.name)
        for case in cases().values()
        if case.messages
    ],
)
#: What holds for all alike, and is too dear to be shown for each.
any_sender = each(SENDERS[:1])


def as_base64(proof: str) -> str:
    """The same digest in the other usual spelling."""
    digits = proof.removeprefix("sha256=")
    try:
        return base64.b64encode(bytes.fromhex(digits)).decode()
    except ValueError:
        return base64.b64encode(proof.encode()).decode()


def by(algorithm: str, sender: Sender, delivery: Delivery, secret: str) -> str:
    """A digest of the body made in another way."""
    prefix = sender.proof.prefix if isinstance(sender.proof, InHeader) else ""
    return prefix + hmac.new(secret.encode(), delivery[1], algorithm).hexdigest()
