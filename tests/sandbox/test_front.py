"""The front page, the ledger, the controls, and who may use them."""

import re
from html import unescape
from typing import Any

import pytest

from sandbox import config
from sandbox.app import PROXY_HEADERS, create_app
from sandbox.faults import FAULTS
from sandbox.kit import Provider, Settings
from sandbox.registry import PROVIDERS

from .conftest import StartSandbox
from .driver import SECRET_KEY, Receiver, Sandbox


def test_the_front_page_shows_payments_with_their_webhooks(
    sandbox: Sandbox, shop: Receiver
) -> None:
    shop.answers = [(500, "out of tea")]
    sandbox.pay(sandbox.payment(externalId="order-42"))
    sandbox.work()

    page = sandbox.http.get("/").text

    for words in ("order-42", "$49.99", "payment.succeeded", "out of tea", "x-signature"):
        assert words in page


def test_the_front_page_explains_every_fault_setting_and_assumption(sandbox: Sandbox) -> None:
    page = sandbox.http.get("/").text

    own = [fault for provider in PROVIDERS.values() for fault in provider.own_faults]
    for fault in (*FAULTS, *own):
        assert f'value="{fault.key}"' in page
    for name in config.Settings.model_fields:
        assert name.upper() in page
    assert page.count("<li>") == sum(len(provider.assumptions) for provider in PROVIDERS.values())
    assert SECRET_KEY not in page


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in config.Settings.model_fields.values())


def test_the_front_page_is_paged_by_key(sandbox: Sandbox) -> None:
    for number in range(30):
        sandbox.payment(externalId=f"order-{number:02}")

    newest, older = sandbox.http.get("/").text, sandbox.http.get("/?before=6").text

    assert "order-29" in newest
    assert "order-05" in newest
    assert "order-04" not in newest
    assert 'href="/?before=6"' in newest
    assert "order-04" in older
    assert "order-05" not in older


def test_the_ledger_lists_every_payment_in_minor_units(sandbox: Sandbox) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment)
    sandbox.refund(payment, externalId="r", amount=1500)

    assert sandbox.http.get("/ledger.json").json == {
        "payments": [
            {
                "number": 1,
                "provider": "mintcash",
                "id": payment["id"],
                "externalId": "order-1",
                "status": "partially_refunded",
                "amount": 4999,
                "currency": "USD",
                "taken": 4999,
                "refunded": 1500,
                "voided": 0,
                "foreign": {},
                "dispute": None,
                "actions": ["refund", "void"],
                "told": False,  # before the webhooks are sent
            }
        ],
        "next": None,
        "waiting": 3,  # webhooks: pending, succeeded, partially_refunded
    }


def test_the_ledger_goes_on_where_it_stopped(sandbox: Sandbox) -> None:
    for number in range(101):
        sandbox.payment(externalId=f"order-{number}")

    first = sandbox.http.get("/ledger.json").json
    rest = sandbox.http.get(f"/ledger.json?after={first['next']}").json

    assert (len(first["payments"]), len(rest["payments"])) == (100, 1)
    assert rest["payments"][0]["externalId"] == "order-100"
    assert rest["next"] is None


def test_the_ledger_says_how_much_is_still_to_come(sandbox: Sandbox) -> None:
    """A page that will expire, then the webhook that says so; nothing when that is sent."""
    sandbox.payment()
    assert sandbox.http.get("/ledger.json").json["waiting"] == 1

    sandbox.set_clock(advance=3601)
    sandbox.work()

    assert sandbox.http.get("/ledger.json").json["waiting"] == 0


def test_controls_work_as_forms_and_as_json(sandbox: Sandbox) -> None:
    form = sandbox.http.post("/control/clock", data={"speed": "60", "advance": "5"})
    json = sandbox.set_clock(speed=0)

    assert (form.status_code, form.location) == (303, "/")
    assert json.json["speed"] == 0
    assert json.json["now"] >= 5


