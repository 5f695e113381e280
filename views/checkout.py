"""Checkout: contact, address, provider, one button; then off to the provider's page."""

from contextlib import suppress

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    Optional,
    Regexp,
    ValidationError,
)

import jobs
import payments
from addresses import emails
from addresses.countries import COUNTRIES, POSTAL_CODE_REQUIRED
from database import db, now, transaction
from models import Customer, Order, OrderLine, Product, Subscription, random_id
from providers import money
from providers.contract import ProviderError

from .cart import load_cart, remember_order
from .choices import choices
from .credit import EMPTY, Share, share_of

bp = Blueprint("checkout", __name__)

#: No control characters, which providers refuse, and no other line breaks.
ONE_LINE = Regexp(
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$", message="Please leave out line breaks and tabs."
)


class ContactForm(FlaskForm):  # type: ignore[misc]
    """Name, e-mail, and how to pay."""

    name = StringField(
        "Name", [DataRequired("Please tell us your name."), Length(max=120), ONE_LINE]
    )
    email = StringField(
        "E-mail",
        [
            DataRequired("Please give an e-mail address."),
            Length(max=254),
        ],
    )
    provider = RadioField(
        "Payment", [InputRequired("Please choose how to pay.")], validate_choice=True
    )

    credit_code = StringField("Gift card code", [Optional(), Length(max=60), ONE_LINE])

    def validate_email(self, field: StringField) -> None:
        """:raise ValidationError: undeliverable, or too long for the chosen provider."""
        try:
            address = emails.deliverable(field.data)
        except emails.Undeliverable as error:
            raise ValidationError(str(error)) from None
        chosen = payments.providers().get(_provider_of(self))
        limit = chosen.capabilities.longest_email if chosen else None
        if chosen and limit and len(address) > limit:
            raise ValidationError(
                f"{chosen.capabilities.label} takes e-mail addresses of up to {limit} characters. "
                "Please give a shorter one, or pay another way."
            )


class ShippingForm(ContactForm):
    """The same, with the address of the parcel."""

    line1 = StringField(
        "Street and number", [DataRequired("Where should we send it?"), Length(max=120), ONE_LINE]
    )
    line2 = StringField("Apartment, floor", [Optional(), Length(max=120), ONE_LINE])
    city = StringField("City", [DataRequired("Which city?"), Length(max=80), ONE_LINE])
    postal_code = StringField("Postal code", [Length(max=20), ONE_LINE])
    region = StringField("State or region", [Optional(), Length(max=80), ONE_LINE])
    country = SelectField(
        "Country",
        [DataRequired("Which country?")],
        choices=[
            SelectChoice("", "Choose a country"),
            *(SelectChoice(code, name) for code, name in COUNTRIES.items()),
        ],
    )

    def validate_postal_code(self, field: StringField) -> None:
        """:raise ValidationError: it is missing, and this country's post requires it."""
        if not (field.data or "").strip() and self.country.data in POSTAL_CODE_REQUIRED:
            raise ValidationError("Which postal code?")


@bp.get("/checkout")
def show() -> ResponseReturnValue:
    cart = load_cart()
    if cart.is_empty or cart.has_errors:
        return redirect(url_for("cart.show"))
    share = Share(cart)
    return _page(_form(share), share)


@bp.post("/checkout")
def submit() -> ResponseReturnValue:
    """Make the order once, however often the button is pressed, and leave for the provider.

    409 when the page showed other goods or another price than the cart has now, or another sum
    from a gift card. 404 where there is no such card: guesses are counted by that.
    """
    cart = load_cart()
    if cart.is_empty:
        return redirect(_paid_order() or url_for("cart.show"), code=303)
    shown = request.form.get("shown", "")
    share = share_of(cart, request.form.get("credit_code", ""), shown)
    form = _form(share)
    if "use_credit" in request.form or share.problem:
        return _show_share(form, share)
    if cart.has_errors or shown != share.shown:
        return _page(form, share, problem=_what_changed(share)), 409
    if not form.validate():
        return _page(form, share), 422
    try:
        order_id = place_order(share, form)
        remember_order(order_id, cart)
        _forget_other_order(order_id)
        if not share.to_pay:
            return pay_with_credit(order_id)
        return leave_to_pay(order_id, form.provider.data)
    except payments.CreditGone:
        share = share_of(cart, form.credit_code.data or "")
        return _page(_form(share), share, problem=_what_changed(share)), 409
    except ProviderError as error:
        return _page(form, share, problem=error.shopper), 502


def _show_share(form: ContactForm, share: Share) -> ResponseReturnValue:
    """The page once more, with what the card pays or why it pays nothing."""
    problem = share.problem or ("" if share.amount else EMPTY)
    if not problem:
        return _page(form, share)
    form.credit_code.errors = [problem]
    return _page(form, share), 404 if share.guessed else 422


def _what_changed(share: Share) -> str:
    cart = share.cart
    if cart.has_errors:
        return (
            "Part of your cart was sold since this page was opened. "
            "Please change the cart where it is marked."
        )
    if share.amount:
        return (
            f"Your gift card pays {money.show(share.amount, cart.currency)} of this order, and "
            f"{money.show(share.to_pay, cart.currency)} is left to pay. Please press the button "
            "again."
        )
    return (
        "Your cart or a price has changed since this page was opened: the total is now "
        f"{money.show(cart.total, cart.currency)}. Please check your order and press Pay again."
    )


