"""Checkout: contact, address, provider, one button; then off to the provider's page."""

from contextlib import suppress
from dataclasses import dataclass

from babel.lists import format_list
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
from database import db, transaction
from models import Customer, Order, OrderLine, Product
from providers import money
from providers.contract import Capabilities, Method, ProviderError

from .cards import saved_cards
from .cart import Cart, load_cart, remember_order

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

    def validate_email(self, field: StringField) -> None:
        """:raise ValidationError: undeliverable, or too long for the chosen provider."""
        try:
            address = emails.deliverable(field.data)
        except emails.Undeliverable as error:
            raise ValidationError(str(error)) from None
        chosen = payments.providers().get((self.provider.data or "").partition("/")[0])
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


@dataclass(frozen=True)
class Choice:
    """A way to pay, as the checkout page offers it. ``reason`` says why it cannot be chosen."""

    value: str  # "acme", or "acme/qr" for another way than its page
    provider: str  # its label
    label: str
    takes: str
    note: str
    currencies: tuple[str, ...]
    mark: str
    reason: str

    @property
    def available(self) -> bool:
        return not self.reason

    @property
    def here(self) -> bool:
        """Paid on our page, not on the provider's."""
        return "/qr" in self.value


def choices(currency: str) -> list[Choice]:
    """Every configured way to pay, each available or with the reason why not."""
    found = []
    for configured in payments.providers().values():
        capabilities = configured.capabilities
        name, label = capabilities.name, capabilities.label
        found.append(_choice(name, label, capabilities, currency))
        for method in capabilities.methods:
            found.append(_choice(f"{name}/{method.key}", label, method, currency))
    for card in saved_cards():
        capabilities = payments.providers()[card.provider].capabilities
        name, label, note = capabilities.name, capabilities.label, capabilities.note
        way = Method(
            f"card:{card.card_id}", card.label, "Saved card", note, capabilities.currencies
        )
        found.append(_choice(f"{name}/{way.key}", label, way, currency))
    return found


def _choice(value: str, provider: str, way: Capabilities | Method, currency: str) -> Choice:
    reason = ""
    if currency not in way.currencies:
        takes = format_list(way.currencies, locale="en_001")
        reason = f"{way.label} takes {takes}, not {currency}."
    return Choice(value, provider, way.label, way.takes, way.note, way.currencies, way.mark, reason)


@bp.get("/checkout")
def show() -> ResponseReturnValue:
    cart = load_cart()
    if cart.is_empty or cart.has_errors:
        return redirect(url_for("cart.show"))
    return _page(_form(cart), cart)


@bp.post("/checkout")
def submit() -> ResponseReturnValue:
    """Make the order once, however often the button is pressed, and leave for the provider.

    409 when the page showed other goods or another price than the cart has now.
    """
    cart = load_cart()
    if cart.is_empty:
        return redirect(_paid_order() or url_for("cart.show"), code=303)
    form = _form(cart)
    if cart.has_errors or request.form.get("shown") != cart.fingerprint:
        return _page(form, cart, problem=_what_changed(cart)), 409
    if not form.validate():
        return _page(form, cart), 422
    order_id = place_order(cart, form)
    remember_order(order_id, cart)
    _forget_other_order(order_id)
    try:
        return leave_to_pay(order_id, form.provider.data)
    except ProviderError as error:
        return _page(form, cart, problem=error.shopper), 502


def _what_changed(cart: Cart) -> str:
    if cart.has_errors:
        return (
            "Part of your cart was sold since this page was opened. "
            "Please change the cart where it is marked."
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


def _forget_other_order(order_id: str) -> None:
    """The cart was changed after "Pay": its earlier order must not be paid by mistake."""
    before = session.get("order_id")
    session["order_id"] = order_id
    if before and before != order_id:
        payments.replace_order(before, order_id)
        jobs.wake_checks(before)


def place_order(cart: Cart, form: ContactForm) -> str:
    """The order of this cart: a new one, or the one that an earlier press made.

    Prices come from the database, never from the browser.
    """
    contact = {
        name: (field.data or "").strip()
        for name, field in form._fields.items()
        if name not in ("provider", "csrf_token")
    }
    contact["email"] = emails.deliverable(contact["email"])
    try:
        with transaction() as session:
            order = session.scalar(select(Order).where(Order.cart_key == cart.key))
            if order is None:
                order = Order(
                    cart_key=cart.key, status="open", currency=cart.currency, total=cart.total
                )
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
            return order.id
    except IntegrityError:  # a concurrent press inserted it first
        order_id = db.session.scalar(select(Order.id).where(Order.cart_key == cart.key))
        if order_id is None:
            raise
        return order_id


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


def _form(cart: Cart) -> ContactForm:
    form = ShippingForm() if cart.needs_shipping else ContactForm()
    on_offer = [choice for choice in choices(cart.currency) if choice.available]
    form.provider.choices = [SelectChoice(choice.value, choice.label) for choice in on_offer]
    if len(on_offer) == 1 and not form.provider.data:
        form.provider.data = on_offer[0].value
    return form


def _page(form: ContactForm, cart: Cart, problem: str | None = None) -> str:
    return render_template(
        "checkout/show.html",
        form=form,
        cart=cart,
        needs_shipping=cart.needs_shipping,
        providers=choices(cart.currency),
        can_save_cards=any(each.capabilities.saves_cards for each in payments.providers().values()),
        problem=problem,
    )
