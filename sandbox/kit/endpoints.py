"""Addresses that webhooks are sent to: the one of the settings, and those registered by API.

The first stands for what a merchant registers in the dashboard. It is listed, and can be deleted,
like any other.
"""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from .. import clock
from ..models import Endpoint, db


def register(provider: str, reference: str, url: str, secret: str, **details: Any) -> Endpoint:
    """Keep an address. The caller commits."""
    made = preset(provider, reference, url, secret, **details)
    db.session.add(made)
    db.session.flush()
    return made


def preset(provider: str, reference: str, url: str, secret: str, **details: Any) -> Endpoint:
    """The address of the settings, which is stored only when it is changed or deleted."""
    return Endpoint(
        provider=provider,
        reference=reference,
        url=url,
        secret=secret,
        created_at=clock.timestamp(),
        is_deleted=False,
        details=details,
    )


def registered(first: Endpoint) -> list[Endpoint]:
    """The provider's addresses, oldest first.

    :param first: the one of the settings.
    """
    query = select(Endpoint).where(Endpoint.provider == first.provider).order_by(Endpoint.id)
    stored = list(db.session.scalars(query))
    if first.reference not in {each.reference for each in stored}:
        stored.insert(0, first)
    return [each for each in stored if not each.is_deleted]


def delete(endpoint: Endpoint) -> None:
    """Nothing is sent there any more. The caller commits."""
    endpoint.is_deleted = True
    db.session.add(endpoint)


def is_deliverable(url: str) -> bool:
    """https, or this machine."""
    parts = urlsplit(url)
    try:
        is_here = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        is_here = parts.hostname == "localhost"
    return parts.scheme == "https" or is_here
