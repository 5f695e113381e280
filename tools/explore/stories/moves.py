"""What shoppers, providers and workers do: the words of scenarios and meetings.

Each function gives a move. A shopper's moves take ``who``, another word being another browser.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select, update

import jobs
import payments
from database import db, transaction
from jobs.outbox import OWN, REFUNDS, work_off_lane
from models import Credit, Order, Payment, Product
from sandbox import deliveries
from sandbox.models import Delivery
from sandbox.models import db as sandbox_db
from tests.providers import case_of
from tools.demo.plays import scan_the_newest_code
from tools.explore.browser import Browser, order_of
from tools.explore.points import acting
from tools.explore.stories import Move
from tools.explore.wire import SANDBOX, SHOP
from tools.explore.world import World
from tools.shopper import filled

ONE_OF_EACH = ("bud-vase", "cookbook", "gift-card")  # a parcel, a download, credit
NOTHING: Mapping[str, str] = {}
TRIES = 3  # of a shopper who sees no page to pay on
TRY_AGAIN_AFTER = timedelta(seconds=20)  # the shopper reads the page, and presses again


def at_the_checkout(*slugs: str, currency: str = "USD", who: str = "ann") -> Move:
    """A cart is filled and the checkout's page is open."""

    def move(world: World) -> None:
        browser = browser_of(world, who)
        world.wait(seconds=1)  # so that no two orders are equally old
        browser.fill_in(f"{SHOP}/", "/currency", currency=currency)
        for slug in slugs or ONE_OF_EACH:
            browser.add(slug)
        browser.open_checkout()

    return move


def buy_a_card(provider: str = "mintcash") -> Move:
    """Another shopper buys a gift card over 25 dollars; its code is in the letter."""
    return after(
        at_the_checkout("gift-card", who="giver"),
        press_pay(provider, who="giver"),
        pay_and_leave(who="giver"),
        deliver,
        fulfil,
    )


def use_the_card(who: str = "ann") -> Move:
    """The newest card's code is typed at the checkout, which then says what is left to pay."""

    def move(world: World) -> None:
        with acting(None), world.shop.app_context():
            newest = select(Credit.code).order_by(Credit.id.desc()).limit(1)
            code = db.session.scalars(newest).one()
        browser = browser_of(world, who)
        form = {**browser.notes["form"], "credit_code": code}
        page = browser.post(f"{SHOP}/checkout", **form, use_credit="1", provider="mintcash")
        browser.notes["form"] = {**form, "shown": filled(page.text, "/checkout")["shown"]}

    return move


def press_pay(choice: str, who: str = "ann") -> Move:
    """The checkout's button; where no page comes of it, the shopper tries again a little later."""

    def move(world: World) -> None:
        browser = browser_of(world, who)
        _go_to_pay(world, browser, browser.press_pay(choice), choice)

    return move


def choose_again(choice: str, who: str = "ann") -> Move:
    """Another way to pay, on the page of the newest order."""

    def move(world: World) -> None:
        browser = browser_of(world, who)
        page = browser.choose_again(newest_order(world), choice)
        _go_to_pay(world, browser, page, choice)

    return move


def _go_to_pay(world: World, browser: Browser, page: str, choice: str) -> None:
    for _ in range(TRIES):
        if page.endswith("/pay"):
            page = _post_our_form(browser, page)
        is_code = "/qr" in choice and "QR code to pay" in browser.get(page).text
        if page.startswith(SANDBOX) or is_code:
            break
        world.wait(seconds=TRY_AGAIN_AFTER.total_seconds())
        order_id = order_of(page)
        page = browser.choose_again(order_id, choice) if order_id else browser.press_pay(choice)
    browser.notes.setdefault("pages", []).append((page, choice.partition("/")[0]))


def _post_our_form(browser: Browser, page: str) -> str:
    """A page of ours with a form that the browser sends to the provider."""
    form = browser.get(page).text
    (action,) = re.findall(f'action="({SANDBOX}/[^"]+)"', form)
    return browser.post(action, **filled(form, action)).url


def post_our_form(world: World) -> None:
    """Once more, for the newest order: to the provider that is another payment."""
    page = _post_our_form(world.browser, f"{SHOP}/orders/{newest_order(world)}/pay")
    world.browser.notes["pages"].append((page, "wipay"))


def pay(typed: Mapping[str, str] = NOTHING, *, nth: int = -1, who: str = "ann") -> Move:
    """The provider's page is filled in, as is usual there but for what is ``typed``.

    ``nth``: which of the pages to which this browser was sent; the newest, if that is not said.
    """

    def move(world: World) -> None:
        browser = browser_of(world, who)
        page, provider = browser.notes["pages"][nth]
        if page.startswith(SANDBOX):
            browser.pay_there(page, provider, **typed)

    return move


def pay_and_leave(typed: Mapping[str, str] = NOTHING, *, nth: int = -1, who: str = "ann") -> Move:
    """The tab is closed before the shop is seen again."""
    return pay({"fault": "close_tab", **typed}, nth=nth, who=who)


def pay_and_come_back(world: World) -> None:
    """In a tab of its own, whose order page is not looked at."""
    browser = Browser(world)
    browser.looks = False
    page, provider = browser.notes["pages"][-1]
    browser.pay_there(page, provider)


