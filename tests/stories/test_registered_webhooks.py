"""A webhook that was registered by the command: what it takes until its deliveries prove money."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import requests
from click.testing import Result
from flask.cli import FlaskGroup

from ..request_network import pay_link
from ..sandboxed import HITPAY, Answer, ShopAndSandbox


def pay_by_card(shop: ShopAndSandbox) -> None:
    shop.press(shop.url, **HITPAY)


def pay_by_wallet(shop: ShopAndSandbox) -> None:
    pay_link(shop, "12.00")


@dataclass(frozen=True)
class Registering:
    """A provider whose webhook a command registers: its setting, and the account's fields."""

    name: str
    setting: str
    proves: str
    pay: Callable[[ShopAndSandbox], None]
    #: Fields that would prove its other webhooks, which no command registers.
    also_proves: tuple[str, ...] = ()

    def register(self, shop: ShopAndSandbox, *arguments: str) -> Result:
        """``flask --app app register-webhook …``, in the sandbox."""
        command_line = FlaskGroup(create_app=lambda: shop.app, load_dotenv=False)
        arguments = ("register-webhook", self.name, *arguments)
        return shop.app.test_cli_runner().invoke(command_line, arguments)

    def secrets(self, shop: ShopAndSandbox) -> tuple[str, ...]:
        account = shop.app.extensions["providers"][self.name].account
        found: tuple[str, ...] = getattr(account, self.proves)
        return found

    def restart_with(self, shop: ShopAndSandbox, secrets: tuple[str, ...]) -> None:
        """As if the setting held these, and no other setting proved anything."""
        found = shop.app.extensions["providers"][self.name]
        fields = dict.fromkeys(self.also_proves, ()) | {self.proves: secrets}
        account = replace(found.account, **fields)
        shop.app.extensions["providers"][self.name] = replace(found, account=account)

    def buy(self, shop: ShopAndSandbox) -> None:
        shop.check_out(self.name)
        self.pay(shop)
        shop.deliver()


each_provider = pytest.mark.parametrize(
    "provider",
    [
        Registering("hitpay", "HITPAY_WEBHOOK_SALT", "webhook_salts", pay_by_card, ("salts",)),
        Registering(
            "request_network", "REQUEST_NETWORK_WEBHOOK_SECRET", "webhook_secrets", pay_by_wallet
        ),
    ],
    ids=lambda each: each.name,
)


@each_provider
def test_the_endpoint_of_the_dashboard_is_found(
    shop: ShopAndSandbox, provider: Registering
) -> None:
    result = provider.register(shop)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing was registered" in result.stderr


@each_provider
def test_the_printed_secret_proves_what_the_new_endpoint_is_told(
    shop: ShopAndSandbox, provider: Registering
) -> None:
    name, _, secret = provider.register(shop, "--replace").stdout.strip().partition("=")
    provider.restart_with(shop, (secret,))

    provider.buy(shop)

    assert name == provider.setting
    assert shop.state == "paid"
    assert "nothing was registered" in provider.register(shop).stderr


@each_provider
def test_until_the_printed_secret_is_set_the_order_waits_and_is_then_asked_about(
    shop: ShopAndSandbox, provider: Registering
) -> None:
    """Deliveries are refused, and no money is lost: the provider's answer proves it, too."""
    old = provider.secrets(shop)
    provider.register(shop, "--replace")
    provider.restart_with(shop, old)

    provider.buy(shop)
    assert shop.state == "waiting"
    shop.check_payments()

    assert shop.state == "paid"


@each_provider
@pytest.mark.parametrize("is_made", [True, False])
def test_a_lost_answer_costs_a_second_run(
    shop: ShopAndSandbox, provider: Registering, is_made: bool
) -> None:
    """Made or not: the second run says which, and a third has the secret where it was made."""

    def lose(call: str) -> None:
        if call.startswith("POST "):
            raise requests.ConnectionError("the line was cut")

    def refuse(call: str) -> Answer | None:
        return (502, {}, "<h1>Bad gateway</h1>") if call.startswith("POST ") else None

    with pytest.MonkeyPatch.context() as patch:
        if is_made:
            patch.setattr(shop, "answered", lose)
        else:
            patch.setattr(shop, "instead", refuse)
        lost = provider.register(shop, "--replace")
    again = provider.register(shop)
    line = again.stdout or provider.register(shop, "--replace").stdout

    assert (lost.exit_code, lost.stdout) == (1, "")
    assert "it may have been done: run this again" in lost.stderr
    assert ("run this with --replace" in again.stderr) is is_made
    assert line.startswith(f"{provider.setting}=")
