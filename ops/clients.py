"""The client's address, how limits count it, and whether it is this machine.

Behind proxies the connection comes from the nearest one. Each proxy adds the address that it was
called from at the right end of ``X-Forwarded-For`` or ``Forwarded`` (RFC 7239), so the client's is
the one that TRUSTED_PROXIES counts from there. What stands further left may be the client's own
invention and is never read. Modules ask here, and read neither headers nor ``remote_addr``.
"""

import logging
import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Lock

from flask import Flask, Request, current_app, request

Address = IPv4Address | IPv6Address

#: A request with one of these came through a proxy, or its client says so.
PROXY_HEADERS = (
    *("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP"),
    *("True-Client-IP", "CF-Connecting-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "Via"),
)
#: ``[2001:db8::1]:443`` and ``198.51.100.9:40000``. RFC 7239 6.3: a port may be a word.
WITH_PORT = re.compile(r"\[([^\]]*)\](?::[\w.-]+)?|([\d.]+):[\w.-]+", re.ASCII)
#: RFC 7239 4: ``name=value`` or ``name="value"``. Addresses may stand without quotes, as some send.
PAIR = r'\s*([\w-]+)=(?:"([^"\\]*)"|([^\s",;\\]*))\s*'
ELEMENT = re.compile(rf"{PAIR}(?:;{PAIR})*;?", re.ASCII)
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052

log = logging.getLogger(__name__)


def client_of(request: Request) -> str:
    """What a limit counts: an IPv4 address, or the /64 that one household has of IPv6.

    At most 43 characters, whatever the headers hold; ``unknown`` when no address can be read.
    """
    address = client_address(request)
    if isinstance(address, IPv6Address):
        address = _ipv4_inside(address) or address
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address or "unknown")


def client_address(request: Request) -> Address | None:
    """The client's address; the nearest proxy's where the headers are short, unreadable, or differ.

    A proxy writes one of the two headers and passes on what a client wrote into the other.
    """
    count = _trusted_proxies()
    far_enough = [hops for hops in _hops(request).values() if len(hops) >= count]
    named = {hops[-count] for hops in far_enough} if count else set()
    only = named.pop() if len(named) == 1 else None
    return only or read_address(request.remote_addr or "")


def is_own_machine(request: Request) -> bool:
    """Whether the connection, and whatever proxies stand in front, were called from this machine.

    A proxy on this machine forwards requests of strangers, so each must be counted and name its
    client.
    """
    if not _is_loopback(read_address(request.remote_addr or "")):
        return False
    if not _proxy_headers(request):
        return True
    chains, count = _hops(request).values(), _trusted_proxies()
    return bool(chains) and all(
        len(hops) == count and all(map(_is_loopback, hops)) for hops in chains
    )


def watch_for_uncounted_proxies(app: Flask) -> None:
    """Warn once in each process: behind a proxy that is not counted, limits hit all shoppers."""
    app.extensions["uncounted_proxy"] = Lock()  # the request that gets it warns and keeps it
    app.before_request(_warn_of_uncounted_proxy)


def read_address(text: str) -> Address | None:
    """``text`` without port, brackets and scope; IPv4 written as IPv6 (``::ffff:…``) is IPv4.

    None for what is no address, as ``unknown`` and ``_hidden`` in RFC 7239.
    """
    text = text.strip()
    if found := WITH_PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _hops(request: Request) -> dict[str, list[Address | None]]:
    """Header -> the addresses in it, the nearest proxy's entry last; None where none can be read.

    An empty entry counts: skipped, it would move what a client wrote to a proxy's place.
    """
    readers = {"X-Forwarded-For": read_address, "Forwarded": _read_element}
    return {
        name: [read(each) for each in request.headers[name].split(",")]
        for name, read in readers.items()
        if name in request.headers
    }


def _read_element(element: str) -> Address | None:
    """The address in ``for=192.0.2.43;proto=https``, one element of ``Forwarded``."""
    if not ELEMENT.fullmatch(element):
        return None  # cut at a comma inside quotes, too: the halves are no elements
    pairs = {name.lower(): quoted or plain for name, quoted, plain in re.findall(PAIR, element)}
    return read_address(pairs.get("for", ""))


def _ipv4_inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that 6to4, Teredo and NAT64 carry.

    It has many /64 in 6to4; in the others, one /64 holds strangers.
    """
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.teredo[1] if address.teredo else address.sixtofour


def _is_loopback(address: Address | None) -> bool:
    return address is not None and address.is_loopback


def _proxy_headers(request: Request) -> list[str]:
    return [name for name in PROXY_HEADERS if name in request.headers]


def _trusted_proxies() -> int:
    count: int = current_app.extensions["settings"].trusted_proxies
    return count


def _warn_of_uncounted_proxy() -> None:
    warned: Lock = current_app.extensions["uncounted_proxy"]
    if warned.locked():
        return
    came, hops, count = _proxy_headers(request), _hops(request), _trusted_proxies()
    counted = bool(hops) and {len(each) for each in hops.values()} == {count}
    if came and not counted and warned.acquire(blocking=False):
        log.warning(
            "a request came with %s (addresses in it: %d) and TRUSTED_PROXIES is %d: limits count "
            "all shoppers behind an uncounted proxy as one. Set TRUSTED_PROXIES to the number of "
            "your proxies in front, and let each add to X-Forwarded-For (or each to Forwarded). "
            "Clients can send this too: count no proxy that is not yours. Logged once a process.",
            ", ".join(came),
            max(map(len, hops.values()), default=0),
            count,
        )
