"""The mail server that takes the receipts."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class PostOffice:
    """A mail server that counts what it takes; now and then it is too busy to say so."""

    letters: Counter[str] = field(default_factory=Counter)
    fails: bool = True
    takes_files: bool = True

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        if not self.takes_files and b"Content-Disposition: attachment" in envelope.content:
            return "552 5.3.4 no files here"
        found = re.search(rb"Message-ID: <receipt\.([0-9a-f]+)@", envelope.content)
        self.letters[found[1].decode() if found else "unknown"] += 1
        lost = (
            self.fails and self.letters.total() % 10 == 0
        )  # it is taken, but the shop is told otherwise
        return "451 busy" if lost else "250 taken"
