"""Name, e-mail address and postal address: what is asked of whom, and what becomes of it."""

import re
from collections.abc import Callable

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from addresses.countries import reading_order
from database import db
from models import Credit, Customer, Mail, Order, Parcel
from providers import FOLDERS

from .. import mintcash
from ..books import Books
from ..sandboxed import ShopAndSandbox
from ..shopper import Shopper

#: One database will do: nothing here depends on it.
each_test_on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


# ------------------------------------------------------------------ the address


def without_code(shopper: Shopper, country: str) -> int:
    shopper.add("candle")
    return shopper.check_out(country=country, postal_code=" ").status_code


@each_test_on_sqlite
@pytest.mark.parametrize(
    "country", ["AE", "HK", "GD", "GY", "JM", "TT", "QA", "BB", "IE", "PA", "ZW", "MO"]
)
def test_no_postal_code_is_asked_for_where_there_is_none(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, country: str
) -> None:
    """S02: odoo#985, woocommerce#50752; and the provider is not told a blank one."""
    assert without_code(shopper, country) == 303
    assert "billing" not in mintcash_api.calls[0]
    assert books.order.postal_code == ""


@each_test_on_sqlite
@pytest.mark.parametrize("country", ["US", "CA", "AU", "BR", "DE", "FR", "GB", "JP", "IN", "SG"])
def test_a_postal_code_is_asked_for_where_post_needs_it(
    shopper: Shopper, mintcash_api: mintcash.Api, country: str
) -> None:
    """S02."""
    assert without_code(shopper, country) == 422
    assert mintcash_api.calls == []


@each_test_on_sqlite
def test_state_or_region_is_kept_and_stands_in_every_address(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S02: django-oscar#575."""
    shopper.add("candle")
    usual = {"line1": "1 Kiln Road", "city": "Portland", "postal_code": "97201", "country": "US"}
    shopper.check_out(**usual, region=" Oregon ")
    shopper.deliver(*mintcash.event(mintcash_api.newest, "succeeded"))
    books.work()

    lines = "1 Kiln Road\n97201 Portland\nOregon\nUnited States"
    assert books.order.region == "Oregon"
    with books.open():
        assert db.session.scalars(select(Parcel.address)).one() == f"Ann Example\n{lines}"
    receipt = shopper.get(f"/orders/{books.order.id}/receipt").text
    assert lines in receipt
    assert "Oregon" in shopper.get(f"/console/orders/{books.order.id}").text


@each_test_on_sqlite
@pytest.mark.parametrize("text", ["a\nb", "x" * 81])
def test_a_region_keeps_the_rules_of_a_line(
    shopper: Shopper, mintcash_api: mintcash.Api, text: str
) -> None:
    shopper.add("candle")

    assert shopper.check_out(region=text).status_code == 422


@each_test_on_sqlite
def test_countries_are_sorted_as_people_read_them(shopper: Shopper) -> None:
    """S22: react-country-region-selector#178."""
    shopper.add("candle")
    page = shopper.get("/checkout").text
    names = re.findall(r'<option value="[A-Z]{2}">([^<]+)<', page)

    assert len(names) > 200
    assert names.index("Åland Islands") < names.index("Albania") < names.index("Zimbabwe")
    assert names.index("Costa Rica") < names.index("Côte d’Ivoire") < names.index("Croatia")
    assert names.index("Rwanda") > names.index("Réunion") > names.index("Qatar")
    assert [reading_order(each) for each in names] == sorted(map(reading_order, names))


# ------------------------------------------------------------------ the name

NAMES = {
    "no-break space": "Ann\u00a0Example",
    "Persian, ZWNJ": "علی\u200cرضا",
    "Sinhala, ZWJ": "ශ්\u200dරී",
    "emoji sequence": "👩\u200d🚀 Zoë",
    "ideographic space": "Ann\u3000Example",
    "soft hyphen": "Ann\u00adExample",
    "right-to-left mark": "\u200fدانا",
    "private use": "Ann \ue000",
    "as long as can be": "ß" * 120,
}


@each_test_on_sqlite
@pytest.mark.parametrize("provider", FOLDERS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_name_that_the_form_takes_is_taken_by_every_provider(
    shop: ShopAndSandbox, provider: str, name: str
) -> None:
    """S16: bitchat#1699, persian.js#20. Nothing documents what characters a name may have."""
    shop.shopper.add("cookbook")

    answer = shop.shopper.check_out(provider=provider, name=name)

    assert answer.status_code == 303, answer.text
    assert shop.books.order.name == name


@each_test_on_sqlite
@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029])
def test_control_characters_are_refused_at_the_field(
    shopper: Shopper, mintcash_api: mintcash.Api, code: int
) -> None:
    """S16: before a provider does."""
    shopper.add("cookbook")

    answer = shopper.check_out(name=f"Ann{chr(code)}Example")

    assert answer.status_code == 422
    assert "Please leave out line breaks and tabs." in answer.text


# ------------------------------------------------------------------ the e-mail address


