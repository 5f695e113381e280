"""The order: the wait for the provider's word, thank-you, trying again, downloads.

An order is reached by its unguessable id; a foreign id and an unknown one look the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import segno
from flask import (
    Blueprint,
    abort,
    g,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import or_, select, update
from sqlalchemy.engine import CursorResult
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired

import jobs
import money
import payments
from config import ROOT, origin
from emails import customer_key
from models import Customer, Download, Order, Payment, db, now, transaction
from providers.base import ProviderError

from .cart import take_out
from .checkout import choices, leave_to_pay

bp = Blueprint("orders", __name__)

#: Seconds until the waiting page asks again: quick at first, then slower.
POLL_DELAYS = (1, 1, 2, 2, 3, 3, 5, 8, 13)
SLOW = timedelta(seconds=30)
#: How often a used-up QR code is replaced without anybody asking for it.
RENEWALS = 3

#: Where ``download`` products lie, by slug.
LIBRARY = ROOT / "catalogue" / "downloads"


@dataclass(frozen=True)
class Step:
    """One thing on the way from "Pay" to the parcel; lit when it is true, not when it is likely."""

    label: str
    done: bool
    current: bool


@dataclass(frozen=True)
class Link:
    """A bought file, and how often it may still be fetched."""

    name: str
    url: str
    left: int


@dataclass(frozen=True)
class View:
    """What the shopper is told about the payment."""

    #: waiting, left, closed, scan, scan_over, partial, paid, held, short, unpaid, failed, canceled,
    #: expired, refunded
    state: str
    headline: str
    sentence: str
    provider_label: str
    steps: list[Step]
    downloads: list[Link]
    credit: int  # minor units of the order's currency
    page_url: str | None  # where the payment can still be made
    qr_image: str | None  # the provider's picture of the same
    qr_svg: str | None  # what is scanned here
    hosted_page: str | None  # the provider's, beside a code of ours
    open_until: datetime | None
    renew_itself: bool  # a used-up code is replaced by a new one, the first few times
    money_back: list[str]  # a sentence each
    poll_count: int
    is_slow: bool

    @property
    def is_waiting(self) -> bool:
        return self.state == "waiting"

    @property
    def is_final(self) -> bool:
        """Nothing will change by itself any more: the page stops asking."""
        if self.state == "paid":
            return self.steps[-1].done
        return self.state not in ("waiting", "left", "closed", "scan", "scan_over", "partial")

    @property
    def poll_delay(self) -> int:
        return POLL_DELAYS[min(self.poll_count, len(POLL_DELAYS) - 1)]

    @property
    def can_retry(self) -> bool:
        return self.state in ("left", "closed", "unpaid", "failed", "canceled", "expired")

    @property
    def can_change(self) -> bool:
        """Another way is on offer, though the one that was chosen is still open."""
        return self.state in ("scan", "scan_over") or (
            self.is_waiting and self.page_url is not None
        )

    @property
    def slow_sentence(self) -> str:
        return (
            f"{self.provider_label} has not confirmed yet. That can take a few minutes. You may "
            "close this page: we keep asking, and go on with your order as soon as we know. Please "
            "do not pay again. If you hear nothing within a day, write to us with your order "
            "number."
        )


@bp.get("/orders/<order_id>")
def show(order_id: str) -> Response:
    order, payment = _find(order_id)
    if order.status != "open":
        take_out(order.id)
    if payment and payment.way and payment.way.get("qr_image"):
        g.csp_images = origin(payment.way["qr_image"])
    page = render_template("orders/show.html", **_context(order, payment, count=0))
    return _private(make_response(page))


@bp.get("/orders/<order_id>/pay")
def pay_here(order_id: str) -> ResponseReturnValue:
    """The page of ours from which a payment is made: a form for the provider, or its drop-in."""
    order, payment = _find(order_id)
    way = payment.way if payment else None
    if payment is None or way is None or way["kind"] not in ("form", "embed"):
        return redirect(url_for("orders.show", order_id=order_id), code=303)
    if _state(order, payment) != "waiting" or payment.returned_at:
        return redirect(url_for("orders.show", order_id=order_id), code=303)
    if way["kind"] == "embed":
        # A foreign script on a page of ours: on this page only, and only that host.
        g.csp_scripts = origin(way["script"])
    page = render_template(
        "orders/pay_here.html",
        order=order,
        payment=payment,
        way=way,
        provider_label=_label(payment),
    )
    return _private(make_response(page))


@bp.get("/orders/<order_id>/status")
def status(order_id: str) -> Response:
    """The part of the page that waits. ``n``: how often it asked; ``was``: the state it shows."""
    order, payment = _find(order_id)
    if order.status != "open":
        take_out(order.id)
    count = max(0, min(request.args.get("n", 0, type=int), 1000))
    context = _context(order, payment, count)
    announce = describe(order, payment).state != request.args.get("was", "waiting")
    page = render_template("orders/_payment.html", announce=announce, **context)
    return _private(make_response(page))


@bp.get("/orders/<order_id>/return/<provider>")
def come_back(order_id: str, provider: str) -> ResponseReturnValue:
    """The provider sent the shopper back. That is a hint, unless the provider signs the return."""
    if provider not in payments.providers():
        abort(404)
    _find(order_id)
    payment_id = payments.record_return(order_id, provider, request.args)
    if payment_id:
        jobs.wake_look(payment_id, payments.LOOK_AFTER_RETURN.total_seconds())
    jobs.wake_fulfilment()  # a signed return may just have paid the order
    return redirect(url_for("orders.show", order_id=order_id), code=303)


@bp.post("/orders/<order_id>/payments")
def pay(order_id: str) -> ResponseReturnValue:
    """Another attempt for the same order, with the same provider or another."""
    order, payment = _find(order_id)
    provider = request.form.get("provider", "")
    if provider not in [each.value for each in choices(order.currency) if each.available]:
        context = _context(order, payment, count=0, problem="Please choose how to pay.")
        return _private(make_response(render_template("orders/show.html", **context), 422))
    try:
        return leave_to_pay(order_id, provider)
    except ProviderError as error:
        order, payment = _find(order_id)
        context = _context(order, payment, count=0, problem=error.shopper)
        return _private(make_response(render_template("orders/show.html", **context), 502))


class FindForm(FlaskForm):  # type: ignore[misc]
    """What a shopper still has when the address of the order is lost."""

    number = StringField(
        "Order number",
        [DataRequired("Please give the order’s number; it stands in the receipt.")],
        filters=[lambda typed: (typed or "").strip().upper()],
    )
    email = StringField(
        "E-mail",
        [DataRequired("Please give the e-mail address of the order.")],
        filters=[lambda typed: (typed or "").strip()],
    )


@bp.route("/orders/find", methods=["GET", "POST"])
def find() -> ResponseReturnValue:
    """From number and e-mail to the order; one sentence for every wrong pair."""
    form, problem = FindForm(), None
    if request.method == "POST":
        status = 422
        if form.validate():
            mine = (
                Order.number == form.number.data,
                Customer.email == customer_key(form.email.data),
            )
            order_id = db.session.scalar(select(Order.id).join(Customer).where(*mine))
            if order_id:
                return redirect(url_for("orders.show", order_id=order_id), code=303)
            problem, status = "There is no order with this number and this e-mail address.", 404
        return _private(
            make_response(render_template("orders/find.html", form=form, problem=problem), status)
        )
    return _private(make_response(render_template("orders/find.html", form=form, problem=None)))


@bp.get("/orders/<order_id>/receipt")
def receipt(order_id: str) -> Response:
    """The receipt as a page to print.

    :raise 404: no such order, or it is not paid.
    """
    order, payment = _find(order_id)
    if order.status != "paid" or payment is None:
        abort(404)
    page = render_template(
        "orders/receipt.html",
        order=order,
        provider_label=_label(payment),
        refunded=payment.refunded,
    )
    return _private(make_response(page))


@bp.get("/downloads/<token>")
def download(token: str) -> Response:
    """The bought file: a few times, for a week. The count is kept by one conditional UPDATE."""
    right = db.session.scalar(select(Download).where(Download.token == token)) or abort(404)
    slug = right.slug
    mine = (Download.id == right.id, Download.left > 0, Download.expires_at > now())
    with transaction() as session:
        counted = session.execute(update(Download).where(*mine).values(left=Download.left - 1))
    assert isinstance(counted, CursorResult)  # noqa: S101
    if counted.rowcount != 1:
        abort(410)
    return _private(send_from_directory(LIBRARY, f"{slug}.pdf", as_attachment=True))


def _find(order_id: str) -> tuple[Order, Payment | None]:
    """The order and the payment that matters: the one that paid it, else the one in use.

    :raise 404: no such order.
    """
    query = (
        select(Order, Payment)
        .outerjoin(Payment, Payment.order_id == Order.id)
        .where(Order.id == order_id)
        .where(or_(Order.paid_by.is_(None), Payment.id == Order.paid_by))
        .order_by(Payment.abandoned, Payment.attempt.desc())
        .limit(1)
    )
    order, payment = db.session.execute(query).one_or_none() or abort(404)
    return order, payment


def _context(
    order: Order, payment: Payment | None, count: int, problem: str | None = None
) -> dict[str, object]:
    view = describe(order, payment, count)
    return {
        "order": order,
        "view": view,
        "providers": choices(order.currency) if view.can_retry or view.can_change else [],
        "chosen": _choice_of(payment) if payment else None,
        "problem": problem,
    }


def describe(order: Order, payment: Payment | None, count: int = 0) -> View:
    """Order and payment in words, claiming nothing that is not known."""
    label, reason = "", ""
    if payment:
        configured = payments.providers().get(payment.provider)
        label = configured.capabilities.label if configured else payment.provider
        if configured:
            reason = configured.module.explain_failure(payment.failure_code)
    state = _state(order, payment)
    headline, sentence = WORDS[state]
    downloads, credit = [], 0
    if state == "paid":
        downloads = [
            Link(each.name, url_for("orders.download", token=each.token), each.left)
            for each in order.downloads
        ]
        credit = sum(each.amount for each in order.credits)
    mailed = payments.settings().smtp_url
    letter = "The receipt is on its way to your inbox." if mailed else "Your receipt is ready."
    return View(
        state=state,
        headline=headline.format(**_sums(payment)),
        sentence=sentence.format(
            letter=letter, provider=label or "the provider", reason=reason, **_sums(payment)
        ),
        provider_label=label or "The provider",
        steps=_steps(order, payment),
        downloads=downloads,
        credit=credit,
        page_url=_page_to_go_on(payment) if state in ("waiting", "partial") else None,
        qr_image=((payment and payment.way) or {}).get("qr_image"),
        qr_svg=_draw_qr(payment) if payment and state == "scan" else None,
        hosted_page=payment.page_url if payment else None,
        open_until=payment.page_expires_at if payment else None,
        renew_itself=bool(payment and payment.attempt <= RENEWALS),
        money_back=_money_back(order, payment) if payment and state == "paid" else [],
        poll_count=count,
        is_slow=state == "waiting" and _waited(payment) > SLOW,
    )


#: What the shopper is told: headline, sentence.
WORDS = {
    "waiting": (
        "Thanks, we are confirming your payment",
        "{provider} tells us as soon as the payment is through. This page follows by itself.",
    ),
    "left": (
        "You came back without paying?",
        "{provider} says so, but has not confirmed it yet. If you did not pay, you can try again. "
        "If you did, just wait: this page follows by itself.",
    ),
    "closed": (
        "The payment page has closed",
        "{provider} has not told us of a payment. If you did not pay, you can start again. "
        "If you did, just wait: this page follows by itself.",
    ),
    "scan": (
        "Scan to pay {asked}",
        "Open your banking app and scan this code. This page follows by itself.",
    ),
    "scan_over": (
        "This code has expired",
        "If you have just paid with it, wait a moment: this page follows by itself. If not, take "
        "a new one.",
    ),
    "partial": (
        "Part of the payment has arrived",
        "{received} of it is here, {owed} is still open. You can pay the rest on the same page.",
    ),
    "paid": (
        "Thank you. Your order is paid.",
        "{letter}",
    ),
    "held": (
        "Your payment has arrived, and a person is looking at it",
        "Something about it needs a second look. You need not do anything, and please do not pay "
        "again: we write to you within a day.",
    ),
    "short": (
        "Part of the payment has arrived",
        "{received} of it is here, {owed} did not come in time. A person is looking at it, and "
        "writes to you within a day.",
    ),
    "refunded": (
        "This payment was given back",
        "The money goes back the way it came; banks take a few days to show it.",
    ),
    "unpaid": (
        "This order is not paid yet",
        "Nothing was charged. Choose how you would like to pay.",
    ),
    "failed": (
        "The payment did not go through",
        "{reason} Nothing was charged. You can try again, or pay another way.",
    ),
    "canceled": (
        "The payment was canceled",
        "Nothing was charged. Your basket is as you left it, and so is this order.",
    ),
    "expired": (
        "The payment page was open for too long",
        "We have had no payment for this order. You can start again whenever you like.",
    ),
}


def _state(order: Order, payment: Payment | None) -> str:
    given_back = bool(payment and 0 < payment.received <= payment.refunded)
    if payment and (payment.status in ("refunded", "voided") or given_back):
        return "refunded"
    if order.status == "held" and payment and payment.status == "partially_paid":
        return "short"
    if order.status != "open":
        return order.status
    if payment is None or payment.failure_code in NO_PAGE:
        return "unpaid"
    if payment.status in ("failed", "canceled", "expired"):
        return payment.status
    if payment.status == "created" and payment.page_url is None:
        return "unpaid"
    if payment.status == "partially_paid":
        return "partial"
    if payment.hint:
        return "left"
    over = payment.page_expires_at < now()
    if payment.way and payment.way["kind"] == "qr" and payment.returned_at is None:
        return "scan_over" if over else "scan"
    return "closed" if over and payment.returned_at is None else "waiting"


#: The provider never gave a page for this attempt, so no money can have moved.
NO_PAGE = ("rejected", "reference_taken", "foreign_page")


def _steps(order: Order, payment: Payment | None) -> list[Step]:
    back = bool(payment and payment.returned_at)
    paid = order.status == "paid"
    owed = [task for task in order.tasks if not task.kind.startswith("refund:")] if paid else []
    packed = bool(owed) and all(task.done_at for task in owed)
    last = "Being packed" if order.needs_shipping else "Ready for you"
    facts = [
        ("Left for the payment page", payment is not None),
        ("Back with us", back or paid),
        (f"Confirmed by {_label(payment)}", paid),
        (last, packed),
    ]
    first_open = next((label for label, done in facts if not done), None)
    return [Step(label, done, label == first_open) for label, done in facts]


def _money_back(order: Order, paying: Payment) -> list[str]:
    """What of the shopper's money goes back: some of the payment, or another that came too."""
    said = []
    if paying.refunded:
        said.append(f"{money.show(paying.refunded, paying.currency)} was given back.")
    for other in order.payments:
        if other.id != paying.id and other.received:
            received = money.show(other.received, other.currency)
            came = "that was" if other.refunded >= other.received else "you get that"
            said.append(
                f"You paid a second time, {received} with {_label(other)}: {came} given back."
            )
    return said


