"""What a setting must look like, by the kind that its name ends with.

Kinds, not lists of names: a setting of the next provider is checked without being mentioned here.
Every sentence names what to do, and quotes nothing that could be a secret.
"""

import re
from collections.abc import Callable, Iterator
from email.utils import getaddresses
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

import idna
from babel.core import get_global
from limits import parse_many
from pydantic import SecretStr

#: What is money somewhere today, by CLDR; not what once was, nor ISO 4217's codes for metals and
#: tests, which begin with an X.
CURRENCIES = frozenset(
    {"XAF", "XCD", "XCG", "XOF", "XPF"}.union(
        code
        for used in get_global("territory_currencies").values()
        for code, _, end, _ in used
        if end is None and not code.startswith("X")
    )
)

#: Least length, in characters. Providers do not publish how long their secrets are: these numbers
#: are low, and catch what was cut off or stands in for a secret.
LEAST = {"_secret": 12, "_salt": 12, "_key": 8, "_password": 12, "_token": 16}

#: What providers mark test keys with (sk_test_…, whsec_test…), and what stands in guides and
#: templates for a key.
TEST_MARK = re.compile(
    r"sandbox|^([a-z]+_)?test|"
    r"(?<![a-z0-9])(test|tests|testing|staging|demo|dummy|changeme|placeholder)(?![a-z])"
)
#: Parts of the names of hosts that no live system has.
TEST_HOST = re.compile(
    r"sandbox|(?<![a-z0-9])(sbx|test|testing|testnet|stage|staging|uat|preprod|iae)(?![a-z0-9])"
)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
#: Suffixes of names that only a private network knows (RFC 2606, 6761, 6762, 8375, and habit).
PRIVATE = re.compile(
    r"(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|test|invalid)$"
)
MAILBOX = re.compile(r"[^\s@<>,;:]+@[^\s@<>,;:]+")
MOST_MINUTES = 30 * 24 * 60
MOST_SECONDS = 24 * 60 * 60


def check(name: str, value: object) -> object:
    """The value as it is used: an address as it goes over the wire, currencies in capitals.

    :raise ValueError: it makes no sense in any environment; the text begins after the name.
    """
    for suffix, each in CHECKS.items():
        if name.endswith(suffix) and value is not None:
            return each(value)
    return value


# ------------------------------------------------------------------ addresses


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
    return parts, _host(host)


def server(url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The address of a server that speaks another protocol than http; it may hold a password.

    :raise ValueError: none of these schemes, no host, or a port that is none.
    """
    wrong = f"is not an address like {example}: write signs in a password as %XX"
    if not url.isprintable() or re.search(r"\s", url):
        raise ValueError(wrong)
    try:
        parts = urlsplit(url)
        _host(parts.hostname or "")
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in schemes or port == 0:
        raise ValueError(wrong)
    return parts


def _host(host: str) -> str:
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


# ------------------------------------------------------------------ other kinds


def _url(value: object) -> object:
    """Blank stands for the default; what is a secret has a check of its own."""
    return canonical(value) if value and isinstance(value, str) else value


def _base_url(value: object) -> object:
    found = _url(value)
    if isinstance(found, str) and re.search(r"[?#]", found):
        raise ValueError("must end before a query or fragment")
    return found


def _origins(value: object) -> object:
    """They stand in a header and are compared as they are, so nothing but an origin will do."""
    assert isinstance(value, tuple)  # noqa: S101
    found = []
    for each in value:
        try:
            if origin(each) != each:
                raise ValueError
            found.append(canonical_origin(each))
        except ValueError:
            raise ValueError(f"holds {each!r}, no origin like https://pay.example") from None
    return tuple(dict.fromkeys(found))


def _currencies(value: object) -> object:
    assert isinstance(value, tuple)  # noqa: S101
    if not value:
        raise ValueError("names no currency: write one or more, such as USD,EUR")
    found = tuple(dict.fromkeys(each.upper() for each in value))
    for each in found:
        if each not in CURRENCIES:
            raise ValueError(f"holds {each!r}, which is no currency's code such as USD")
    return found


def _limit(value: object) -> object:
    try:
        wanted = parse_many(str(value) or "1/minute")
    except ValueError:
        raise ValueError("is no limit like 30/minute;300/hour") from None
    if any(each.amount < 1 or each.multiples < 1 for each in wanted):
        raise ValueError("is a limit of nothing: write one like 30/minute;300/hour")
    return value


def _bounded(most: int, unit: str) -> Callable[[object], object]:
    def check_number(value: object) -> object:
        if isinstance(value, int) and not 0 < value <= most:
            raise ValueError(f"must be from 1 to {most} {unit}")
        return value

    return check_number


def _from(value: object) -> object:
    """One mailbox, with or without a name before it: "Shop <shop@example.com>"."""
    text = str(value)
    found = [address for _, address in getaddresses([text])]
    try:
        # What is read must stand there: the parser leaves out what it does not understand.
        if not text.isprintable() or len(found) != 1 or found[0] not in text:
            raise ValueError
        if not MAILBOX.fullmatch(found[0]):
            raise ValueError
        _host(found[0].rpartition("@")[2])
    except ValueError:
        raise ValueError("is no sender like Kiln & Kettle <shop@example.com>") from None
    return value


def _secret(value: object) -> object:
    """Without the line end of the file that it was read from."""
    if not isinstance(value, SecretStr):
        return value
    secret = value.get_secret_value().strip()
    if not secret.isprintable():
        raise ValueError("holds a line break or another control character: copy it once more")
    return SecretStr(secret)


CHECKS: dict[str, Callable[[object], object]] = {
    "_base_url": _base_url,
    "_url": _url,
    "_link": _url,
    "_origins": _origins,
    "_currencies": _currencies,
    "_limit": _limit,
    "_minutes": _bounded(MOST_MINUTES, "minutes"),
    "_seconds": _bounded(MOST_SECONDS, "seconds"),
    "_from": _from,
    **dict.fromkeys(("_fallbacks", *LEAST), _secret),
}


# ------------------------------------------------------------------ secrets

#: What the operator makes up, and may be a sentence with spaces in it.
OWN = ("secret_key", "secret_key_fallbacks", "console_password")


def secret_problems(name: str, values: tuple[str, ...], live: bool) -> Iterator[str]:
    """What is wrong with a secret, or with the id that goes with one, outside the sandbox.

    ``values``: several, while one is being replaced. One problem at most.
    """
    least = next((least for suffix, least in LEAST.items() if name.endswith(suffix)), 0)
    for each in values:
        if name not in OWN and not re.fullmatch(r"[!-~]+", each):
            yield f"{name.upper()} holds a space or a sign beyond ASCII: copy it once more"
        elif live and TEST_MARK.search(each.lower()):
            yield f"{name.upper()} is a test key, PAYMENT_ENVIRONMENT is live: set the live one"
        elif live and len(each) < least:
            yield f"{name.upper()} is too short: {least} characters or more"
        else:
            continue
        return
