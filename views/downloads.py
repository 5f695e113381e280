"""Bought files: a link works for a week, from a few places.

Places are counted, not requests. A client that has fetched a file may do so again from the same
address within a day, so resuming (Range), retrying and download managers cost nothing; another
address takes one of ``downloads_left``, so a link that is passed around ends soon. Where no byte
of the file is sent nothing is counted: HEAD, "not modified", and prefetching browsers and link
previews, which get no body. A preview that calls itself a browser takes one, as any other place.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, current_app, request, send_file, url_for
from sqlalchemy import and_, exists, select
from werkzeug.wrappers import Response as AnyResponse

import payments
from catalogue.books import chapters, file_of
from database import db, insert_into, now, transaction, update_one
from models import Download, DownloadUse, Order
from ops.clients import client_of

bp = Blueprint("downloads", __name__)

#: How long a place that has fetched a file may fetch it again.
SAME_PLACE = timedelta(days=1)

#: Headers of prefetching browsers; the first is the Fetch standard's.
PURPOSE_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
#: User agents that preview or index links.
PREVIEWERS = (
    *("slackbot", "twitterbot", "telegrambot", "discordbot", "linkedinbot", "redditbot"),
    *("facebookexternalhit", "whatsapp/", "skypeuripreview", "bingpreview", "mastodon/"),
    *("googlebot", "bingbot", "applebot", "googleimageproxy", "embedly", "iframely"),
)


@dataclass(frozen=True)
class Link:
    """A bought file: how many more places may fetch it, and until when."""

    name: str
    url: str
    read_url: str | None  # where it can be read online
    left: int
    expires_at: datetime
    is_over: bool


def link_of(download: Download) -> Link:
    """As the order's page shows it."""
    read_url = None
    if chapters(download.slug):
        read_url = url_for("reading.contents", order_id=download.order_id, slug=download.slug)
    return Link(
        download.name,
        url_for("downloads.fetch", token=download.token),
        read_url,
        download.downloads_left,
        download.expires_at,
        download.expires_at <= now(),
    )


@bp.get("/downloads/<token>")
def fetch(token: str) -> AnyResponse:
    """The file, or a part of it.

    :raise 404: no such link.
    :raise 410: it is too old, was fetched from enough places, or its money went back.
    """
    found = db.session.scalar(select(Download).where(Download.token == token)) or abort(404)
    order = db.session.get_one(Order, found.order_id)
    if found.expires_at <= now() or not payments.money_is_here(order):
        abort(410)
    if _only_looks():
        return Response(status=204)
    download_id, slug, left = found.id, found.slug, found.downloads_left
    places = _places(token)
    known = _was_here(download_id, places)
    if not known and left <= 0:
        abort(410)
    file = send_file(file_of(slug), as_attachment=True)
    sends_body = request.method == "GET" and file.status_code in (200, 206)
    if sends_body and not known:
        try:
            _count(download_id, places[0])
        except BaseException:
            file.close()
            raise
    return file


def _only_looks() -> bool:
    """By its own headers, a prefetch or a preview: no person asked for the file."""
    purposes = " ".join(request.headers.get(name, "") for name in PURPOSE_HEADERS).lower()
    agent = request.headers.get("User-Agent", "").lower()
    return "prefetch" in purposes or "preview" in purposes or any(p in agent for p in PREVIEWERS)


def _places(token: str) -> tuple[str, str]:
    """The requesting place, as ``DownloadUse.client`` names it today and named it yesterday."""

    def digest(day: datetime) -> str:
        key = str(current_app.secret_key).encode()
        place = f"{token} {day.date()} {client_of(request)}"
        return hmac.digest(key, place.encode(), "sha256").hex()

    return digest(now()), digest(now() - SAME_PLACE)


def _was_here(download_id: int, places: tuple[str, str]) -> bool:
    here = exists().where(
        DownloadUse.download_id == download_id,
        DownloadUse.client.in_(places),
        DownloadUse.used_at > now() - SAME_PLACE,
    )
    return bool(db.session.scalar(select(here)))


def _count(download_id: int, place: str) -> None:
    """Record this place and take one of ``Download.downloads_left``: both, or neither.

    Of two requests from one place, the second waits at the insert and then takes nothing.

    :raise 410: none is left.
    """
    with transaction() as session:
        use = insert_into(DownloadUse).values(download_id=download_id, client=place, used_at=now())
        use = use.on_conflict_do_nothing().returning(DownloadUse.download_id)
        if session.scalar(use) is None:
            return
        some_left = and_(Download.id == download_id, Download.downloads_left > 0)
        if not update_one(Download, some_left, downloads_left=Download.downloads_left - 1):
            abort(410)