def declined(world: World) -> None:
    """With what the provider of the newest page declines."""
    _, provider = world.browser.notes["pages"][-1]
    pay(case_of(provider).page.declines or NOTHING)(world)


def scan_the_code(world: World) -> None:
    """The newest code that the sandbox has drawn."""
    scan_the_newest_code(world.browser)


def open_downloads(world: World) -> None:
    """Every file that the newest order's page offers is fetched."""
    page = world.browser.get(f"{SHOP}/orders/{newest_order(world)}").text
    for path in re.findall(r'href="(/downloads/[^"]+)"', page):
        world.browser.get(SHOP + path)


def read_the_book(world: World) -> None:
    """Every chapter of the newest order's book."""
    page = world.browser.get(f"{SHOP}/orders/{newest_order(world)}").text
    for book in re.findall(r'href="(/orders/[^"]+/read/[^"]+)"', page):
        contents = world.browser.get(SHOP + book).text
        for path in re.findall(rf'href="({book}/[^"]+)"', contents):
            world.browser.get(SHOP + path)


def type_the_return(world: World) -> None:
    """A shopper who has not paid opens the address to which the provider would lead back."""
    world.browser.get(f"{SHOP}/orders/{newest_order(world)}/return/mintcash?status=success")


# ------------------------------------------------------------------ the provider


def faults(**chosen: str) -> Move:
    """What goes wrong at the provider from here on, in the sandbox's words."""

    def move(world: World) -> None:
        world.browser.post(f"{SANDBOX}/control/faults", **chosen)

    return move


def with_account(provider: str, **changes: object) -> Move:
    """The shop's account at a provider has other settings."""

    def move(world: World) -> None:
        world.notes.setdefault("accounts", {})[provider] = changes
        world.configure()

    return move


def providers_are_away(world: World) -> None:
    """They do not answer the shop any more."""
    world.notes["providers are away"] = True


def mail_takes_no_files(world: World) -> None:
    """From here on the mail server refuses letters with a file."""
    world.notes["no files by mail"] = True
    world.configure()


def lose_the_answer_to(call: str) -> Move:
    """The next call with this in it is done, and its answer is lost."""

    def move(world: World) -> None:
        world.notes["lost answer"] = call

    return move


def deliver(world: World) -> None:
    """Every webhook that is due."""
    world.deliver()


def deliver_one(world: World) -> None:
    world.deliver(1)


def deliver_pending(world: World) -> None:
    """Of all that is due, only what says that a payment is pending."""
    with world.sandbox.app_context():
        pending = Delivery.event.endswith("pending")
        due = select(Delivery).where(Delivery.state == "waiting", pending).order_by(Delivery.id)
        for delivery in sandbox_db.session.scalars(due).all():
            deliveries.send(delivery)


def happens(action: str, amount: str = "", number: int = -1) -> Move:
    """At the provider, without the shop asking: an action of the sandbox's ledger."""

    def move(world: World) -> None:
        with acting(None):
            lines = [each for each in world.ledger() if action in each["actions"]]
            if lines:
                url = f"{SANDBOX}/control/payments/{lines[number]['number']}"
                world.browser.post(url, action=action, amount=amount)

    return move


# ------------------------------------------------------------------ time, workers, the shelf


def wait(**time: float) -> Move:
    def move(world: World) -> None:
        world.wait(**time)

    return move


def fulfil(world: World) -> None:
    """A worker that a message has woken."""
    world.work(jobs.work_off_outbox)


def do_own_work(world: World) -> None:
    """A worker in one lane of the outbox: parcels, downloads, credit, receipts."""
    world.work(lambda: work_off_lane(OWN))


def send_refunds(world: World) -> None:
    """A worker in another lane."""
    world.work(lambda: work_off_lane(REFUNDS))


def sweep(world: World) -> None:
    """A worker's minute is over."""
    world.work(jobs.sweep)


def check(world: World) -> None:
    """A worker asks the provider about the newest payment."""
    with acting(None), world.shop.app_context():
        newest = select(Payment.id).order_by(Payment.created_at.desc(), Payment.attempt.desc())
        payment_id = db.session.scalars(newest.limit(1)).one()
    world.work(lambda: payments.check_payment(payment_id))


def stock(slug: str, left: int) -> Move:
    """So many are left on the shelf; the audit begins to count there."""

    def move(world: World) -> None:
        with world.shop.app_context(), transaction() as session:
            session.execute(update(Product).where(Product.slug == slug).values(stock=left))
        world.count_stock()

    return move


def after(*moves: Move) -> Move:
    """One after the other, as a preparation."""

    def move(world: World) -> None:
        for each in moves:
            each(world)

    return move


# ------------------------------------------------------------------ found out


def browser_of(world: World, who: str) -> Browser:
    return world.browser if who == world.browser.who else Browser(world, who)


def newest_order(world: World) -> str:
    with acting(None), world.shop.app_context():
        newest = select(Order.id).order_by(Order.created_at.desc()).limit(1)
        return db.session.scalar(newest) or ""


#: One of each kind of goods is in the cart, and the checkout's page is open.
START = at_the_checkout()
#: The webhooks of a payment come, and a worker does what is owed.
PAID = (deliver, fulfil)
