"""E-mail addresses: the one to send to, and the key by which a customer is known."""

import re
from email.utils import getaddresses

from email_validator import EmailNotValidError, validate_email

from providers.urls import canonical_host

MAILBOX = re.compile(r"[^\s@<>,;:]+@[^\s@<>,;:]+")


class Undeliverable(ValueError):
    """No address that every mail server and provider takes. The text is for the shopper."""


def deliverable(typed: str) -> str:
    """The address to send to: the domain in ASCII (IDNA 2008), the part before the @ as typed.

    :raise Undeliverable: with a sentence for beside the field.
    """
    try:
        found = validate_email(typed.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise Undeliverable(
            "This does not look like an e-mail address. Is it like name@example.com?"
        ) from None
    plain = typed.rpartition("@")[0].strip().isascii()  # as typed: NFC makes "K" of a Kelvin sign
    if found.ascii_email is None or not plain:  # RFC 6531: few servers take other letters
        raise Undeliverable(
            "We cannot send to this address. Please give one with plain letters before the @."
        )
    return found.ascii_email


def customer_key(typed: str) -> str:
    """Equal for all spellings of one address.

    Only ASCII letters lose their case: folding others would merge people ("ß" into "ss", the
    Kelvin sign into "k"). An undeliverable address is its own key, so it finds no one else.
    """
    try:
        return deliverable(typed).lower()
    except Undeliverable:
        return typed


def sender(text: str) -> str:
    """One mailbox, with or without a name before it: "Shop <shop@example.com>".

    :raise ValueError: it is none.
    """
    found = [address for _, address in getaddresses([text])]
    try:
        # What is read must stand there: the parser leaves out what it does not understand.
        if not text.isprintable() or len(found) != 1 or found[0] not in text:
            raise ValueError
        if not MAILBOX.fullmatch(found[0]):
            raise ValueError
        canonical_host(found[0].rpartition("@")[2])
    except ValueError:
        raise ValueError("is no sender like Kiln & Kettle <shop@example.com>") from None
    return text