@pytest.mark.parametrize(
    "numbers", [{"speed": -1}, {"speed": "fast"}, {"speed": "nan"}, {"advance": -1}]
)
def test_a_clock_that_cannot_be_is_refused(sandbox: Sandbox, numbers: dict[str, Any]) -> None:
    assert sandbox.set_clock(**numbers).status_code == 400


def test_the_clock_goes_on_after_a_restart(start_sandbox: StartSandbox) -> None:
    start_sandbox().set_clock(advance=500)

    assert start_sandbox().set_clock().json["now"] >= 500


def test_it_is_healthy(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/healthz").json == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", "/ledger.json", "/mintcash/payments/x", "/healthz"])
def test_clients_on_other_machines_are_refused(sandbox: Sandbox, path: Any) -> None:
    for address in ("192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "64:ff9b::127.0.0.1", ""):
        answer = sandbox.http.get(path, environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(sandbox: Sandbox, address: str) -> None:
    """T14."""
    answer = sandbox.http.get("/healthz", environ_overrides={"REMOTE_ADDR": address})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/ledger.json", "/mintcash/payments/x"])
@pytest.mark.parametrize("name", PROXY_HEADERS)
def test_clients_behind_a_proxy_are_refused(sandbox: Sandbox, path: str, name: str) -> None:
    """T14: it runs on this machine, and calls for clients anywhere."""
    for value in ("for=192.0.2.7", "192.0.2.7", "127.0.0.1", ""):
        assert sandbox.http.get(path, headers={name: value}).status_code == 403


def test_a_foreign_host_name_is_refused(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/control/faults", "/control/clock", "/control/payments/1", "/deliveries/1/send"]
)
@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1", "null"])
def test_forms_of_another_site_are_refused(sandbox: Sandbox, path: Any, origin: str) -> None:
    assert sandbox.http.post(path, headers={"Origin": origin}).status_code == 403


def test_forms_of_the_sandbox_itself_are_accepted(sandbox: Sandbox) -> None:
    headers = {"Origin": "http://localhost"}

    assert sandbox.http.post("/control/clock", headers=headers).status_code == 303


def test_it_refuses_to_start_beside_real_money() -> None:
    with pytest.raises(config.SettingsError, match="PAYMENT_ENVIRONMENT is live"):
        create_app(config.load(payment_environment="live"))


def test_a_setting_that_makes_no_sense_is_named() -> None:
    with pytest.raises(config.SettingsError, match="SANDBOX_MINTCASH_REPLY_SHAPE"):
        config.load(sandbox_mintcash_reply_shape="round")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["no/such/path", "v1/", "x"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_an_unknown_path_is_answered_as_the_provider_answers_errors(
    sandbox: Sandbox, name: str, path: str, method: str
) -> None:
    reply = sandbox.http.open(f"/{name}/{path}", method=method)

    assert reply.status_code == 404
    assert list(reply.json) == list(PROVIDERS[name].envelope(PROVIDERS[name].refused(404)))


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_hosted_page_that_is_not_there_is_a_page(sandbox: Sandbox, name: str) -> None:
    rules = sandbox.app.url_map.iter_rules()
    pages = [each.rule for each in rules if each.endpoint == f"{name}_page.show_page"]

    for path in [re.sub("<[^>]+>", "x", rule) for rule in pages]:
        reply = sandbox.http.get(f"{path}?token=x")

        assert (reply.status_code, reply.mimetype) == (404, "text/html"), path
    assert pages


def test_a_path_of_no_provider_is_no_page(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/no/such/path").mimetype == "text/html"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_settings_and_assumptions_are_folded_by_provider(
    sandbox: Sandbox, provider: Provider[Any]
) -> None:
    page = unescape(sandbox.http.get("/").text)

    summary = f"<summary>{provider.title}: where the documentation is silent, we chose</summary>"
    folded = page.partition(summary)[2].partition("</details>")[0]
    for assumption in provider.assumptions:
        assert assumption in folded
    for name in provider.settings_type.model_fields.keys() - Settings.model_fields.keys():
        assert name.upper() in folded
