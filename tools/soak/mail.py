"""The mail server that takes the receipts, in which the codes of gift cards are."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

CODE = re.compile(r"^(?:[2-9A-Z]{4}-){4}[2-9A-Z]{4}$", re.MULTILINE)


@dataclass
class PostOffice:
    """A mail server that counts what it takes; now and then it is too busy to say so.

    A receipt is counted by its order, another letter by "<order>/<kind>".
    """

    letters: Counter[str] = field(default_factory=Counter)
    #: Currency -> the codes of the gift cards that arrived, for any shopper to use.
    codes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    fails: bool = True
    takes_files: bool = True

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        if not self.takes_files and b"Content-Disposition: attachment" in envelope.content:
            return "552 5.3.4 no files here"
        found = re.search(rb"Message-ID: <(\w+)\.(?:[0-9]+\.)?([0-9a-f]{32})@", envelope.content)
        kind, order = (found[1].decode(), found[2].decode()) if found else ("receipt", "unknown")
        self.letters[order if kind == "receipt" else f"{order}/{kind}"] += 1
        _, _, currency = str(envelope.rcpt_tos[0]).partition("@")[0].rpartition("-")
        self.codes[currency.upper()] += CODE.findall(_text(message_from_bytes(envelope.content)))
        lost = (
            self.fails and self.letters.total() % 10 == 0
        )  # it is taken, but the shop is told otherwise
        return "451 busy" if lost else "250 taken"


def _text(letter: Message) -> str:
    """Its plain part."""
    (plain,) = (part for part in letter.walk() if part.get_content_type() == "text/plain")
    content = plain.get_payload(decode=True)
    return content.decode().replace("\r\n", "\n") if isinstance(content, bytes) else ""
