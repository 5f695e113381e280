"""``make provider`` and ``make contract``: what a stranger is given to begin with, and led by."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import contract
from tools.new_provider.__main__ import CannotWrite, write
from views.shop import CURRENCIES

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the new folders need, with a provider called acme."""
    for name in ("providers", "sandbox", "tests", "tools", "addresses"):
        ignored = shutil.ignore_patterns("__pycache__", "browser")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for path in ROOT.glob("*.py"):
        shutil.copy(path, tmp_path)
    write("acme", tmp_path)
    return tmp_path


def run(checkout: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_function_raises_with_the_words_of_the_contract(checkout: Path) -> None:
    lesson = (checkout / "providers/acme/__init__.py").read_text("utf-8")

    for name in ("capabilities", "start_checkout", "read_webhook", "fetch_payment"):
        assert f"def {name}(" in lesson
        assert f"providers/acme lacks {name}(): " in lesson
    assert '"""The shopper pressed "Pay": ask for a hosted page.' in lesson


def test_the_two_registries_get_one_line_each(checkout: Path) -> None:
    for path in ("providers/__init__.py", "sandbox/registry.py"):
        before = (ROOT / path).read_text("utf-8").splitlines()
        after = (checkout / path).read_text("utf-8").splitlines()
        assert [line for line in after if line not in before] == ['    "acme",']
        assert len(after) == len(before) + 1


def test_it_takes_the_currency_in_which_the_stories_buy(checkout: Path) -> None:
    settings = (checkout / "providers/acme/settings.py").read_text("utf-8")

    assert f'acme_currencies: Words = Field(("{CURRENCIES[0]}",' in settings


def test_what_its_lesson_lacks_is_said_when_the_shop_starts(checkout: Path) -> None:
    code = "import config, providers; providers.configured_providers(config.load())"

    ended = run(checkout, code)

    assert "MissingPart: providers/acme lacks capabilities(): What the shop needs" in ended.stderr


def test_its_imitation_shows_a_page_and_takes_a_payment(checkout: Path) -> None:
    code = """
from sandbox import config
from sandbox.app import create_app
app = create_app(config.load(sandbox_database_url="sqlite:///sandbox.db", sandbox_deliver=False))
client, here = app.test_client(), "http://127.0.0.1:5001"
key = {"Authorization": "Bearer sk_test_kiln_and_kettle"}
asked = {
    "amount": 4999,
    "currency": "EUR",
    "reference": "order-1",
    "returnUrl": "http://127.0.0.1:5000/orders/1/return/acme",
}
made = client.post("/acme/v1/payments", base_url=here, json=asked, headers=key).json
path = made["url"].removeprefix(here)
print("€49.99" in client.get(path, base_url=here).text)
print(client.post(path, base_url=here, data={"ending": "pay"}).status_code)
print(client.get(f"/acme/v1/payments/{made['id']}", base_url=here, headers=key).json["status"])
"""

    ended = run(checkout, code)

    assert ended.stdout.split() == ["True", "303", "paid"], ended.stderr


def test_its_page_says_what_to_write_and_make_docs_fills_in_the_rest(checkout: Path) -> None:
    code = (
        "from tools import provider_pages; print(provider_pages.pages()['docs/providers/acme.md'])"
    )

    ended = run(checkout, code)

    assert "Not written yet: where each key is found" in ended.stdout, ended.stderr
    assert "`BASE_URL/webhooks/acme`" in ended.stdout
    assert "| `ACME_API_KEY` | Where the dashboard shows it |" in ended.stdout


@pytest.mark.parametrize("name", ["", "A", "Acme", "9acme", "acme-pay", "a" * 21, "../acme"])
def test_a_name_that_cannot_be_one_is_refused_with_an_example(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="For example: make provider NAME=acme"):
        write(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(checkout: Path) -> None:
    (checkout / "providers/acme/__init__.py").write_text("# mine")

    with pytest.raises(CannotWrite, match="There is a provider of the name acme already"):
        write("acme", checkout)

    assert (checkout / "providers/acme/__init__.py").read_text() == "# mine"


def test_the_name_of_a_test_is_read_as_a_sentence() -> None:
    sentence = contract.sentence_of("test_a_refund_is_made_once[acme-in_parts]", "acme")

    assert sentence == "a refund is made once (in_parts)"


def test_what_keeps_the_tests_from_being_collected_is_the_first_thing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conftest.py").write_text("raise RuntimeError('acme lacks capabilities()')")
    monkeypatch.setattr(contract, "ROOT", tmp_path)

    held, (failure,) = contract.run("acme", (".",))

    assert (held, failure.sentence) == (0, "its tests can be collected")
    assert failure.found == "RuntimeError: acme lacks capabilities()"


def test_a_stage_in_which_no_test_names_the_provider_does_not_hold() -> None:
    held, (failure,) = contract.run("zenith", ("tests/tools/test_audit.py",))

    assert (held, failure.found) == (0, "in none of tests/tools/test_audit.py")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("E   assert 200 == 400\nE    +  where 200", "assert 200 == 400"),
        ("E   AssertionError:\nE     not here", "AssertionError: not here"),
        ("collected 0 items", ""),
    ],
)
def test_what_a_test_found_is_one_line(output: str, reason: str) -> None:
    assert contract.reason_in(output) == reason


def test_a_provider_that_is_not_there_is_named_beside_those_that_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["contract", "acme"])

    assert contract.main() == 2
    assert "No such provider: acme. There are mintcash, " in capsys.readouterr().out


def test_every_stage_of_the_contract_names_tests_that_are_there() -> None:
    for files in contract.STAGES.values():
        assert all((ROOT / path).exists() for path in files)
