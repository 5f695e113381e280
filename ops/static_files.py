"""Static files that browsers cache for a year, and compression of text."""

import gzip
import hashlib
import io
import secrets
from functools import cache

from flask import Response, request, send_from_directory

from config import ROOT

STATIC = ROOT / "static"
YEAR = 365 * 24 * 60 * 60  # seconds
COMPRESSED = ("text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml")
SMALL = 1000  # bytes: less than this fits into one packet anyway
PADDING = 100  # bytes, at most


@cache
def static_version() -> str:
    """A digest of all static files, as of the start of this process: a part of their addresses.

    One for all of them, because ``tokens.css`` names the font by a relative address.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(STATIC)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


@cache
def static_url(filename: str) -> str:
    """The address of a file of ``static/``, for templates: put together once for each file."""
    return f"/static/{static_version()}/{filename}"


@cache
def picture_url(picture: str, width: int) -> str:
    """Address of a product picture in one of its two widths, 480 or 900 pixels."""
    return static_url(f"products/{picture.removesuffix('.webp')}-{width}.webp")


def static_file(version: str, filename: str) -> Response:
    """A file of ``static/``. An address of another version still finds it, and asks each time.

    :raise 404: no such file.
    """
    if version != static_version():
        return send_from_directory(STATIC, filename)
    response = send_from_directory(STATIC, filename, max_age=YEAR)
    response.cache_control.immutable = True
    return response


def compress(response: Response) -> Response:
    """Gzip for texts, where the browser takes it.

    A page holds the shopper's form token and repeats some of the address, so its compressed length
    could give the token away bit by bit (BREACH). Other sites cannot measure that: their requests
    come without our cookie, which is ``SameSite=Lax``. As a second
    line of defence each response is padded by a random number of bytes, as in Django: the name in
    gzip's header.
    """
    if response.mimetype not in COMPRESSED or response.status_code in (204, 206, 304):
        return response
    response.vary.add("Accept-Encoding")
    taken = request.accept_encodings.quality("gzip") > 0
    if not taken or "Content-Encoding" in response.headers:
        return response
    response.direct_passthrough = False  # a static file, which is read here instead
    plain = response.get_data()
    if len(plain) < SMALL:
        return response
    packed = io.BytesIO()
    with gzip.GzipFile("x" * secrets.randbelow(PADDING), "wb", 6, packed, mtime=0) as stream:
        stream.write(plain)
    response.set_data(packed.getvalue())
    response.headers["Content-Encoding"] = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the same text, in other bytes
    return response