def _page_to_go_on(payment: Payment | None) -> str | None:
    """The provider's page, for somebody who left it without coming back through it."""
    if payment is None:
        return None
    unused = payment.status in payments.OPEN and payment.returned_at is None
    if not unused and payment.status != "partially_paid":
        return None
    if payment.way and payment.way["kind"] in ("form", "embed"):
        return url_for("orders.pay_here", order_id=payment.order_id)
    return payment.page_url


def _draw_qr(payment: Payment) -> str:
    """The code as an SVG element; dark on a light ground in both themes, or cameras fail."""
    code = segno.make(payment.way["payload"] if payment.way else "", error="m", micro=False)
    return code.svg_inline(scale=4, border=4, dark="#1d1a16", light="#fff", omitsize=True)


def _choice_of(payment: Payment) -> str:
    return f"{payment.provider}/{payment.method}" if payment.method else payment.provider


def _sums(payment: Payment | None) -> dict[str, str]:
    """What has come and what is owed, for people."""
    if payment is None:
        return {"asked": "", "received": "", "owed": ""}
    owed = payment.amount - payment.received
    return {
        "asked": money.show(payment.amount, payment.currency),
        "received": money.show(payment.received, payment.currency),
        "owed": money.show(owed, payment.currency),
    }


def _label(payment: Payment | None) -> str:
    configured = payments.providers().get(payment.provider) if payment else None
    return configured.capabilities.label if configured else "the provider"


def _waited(payment: Payment | None) -> timedelta:
    return now() - (payment.returned_at or payment.created_at) if payment else timedelta()


def _private(response: Response) -> Response:
    """Orders are nobody else's: kept in no cache."""
    response.headers["Cache-Control"] = "no-store"
    return response
