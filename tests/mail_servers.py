"""Mail servers on this machine, and a shop that sends its letters there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask
from pydantic import SecretStr

import config


@dataclass
class MailServer:
    """``letters`` is what it took."""

    letters: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.letters.append(message_from_bytes(envelope.content))
        return "250 taken"


@contextmanager
def mail_server(port: int) -> Iterator[MailServer]:
    """One that runs until the end of the block."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def with_mail_server(app: Flask, url: str = "smtp://mail.example:25", **changes: Any) -> None:
    """This shop sends its letters there."""
    settings: config.Settings = app.extensions["settings"]
    app.extensions["settings"] = settings.model_copy(update={"smtp_url": SecretStr(url)} | changes)
