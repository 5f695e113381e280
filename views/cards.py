"""Saved cards: a provider keeps them for this browser; we store only a label.

There are no accounts here. A device is a random cookie, of which we store a digest; a card belongs
to the device that saved it.
"""

import hashlib
import logging
import re
import secrets
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from wtforms import StringField
from wtforms.validators import InputRequired, Regexp

import payments
from config import origin
from database import db, now, transaction
from models import SavedCard
from providers.contract import Configured, ProviderError, Rejected
from providers.optional import Card, CardPage, SavesCards

bp = Blueprint("cards", __name__, url_prefix="/cards")

YEAR = 365 * 24 * 3600  # seconds; the browser keeps the cookie that long
SECRET = re.compile(r"[0-9a-f]{64}", re.ASCII)  # 256 random bits
VISIT_EXPIRES_AFTER = timedelta(days=1)  # the provider's card page itself lives for minutes

log = logging.getLogger(__name__)


class AmountForm(FlaskForm):  # type: ignore[misc]
    """What the shopper read on the bank statement."""

    amount = StringField(
        "Amount on your statement",
        [
            InputRequired("Please type the amount."),
            Regexp(
                r"^\s*(?=.*[1-9])[0-9]{1,4}([.,][0-9]{1,2})?\s*$",
                message="Please type the number alone, like 0.80.",
            ),
        ],
    )


def saved_cards() -> list[SavedCard]:
    """The verified cards of this request's device, oldest first."""
    device, providers = _device(), _card_providers()
    if device is None or not providers:
        return []
    cards = select(SavedCard).where(
        SavedCard.device == device, SavedCard.verified, SavedCard.provider.in_(providers)
    )
    return list(db.session.scalars(cards.order_by(SavedCard.created_at)))


@bp.get("")
def show() -> str:
    return _page()


@bp.post("/<provider>")
def save(provider: str) -> ResponseReturnValue:
    """Leave for the page on which the provider takes a card; sets the device's cookie."""
    configured, module = _card_provider(provider)
    return_url = payments.settings().base_url + url_for(".return_from_provider", provider=provider)
    secret = _secret() or secrets.token_hex(32)
    try:
        page = module.save_card(configured.account, return_url)
        if origin(page.url) not in configured.capabilities.page_origins:
            raise Rejected(f"sent the shopper to {origin(page.url)[:100]!r}")
        _write_down(provider, _digest(secret), page)
    except ProviderError as error:
        log.error("%s: no page for a card: %s", provider, error)
        label = configured.capabilities.label
        return _page(f"{label} cannot save a card right now. Please try again later."), 502
    response = redirect(page.url, code=303)
    secure = _is_secure()
    response.set_cookie(
        _cookie_name(), secret, YEAR, secure=secure, httponly=True, samesite="Lax", path="/"
    )
    return response


@bp.get("/return/<provider>")
def return_from_provider(provider: str) -> ResponseReturnValue:
    """The shopper is back from that page. The address proves nothing: the visit must be this
    device's own, and the card is fetched from the provider.
    """
    configured, module = _card_provider(provider)
    label = configured.capabilities.label
    found = module.read_card_return(configured.account, request.args)
    if found is None:
        return _flash_and_go_back(f"{label} did not save a card.")
    transaction_id, card_id = found
    visit = _one(SavedCard.provider == provider, SavedCard.transaction_id == transaction_id)
    if visit is None:
        return _flash_and_go_back("This card was not saved on this device, or too long ago.")
    try:
        card = module.fetch_card(configured.account, card_id)
    except ProviderError as error:
        log.warning("%s: %s", provider, error)
        return _page(f"{label} does not answer. Please load this page again."), 502
    if card is None or not _claim(visit, card):
        log.warning("%s: a return names a card that is not the device's", provider)
        return _flash_and_go_back(f"{label} did not save a card.")
    return redirect(url_for(".verify", card_id=visit.id), code=303)


@bp.route("/<card_id>/verify", methods=["GET", "POST"])
def verify(card_id: str) -> ResponseReturnValue:
    """The shopper types the amount that the provider debited to check the card."""
    card = _mine(card_id)
    form = AmountForm()
    if card.verified:
        return redirect(url_for(".show"), code=303)
    if not form.validate_on_submit():
        return _verify_page(card, form), 422 if form.errors else 200
    configured, module = _card_provider(card.provider)
    amount = form.amount.data.strip().replace(",", ".")
    try:
        module.verify_card(configured.account, card.card_id or "", amount)
    except Rejected as error:
        log.info("card %s: %s", card.id, error)
        if _is_gone(card):
            _forget(card)
            label = configured.capabilities.label
            return _flash_and_go_back(
                f"{label} does not take this, and forgot the card. Please save it again."
            )
        form.amount.errors = [error.shopper]
        return _verify_page(card, form), 422
    except ProviderError as error:
        log.warning("card %s: %s", card.id, error)
        form.amount.errors = [f"{configured.capabilities.label} does not answer. Please try again."]
        return _verify_page(card, form), 502
    with transaction() as session:
        mine = update(SavedCard).where(SavedCard.id == card.id, SavedCard.device == card.device)
        session.execute(mine.values(verified=True, verify_by=None))
    return _flash_and_go_back(f"{card.label} is verified. You can pay with it now.", "success")