def long_email(characters: int, domain: str = "example.com") -> str:
    return "a" * (characters - len(domain) - 1) + f"@{domain}"


@each_test_on_sqlite
@pytest.mark.parametrize(
    ("email", "fits"),
    [
        (long_email(50), True),
        (long_email(51), False),
        (long_email(50, "exämple.com"), False),  # longer by its ASCII form: xn--exmple-cua.com
    ],
    ids=["50", "51", "50_with_an_umlaut"],
)
def test_an_address_longer_than_the_provider_takes_is_said_at_the_field(
    shop: ShopAndSandbox, email: str, fits: bool
) -> None:
    """S16: simplify-payment-gateway#30; wire/wipay.md: e-mail, at most 50 characters."""
    shop.shopper.add("cookbook")

    answer = shop.shopper.check_out(provider="wipay", email=email)

    assert answer.status_code == (303 if fits else 422)
    if not fits:
        field = answer.text.partition('id="email-error"')[2]
        assert "WiPay takes e-mail addresses of up to 50 characters." in field
        assert shop.calls == []
        assert shop.books.count(Order) == 0
        assert shop.shopper.check_out(provider="mintcash", email=email).status_code == 303


@each_test_on_sqlite
@pytest.mark.parametrize("typed", ["Ann@exämple.com", "Ann@EXÄMPLE.com", "Ann@xn--exmple-cua.com"])
def test_letters_and_providers_get_the_domain_in_ascii(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, typed: str
) -> None:
    """P12: python-sparkpost#134, mollie/api-documentation#759, nextcloud/mail#8165."""
    shopper.add("cookbook")
    shopper.check_out(email=typed)
    shopper.deliver(*mintcash.event(mintcash_api.newest, "succeeded"))
    books.work()

    assert mintcash_api.calls[0]["customer"]["email"] == "Ann@xn--exmple-cua.com"
    with books.open():
        assert db.session.scalars(select(Mail.to)).one() == "Ann@xn--exmple-cua.com"
        assert db.session.scalars(select(Customer.email)).one() == "ann@xn--exmple-cua.com"
    for spelling in ("ann@exämple.com", "ANN@Exämple.COM", "ann@xn--exmple-cua.com"):
        found = shopper.post("/orders/find", {"number": books.order.number, "email": spelling})
        assert found.status_code == 303, spelling


@each_test_on_sqlite
@pytest.mark.parametrize("typed", ["zoë@example.com", "straße@example.com", "\u212a@example.com"])
def test_an_address_that_no_letter_reaches_is_said_at_the_field(
    shopper: Shopper, mintcash_api: mintcash.Api, typed: str
) -> None:
    """P12: without SMTPUTF8 there is no way to send there, and S17: it is no other person's."""
    shopper.add("cookbook")

    answer = shopper.check_out(email=typed)

    assert answer.status_code == 422
    assert "Please give one with plain letters before the @." in answer.text
    assert f'value="{typed}"' in answer.text
    assert mintcash_api.calls == []


@each_test_on_sqlite
def test_credit_goes_to_the_address_that_was_typed_and_to_no_one_like_it(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S17: the kind of CVE-2019-19844; IDNA 2008 keeps "ß" and "ss" apart, folding does not."""
    for email in ("ann@strasse.example.com", "ann@straße.example.com", "ANN@STRASSE.example.com"):
        shopper.add("gift-card")
        shopper.check_out(email=email)
        shopper.deliver(*mintcash.event(mintcash_api.newest, "succeeded"))
        books.work()

    with books.open():
        owners = db.session.scalars(
            select(Customer.email).join(Credit, Credit.customer_id == Customer.id)
        ).all()
    assert sorted(owners) == [
        "ann@strasse.example.com",
        "ann@strasse.example.com",
        "ann@xn--strae-oqa.example.com",
    ]


@each_test_on_sqlite
def test_an_order_is_not_found_by_an_address_that_only_folds_to_its_own(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S17."""
    shopper.add("cookbook")
    shopper.check_out(email="kass@example.com")

    for like in ("\u212aass@example.com", "kaß@example.com", "ｋass@example.com", "kass@", ""):
        found = shopper.post("/orders/find", {"number": books.order.number, "email": like})
        assert found.status_code in (404, 422), like
    found = shopper.post(
        "/orders/find", {"number": books.order.number, "email": "KASS@Example.com"}
    )
    assert found.status_code == 303


@each_test_on_sqlite
@pytest.mark.parametrize("smtp", [True, False])
def test_a_receipt_is_promised_only_where_letters_are_sent(
    open_shop: Callable[..., ShopAndSandbox], smtp: bool
) -> None:
    shop = open_shop(smtp_url=SecretStr("smtp://127.0.0.1:1") if smtp else None)
    shop.shopper.add("cookbook")

    page = shop.shopper.get("/checkout").text
    refused = shop.shopper.check_out(email="").text

    assert ("The receipt goes here." in page) is smtp
    assert ("The receipt goes here." in refused) is smtp
    assert "the receipt goes there" not in refused