def _paid_order() -> str | None:
    """The page of this session's last order, when its payment has emptied the cart."""
    order = db.session.get(Order, session.get("order_id", ""))
    return url_for("orders.show", order_id=order.id) if order and order.status != "open" else None


def leave_to_pay(order_id: str, choice: str) -> ResponseReturnValue:
    """A 303 to the page where this choice is paid, or to the order if it needs no payment.

    ``choice`` is the value of a ``Choice``.

    :raise ProviderError: there is no page.
    """
    provider, _, method = choice.partition("/")
    try:
        url = payments.start(order_id, provider, method)
    except payments.OrderClosed:
        jobs.wake_fulfilment()  # the provider may just have reported it paid
        return redirect(url_for("orders.show", order_id=order_id), code=303)
    jobs.wake_fulfilment()  # news that arrived before the page may have paid the order
    jobs.wake_checks(order_id)
    return redirect(url or url_for("orders.pay_here", order_id=order_id), code=303)


def pay_with_credit(order_id: str) -> ResponseReturnValue:
    """The order is paid by its gift card: on to its page.

    :raise CreditGone: the card no longer covers it.
    """
    payments.pay_with_credit(order_id)
    jobs.wake_fulfilment()
    return redirect(url_for("orders.show", order_id=order_id), code=303)


def _forget_other_order(order_id: str) -> None:
    """The cart was changed after "Pay": its earlier order must not be paid by mistake."""
    before = session.get("order_id")
    session["order_id"] = order_id
    if before and before != order_id:
        payments.replace_order(before, order_id)
        jobs.wake_checks(before)


def place_order(share: Share, form: ContactForm) -> str:
    """The order of this cart: a new one, or the one that an earlier press made.

    Prices come from the database, never from the browser.

    :raise CreditGone: so much is not left on the gift card.
    """
    cart = share.cart
    contact = {
        name: (field.data or "").strip()
        for name, field in form._fields.items()
        if name not in ("provider", "credit_code", "csrf_token")
    }
    contact["email"] = emails.deliverable(contact["email"])
    if share.amount:
        _free_earlier(share)
    try:
        with transaction() as session:
            order = session.scalar(select(Order).where(Order.cart_key == share.key))
            reserve = False
            if order is None:
                order = Order(
                    cart_key=share.key,
                    status="open",
                    currency=cart.currency,
                    total=cart.total,
                    credit=share.amount,
                )
                if cart.every_days:
                    order.id = order.subscription_id = random_id()
                    order.period_start = now()
                reserve = bool(share.amount)
                order.lines = [
                    OrderLine(
                        product_id=_product_id(line.product.slug),
                        name=line.product.name,
                        fulfilment=line.product.fulfilment,
                        unit_price=line.unit_price,
                        quantity=line.quantity,
                    )
                    for line in cart.lines
                ]
            if order.status == "open":
                for name, value in contact.items():
                    setattr(order, name, value)
                order.customer_id = find_or_add_customer(contact["email"])
            session.add(order)
            session.flush()
            if order.subscription_id and order.subscription is None:
                session.add(Subscription(order_id=order.id, every_days=cart.every_days))
            if reserve:
                payments.reserve(order, share.credit_id)
            return order.id
    except IntegrityError:  # a concurrent press inserted it first
        order_id = db.session.scalar(select(Order.id).where(Order.cart_key == share.key))
        if order_id is None:
            raise
        return order_id


def _free_earlier(share: Share) -> None:
    """The session's earlier order gives way: what it reserved is free for this one."""
    with transaction() as shop:
        before = shop.get(Order, session.get("order_id", ""))
        if before and before.credit and before.status == "open" and before.cart_key != share.key:
            payments.free(before.id)


def find_or_add_customer(email: str) -> str:
    """The same customer for the same address, however it is spelled."""
    key = emails.customer_key(email)
    known = select(Customer.id).where(Customer.email == key)
    customer_id = db.session.scalar(known)
    if customer_id is None:
        # A concurrent request may insert it first.
        with suppress(IntegrityError), db.session.begin_nested():
            db.session.add(Customer(email=key))
        customer_id = db.session.scalars(known).one()
    return customer_id


def _product_id(slug: str) -> int:
    return db.session.scalars(select(Product.id).where(Product.slug == slug)).one()


def _provider_of(form: ContactForm) -> str:
    """The chosen provider's name; blank where none is asked."""
    return ((form.provider and form.provider.data) or "").partition("/")[0]


def _form(share: Share) -> ContactForm:
    cart = share.cart
    form = ShippingForm() if cart.needs_shipping else ContactForm()
    on_offer = [
        choice for choice in choices(cart.currency, cart.every_days > 0) if choice.available
    ]
    form.provider.choices = [SelectChoice(choice.value, choice.label) for choice in on_offer]
    if not share.to_pay:
        del form.provider
    elif len(on_offer) == 1 and not form.provider.data:
        form.provider.data = on_offer[0].value
    return form


def _page(form: ContactForm, share: Share, problem: str | None = None) -> str:
    return render_template(
        "checkout/show.html",
        form=form,
        cart=share.cart,
        share=share,
        needs_shipping=share.cart.needs_shipping,
        providers=choices(share.cart.currency, share.cart.every_days > 0),
        can_save_cards=any(each.capabilities.saves_cards for each in payments.providers().values()),
        problem=problem,
    )