@bp.post("/<card_id>/delete")
def forget(card_id: str) -> ResponseReturnValue:
    """Delete it at the provider first: without our row it could no longer be deleted there."""
    card = _mine(card_id)
    configured, module = _card_provider(card.provider)
    try:
        module.delete_card(configured.account, card.card_id or "")
    except ProviderError as error:
        log.warning("card %s: %s", card.id, error)
        return _flash_and_go_back(f"{card.label} could not be deleted right now. Please try again.")
    _forget(card)
    return _flash_and_go_back(f"{card.label} is deleted.", "success")


# ------------------------------------------------------------------ the device


def _cookie_name() -> str:
    return "__Host-device" if _is_secure() else "device"


def _is_secure() -> bool:
    return payments.settings().base_url.startswith("https://")


def _secret() -> str | None:
    secret = request.cookies.get(_cookie_name(), "")
    return secret if SECRET.fullmatch(secret) else None


def _device() -> str | None:
    secret = _secret()
    return _digest(secret) if secret else None


def _digest(secret: str) -> str:
    """Stored in place of the secret: a reader of the database cannot pose as a device."""
    return hashlib.sha256(secret.encode()).hexdigest()


# ------------------------------------------------------------------ the rows


def _write_down(provider: str, device: str, page: CardPage) -> None:
    """Store which device this visit belongs to, before the shopper leaves.

    :raise Rejected: the provider named this visit before.
    """
    stale = and_(SavedCard.card_id.is_(None), SavedCard.created_at < now() - VISIT_EXPIRES_AFTER)
    try:
        with transaction() as session:
            session.execute(delete(SavedCard).where(stale))
            session.add(
                SavedCard(device=device, provider=provider, transaction_id=page.transaction_id)
            )
    except IntegrityError as error:
        raise Rejected(f"answered with {page.transaction_id!r} a second time") from error


def _claim(visit: SavedCard, card: Card) -> bool:
    """Give the card to this visit, once; False when it belongs to another visit.

    A card that is verified already was not saved just now, so its id in a return proves nothing.
    """
    if visit.card_id:
        return visit.card_id == card.id
    if card.verified:
        return False
    first = update(SavedCard).where(SavedCard.id == visit.id, SavedCard.card_id.is_(None))
    values = {"card_id": card.id, "label": card.label, "verify_by": card.verify_by}
    try:
        with transaction() as session:
            claimed = session.execute(first.values(values))
    except IntegrityError:  # another visit has this card
        return False
    assert isinstance(claimed, CursorResult)  # noqa: S101
    if claimed.rowcount == 1:
        return True
    rival = _one(SavedCard.id == visit.id)  # the same return, opened twice
    return rival is not None and rival.card_id == card.id


def _forget(card: SavedCard) -> None:
    mine = and_(SavedCard.id == card.id, SavedCard.device == card.device)
    with transaction() as session:
        session.execute(delete(SavedCard).where(mine))


def _mine(card_id: str) -> SavedCard:
    """
    :raise 404: no card of this device.
    """
    return _one(SavedCard.id == card_id, SavedCard.card_id.is_not(None)) or abort(404)


def _one(*which: ColumnElement[bool]) -> SavedCard | None:
    """A row of this device, detached; no transaction stays open, because a call may follow."""
    device = _device()
    if device is None:
        return None
    mine = select(SavedCard).where(SavedCard.device == device, *which)
    card = db.session.scalar(mine)
    if card:
        db.session.expunge(card)
    db.session.rollback()
    return card


# ------------------------------------------------------------------ providers and pages


def _card_providers() -> dict[str, Configured]:
    """The providers that keep cards, with the accounts they are used with."""
    return {
        name: configured
        for name, configured in payments.providers().items()
        if configured.capabilities.saves_cards
    }


def _card_provider(provider: str) -> tuple[Configured, SavesCards]:
    """
    :raise 404: it keeps no cards.
    """
    configured = _card_providers().get(provider)
    if configured is None or not isinstance(configured.module, SavesCards):
        abort(404)
    return configured, configured.module


def _is_gone(card: SavedCard) -> bool:
    """Whether the provider has forgotten the card; False when that is not known."""
    configured, module = _card_provider(card.provider)
    try:
        return module.fetch_card(configured.account, card.card_id or "") is None
    except ProviderError:
        return False


def _flash_and_go_back(message: str, category: str = "error") -> ResponseReturnValue:
    flash(message, category)
    return redirect(url_for(".show"), code=303)


def _page(problem: str | None = None) -> str:
    cards = select(SavedCard).where(SavedCard.device == _device(), SavedCard.card_id.is_not(None))
    return render_template(
        "cards/show.html",
        cards=list(db.session.scalars(cards.order_by(SavedCard.created_at))),
        providers=[configured.capabilities for configured in _card_providers().values()],
        now=now(),
        problem=problem,
    )


def _verify_page(card: SavedCard, form: AmountForm) -> str:
    label = _card_provider(card.provider)[0].capabilities.label
    return render_template("cards/verify.html", card=card, form=form, provider_label=label)
