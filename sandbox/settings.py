"""The settings that all providers share, and the base of each provider's own.

A provider's own stand in its folder. ``config.py`` puts all of them together and reads them.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

import idna
from flask import current_app
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url

ROOT = Path(__file__).parent.parent


class SettingsError(Exception):
    """The sandbox must not start. No ``SystemExit``: gunicorn would try again for ever."""


Own = TypeVar("Own", bound="Settings")


class Settings(BaseSettings):
    """A field ``base_url`` is the variable ``BASE_URL``."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", frozen=True)

    payment_environment: Literal["sandbox", "test", "live"] = Field(
        "sandbox", description="Set to live, the sandbox refuses to start."
    )
    port: int | None = Field(None, description="Where the shop listens; part of its address.")
    base_url: str = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data.get('port') or 5000}",
        description="The shop's public address.",
    )
    sandbox_url: str = Field(
        "http://127.0.0.1:5001", description="The sandbox's own public address."
    )
    sandbox_database_url: str = Field(
        default_factory=lambda: _sqlite(ROOT / "var/sandbox.db"),
        description="An SQLite file; made when missing.",
    )
    sandbox_merchant_name: str = Field(
        "Kiln & Kettle", description="The shop's name, as hosted pages show it."
    )
    sandbox_clock_speed: float = Field(
        1.0,
        ge=0,
        le=100_000,
        description="Sandbox seconds in a real second, at start: 60 lets a minute pass in one. "
        "Scales retries, delays and expiry; time stamps on the wire stay real.",
    )
    sandbox_delay_seconds: float = Field(
        20, ge=0, description="How long the faults “delay” and “pay late” wait, in sandbox seconds."
    )
    sandbox_hang_seconds: float = Field(
        30, ge=0, description="How long the time-out faults keep a caller waiting, in real seconds."
    )
    sandbox_deliver: bool = Field(
        True, description="Whether threads deliver webhooks and end what expires by themselves."
    )

    @field_validator("base_url", "sandbox_url")
    @classmethod
    def _as_browsers_send_it(cls, value: str) -> str:
        """A host in small ASCII letters, no default port, no slash at the end."""
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
        if ":" in host:
            host = f"[{ip_address(host).compressed}]"
        if port is not None and (parts.scheme, port) not in (("http", 80), ("https", 443)):
            host += f":{port}"
        return parts._replace(netloc=host).geturl().rstrip("/")

    @field_validator("sandbox_database_url")
    @classmethod
    def _is_sqlite(cls, value: str) -> str:
        """A relative path begins in this folder."""
        path = make_url(value).database if value.startswith("sqlite:///") else None
        if path is None:
            raise ValueError("the sandbox keeps its data in SQLite: sqlite:///path/to/file.db")
        return _sqlite(ROOT / path)


def _sqlite(path: Path) -> str:
    """Its address, whatever its folders are called."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def webhooks_of(name: str) -> Any:
    """The default of a provider's setting that says where its webhooks go: the shop's endpoint."""
    return lambda data: f"{data['base_url']}/webhooks/{name}"


def settings() -> Settings:
    """The settings of the app that handles this request."""
    return settings_as(Settings)


def settings_as(kind: type[Own]) -> Own:
    """The same, as a provider's own."""
    return cast(Own, current_app.config["SANDBOX"])
