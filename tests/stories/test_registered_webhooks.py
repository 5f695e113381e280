"""A webhook that was registered by the command: what it takes until its deliveries prove money."""

from dataclasses import replace

from click.testing import Result
from flask import Flask
from flask.cli import FlaskGroup

from ..sandboxed import HITPAY, ShopAndSandbox


def register(app: Flask, *arguments: str) -> Result:
    """``flask --app app register-webhook hitpay``, in the sandbox."""
    command_line = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return app.test_cli_runner().invoke(command_line, ["register-webhook", "hitpay", *arguments])


def restart_with(shop: ShopAndSandbox, salts: tuple[str, ...]) -> None:
    """As if HITPAY_WEBHOOK_SALT held these, and HITPAY_SALT nothing."""
    found = shop.app.extensions["providers"]["hitpay"]
    account = replace(found.account, salts=(), webhook_salts=salts)
    shop.app.extensions["providers"]["hitpay"] = replace(found, account=account)


def buy(shop: ShopAndSandbox) -> None:
    shop.check_out("hitpay")
    shop.press(shop.url, **HITPAY)
    shop.deliver()


def test_the_endpoint_of_the_dashboard_is_found(shop: ShopAndSandbox) -> None:
    result = register(shop.app)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing was registered" in result.stderr


def test_the_printed_salt_proves_what_the_new_endpoint_is_told(shop: ShopAndSandbox) -> None:
    name, _, salt = register(shop.app, "--replace").stdout.strip().partition("=")
    restart_with(shop, (salt,))

    buy(shop)

    assert name == "HITPAY_WEBHOOK_SALT"
    assert shop.state == "paid"
    assert "nothing was registered" in register(shop.app).stderr


def test_until_the_printed_salt_is_set_the_order_waits_and_is_then_asked_about(
    shop: ShopAndSandbox,
) -> None:
    """Deliveries are refused, and no money is lost: the provider's answer proves it, too."""
    old = shop.app.extensions["providers"]["hitpay"].account.webhook_salts
    register(shop.app, "--replace")
    restart_with(shop, old)

    buy(shop)
    assert shop.state == "waiting"
    shop.check_payments()

    assert shop.state == "paid"
