"""``flask register-webhook``: what is registered, what is said, and with which exit status."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.cli import FlaskGroup

import config
from providers import PROVIDERS
from providers.contract import Rejected, Unreachable
from providers.optional import RegistersWebhooks, Registration
from providers.settings import SettingsError

from ..conftest import BASE_URL, MakeApp

SECRET = "a-secret-that-is-told-once"
#: A setting that the shop has, for the made-up provider's secret.
SETTING = "metrics_token"
URL = f"{BASE_URL}/webhooks/acme"
PUBLIC = {"payment_environment": "test", "secret_key": "0123456789abcdefghijklmnopqrstuv"}


@dataclass
class Acme:
    """A provider that keeps registrations, and may say the secret of each again."""

    says_it_again: bool = False
    problem: Exception | None = None
    fails_in: str = "find_webhooks"
    endpoints: dict[str, tuple[str, Registration]] = field(default_factory=dict)
    made: int = 0

    def find_webhooks(self, settings: Any, url: str) -> list[Registration]:
        self._fail("find_webhooks")
        found = [each for at, each in self.endpoints.values() if at == url]
        return found if self.says_it_again else [replace(each, secret=None) for each in found]

    def register_webhook(self, settings: Any, url: str) -> Registration:
        self.made += 1
        made = Registration(f"wh_{self.made}", SETTING, f"{SECRET}-{self.made}")
        self.endpoints[made.id] = (url, made)
        self._fail("register_webhook")
        return made

    def delete_webhook(self, settings: Any, webhook_id: str) -> None:
        self._fail("delete_webhook")
        del self.endpoints[webhook_id]

    def _fail(self, where: str) -> None:
        if self.problem and self.fails_in == where:
            raise self.problem


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Acme:
    made = Acme()
    with_acme = {**PROVIDERS, "acme": made}
    monkeypatch.setattr("ops.register_webhook.PROVIDERS", with_acme)
    return made


def run(app: Flask, *arguments: str) -> Result:
    """``flask --app app register-webhook …``"""
    command_line = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return app.test_cli_runner().invoke(command_line, ["register-webhook", *arguments])


def test_the_line_to_set_stands_alone_on_standard_output(
    app: Flask, acme: Acme, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    result = run(app, "acme")

    assert result.exit_code == 0
    assert result.stdout == f"METRICS_TOKEN={SECRET}-1\n"
    assert f"acme delivers to {URL} from now on: wh_1." in result.stderr
    assert SECRET not in result.stderr + caplog.text


@pytest.mark.parametrize(
    "secret",
    [
        "deG6ZBmiNg]9eMaSd]J;)DzKC,4{6^7a^suquQFgl>yfYQ_1r,[lQqr@/VjGs={2",
        "it's#quoted'",
        '"twice"quoted"',
        "back\\slash\\'n",
        "$HOME${HOME}`ls`",
        "'",
    ],
)
def test_the_printed_line_is_read_as_the_secret(
    app: Flask, acme: Acme, tmp_path: Path, secret: str
) -> None:
    acme.register_webhook(None, URL)
    url, made = acme.endpoints["wh_1"]
    acme.endpoints["wh_1"] = (url, replace(made, secret=secret))
    acme.says_it_again = True
    env = tmp_path / ".env"

    env.write_text(run(app, "acme").stdout)

    found = config.Settings(_env_file=env).metrics_token  # type: ignore[call-arg]
    assert found
    assert found.get_secret_value() == secret


def test_a_second_run_finds_the_first_registration_and_changes_nothing(
    app: Flask, acme: Acme
) -> None:
    run(app, "acme")

    result = run(app, "acme")

    assert (result.exit_code, result.stdout, acme.made) == (0, "", 1)
    assert f"acme delivers to {URL} already: nothing was registered." in result.stderr
    assert "wh_1 is not told again; METRICS_TOKEN is not set." in result.stderr


def test_a_secret_that_is_told_again_is_printed_until_it_is_set(
    make_app: MakeApp, acme: Acme
) -> None:
    acme.says_it_again = True
    app = make_app()
    run(app, "acme")

    assert run(app, "acme").stdout == f"METRICS_TOKEN={SECRET}-1\n"
    result = run(make_app(metrics_token=f"{SECRET}-1"), "acme")

    assert result.stdout == ""
    assert "METRICS_TOKEN holds the secret of wh_1." in result.stderr


def test_a_lost_secret_is_replaced_with_every_registration_of_this_address(
    app: Flask, acme: Acme
) -> None:
    """Each would sign with a secret of its own, and the shop refuse what it does not know."""
    for _ in range(2):
        acme.register_webhook(None, URL)
    acme.register_webhook(None, "https://another.example/webhooks/acme")

    result = run(app, "acme", "--replace")

    assert result.stdout == f"METRICS_TOKEN={SECRET}-4\n"
    assert list(acme.endpoints) == ["wh_3", "wh_4"]


def test_a_lost_answer_is_found_by_running_it_again(app: Flask, acme: Acme) -> None:
    acme.problem, acme.fails_in = Unreachable("POST /webhooks: timed out"), "register_webhook"

    lost = run(app, "acme")
    acme.problem = None
    again, replaced = run(app, "acme"), run(app, "acme", "--replace")

    assert (lost.exit_code, lost.stdout) == (1, "")
    assert "it may have been done: run this again. POST /webhooks: timed out" in lost.stderr
    assert "run this with --replace" in again.stderr
    assert replaced.stdout == f"METRICS_TOKEN={SECRET}-2\n"
    assert list(acme.endpoints) == ["wh_2"]


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (Rejected("GET /webhooks: HTTP 401 bad key"), "acme refused. GET /webhooks: HTTP 401 bad"),
        (SettingsError("ACME_API_KEY is not set"), "ACME_API_KEY is not set"),
        (Unreachable("GET /webhooks: timed out"), "No usable answer from acme"),
    ],
)
@pytest.mark.parametrize("step", ["find_webhooks", "register_webhook", "delete_webhook"])
def test_each_refusal_is_a_sentence_and_status_1(
    app: Flask, acme: Acme, problem: Exception, sentence: str, step: str
) -> None:
    if step == "delete_webhook":
        acme.register_webhook(None, URL)
    acme.problem, acme.fails_in = problem, step

    result = run(app, "acme", "--replace")

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"Error: {sentence}" in result.stderr


def test_a_refusal_that_quotes_the_shops_key_is_masked(make_app: MakeApp, acme: Acme) -> None:
    acme.problem = Rejected(f"the key {SECRET} is not known")

    result = run(make_app(metrics_token=SECRET), "acme")

    assert SECRET not in result.output


@pytest.mark.parametrize(
    "name", [name for name, each in PROVIDERS.items() if not isinstance(each, RegistersWebhooks)]
)
def test_a_provider_without_such_a_call_says_where_it_is_registered(app: Flask, name: str) -> None:
    result = run(app, name)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"docs/providers/{name}.md" in result.stderr


def test_a_provider_that_is_not_there_is_a_mistake_of_the_call(app: Flask) -> None:
    result = run(app, "paypal")

    assert result.exit_code == 2
    assert "There is no 'paypal': name one of mintcash," in result.stderr


@pytest.mark.parametrize(
    "base_url",
    ["http://shop.example.org", "https://127.0.0.1", "https://10.0.0.7", "https://shop.local"],
)
def test_a_real_provider_is_only_told_a_public_https_address(
    make_app: MakeApp, acme: Acme, base_url: str
) -> None:
    result = run(make_app(base_url=base_url, **PUBLIC), "acme")

    assert (result.exit_code, acme.made) == (1, 0)
    assert f"BASE_URL is {base_url}, and acme delivers to a public" in result.stderr


def test_a_public_address_is_registered(make_app: MakeApp, acme: Acme) -> None:
    result = run(make_app(base_url="https://shop.example.org", **PUBLIC), "acme")

    assert result.exit_code == 0
    assert acme.endpoints["wh_1"][0] == "https://shop.example.org/webhooks/acme"
