"""Addresses on the web, in one form, and which of them could be a live system's."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

import idna

#: Parts of the names of hosts that no live system has.
TEST_HOST = re.compile(
    r"sandbox|(?<![a-z0-9])(sbx|test|testing|testnet|stage|staging|uat|preprod|iae)(?![a-z0-9])"
)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
#: Suffixes of names that only a private network knows (RFC 2606, 6761, 6762, 8375, and habit).
PRIVATE = re.compile(
    r"(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|test|invalid)$"
)


def canonical(url: str) -> str:
    """``HTTP://LocalHost:80/shop/`` is ``http://localhost/shop``; a host beyond ASCII is as in DNS.

    :raise ValueError: no ``http://`` or ``https://`` address, or one with a user.
    """
    parts, host = _parts(url)
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, default) else f":{parts.port}"
    rest = parts._replace(scheme="", netloc="").geturl()
    return f"{parts.scheme}://{host}{port}{rest}".rstrip("/")


def canonical_origin(url: str) -> str:
    """The same for what ends after host and port.

    :raise ValueError: it does not.
    """
    found = canonical(url)
    if origin(found) != found:
        raise ValueError("must end after host and port: no path, query or fragment")
    return found


def origin(url: str) -> str:
    """``https://host:8443/path?x`` is ``https://host:8443``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _parts(url: str) -> tuple[SplitResult, str]:
    """An address and its host, in brackets when that is an IPv6 address."""
    if not url.isprintable() or re.search(r"[\s\\]", url):
        raise ValueError("holds a space, a line break or a backslash")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        raise ValueError("is no address: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("is not an http:// or https:// address")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password")
    if port == 0:
        raise ValueError("has port 0, on which nothing listens")
    return parts, canonical_host(host)


def canonical_host(host: str) -> str:
    """A name as DNS has it, or an IP address, in brackets when that is IPv6.

    :raise ValueError: neither.
    """
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        if "%" in host:
            raise ValueError("has a host that only one machine knows: leave the % and what follows")
        return f"[{address.compressed}]" if address.version == 6 else str(address)
    try:
        plain = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("has a host that is no name") from None
    plain = plain.removesuffix(".")  # of the root, which browsers keep and certificates do not
    labels = plain.split(".")
    if not all(map(LABEL.fullmatch, labels)) or labels[-1].isdigit() or len(plain) > 253:
        raise ValueError("has a host that is neither a name nor an IP address")
    return plain


def is_private(host: str) -> bool:
    """Whether only this machine or its network can reach it."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return "." not in host.rstrip(".") or bool(PRIVATE.search(host.rstrip(".")))
    return not (getattr(address, "ipv4_mapped", None) or address).is_global


def is_live(url: str) -> bool:
    """Whether a provider's address could be one for real money: https, public, no test system."""
    host = urlsplit(url).hostname or ""
    return url.startswith("https://") and not is_private(host) and not TEST_HOST.search(host)
