"""Mail servers on this machine, and a shop that sends its letters there."""

import socket
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
    """``letters`` is what it took; ``raw`` the same, as it came."""

    letters: list[Message] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.letters.append(message_from_bytes(envelope.content))
        self.raw.append(envelope.content)
        return "250 taken"


@contextmanager
def mail_server(
    port: int, server: MailServer | None = None, **options: Any
) -> Iterator[MailServer]:
    """This one, or one that takes everything, until the end of the block."""
    server = server or MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def at_a_free_port(app: Flask) -> int:
    """This shop sends its letters to that port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with_mail_server(app, f"smtp://127.0.0.1:{port}")
    return port


def with_mail_server(app: Flask, url: str = "smtp://mail.example:25", **changes: Any) -> None:
    """This shop sends its letters there."""
    settings: config.Settings = app.extensions["settings"]
    app.extensions["settings"] = settings.model_copy(update={"smtp_url": SecretStr(url)} | changes)
