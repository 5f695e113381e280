"""Static files that browsers cache for a year, one style sheet for a page, and gzip for texts."""

import gzip
import hashlib
import io
import mimetypes
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Response, request, send_file, send_from_directory

from config import ROOT

STATIC = ROOT / "static"
YEAR = 365 * 24 * 60 * 60  # seconds
COMPRESSED = ("text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml")
SHARED = ("tokens", "base", "components")  # of static/css/, in this order before a page's own
BESIDE = {"till": ("console",)}  # the till is a page of the console
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
def picture_url(picture: str, width: int, extension: str = "avif") -> str:
    """Address of a product picture: 480 or 900 pixels wide as ``avif``, 900 as ``webp``."""
    return static_url(f"products/{picture.removesuffix('.webp')}-{width}.{extension}")


@dataclass(frozen=True)
class Text:
    """A text of ``static/``, as it is and in gzip, which needs no padding: it holds no secret."""

    plain: bytes
    packed: bytes
    mimetype: str


@cache
def texts() -> dict[str, Text]:
    """All texts of ``static/`` by name, compressed once, when this process is first asked.

    A page links one style sheet: ``css/cart.css`` is served with what all pages share before it.
    """
    found = {}
    for path in STATIC.rglob("*"):
        mimetype, _ = mimetypes.guess_type(path)
        if mimetype in COMPRESSED and not (path.suffix == ".css" and path.stem in SHARED):
            plain = _style_sheet(path) if path.suffix == ".css" else path.read_bytes()
            packed = gzip.compress(plain, 9, mtime=0)
            found[path.relative_to(STATIC).as_posix()] = Text(plain, packed, mimetype)
    return found


def _style_sheet(page: Path) -> bytes:
    shared = [page.with_stem(name) for name in (*SHARED, *BESIDE.get(page.stem, ()))]
    return b"".join(path.read_bytes() for path in (*shared, page))


def static_file(version: str, filename: str) -> Response:
    """A file of ``static/``. An address of another version still finds it, and asks each time.

    :raise 404: no such file.
    """
    age = YEAR if version == static_version() else None
    text = texts().get(filename)
    if text is None:
        response = send_from_directory(STATIC, filename, max_age=age)
    else:
        packed = _takes_gzip()
        content = io.BytesIO(text.packed if packed else text.plain)
        etag = static_version() + "-gzip" * packed
        response = send_file(content, text.mimetype, etag=etag, max_age=age)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
    response.cache_control.immutable = age is not None
    return response


def _takes_gzip() -> bool:
    return request.accept_encodings.quality("gzip") > 0


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
    if not _takes_gzip() or "Content-Encoding" in response.headers:
        return response
    response.direct_passthrough = False  # a file, which is read here instead
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
