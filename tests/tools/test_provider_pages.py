"""Each provider's page says how it is used with a real account."""

import re
from pathlib import Path

import pytest
import responses

import config
from app import create_app
from providers import PROVIDERS
from providers.contract import Rejected, Unproven, WrongEnvironment
from tests.providers import cases
from tests.providers.contract import URLS
from tools import provider_pages
from tools.new_provider.__main__ import TEMPLATES

ROOT = Path(__file__).parent.parent.parent
#: What a new provider's page begins with has every heading, in order.
HEADINGS = re.findall(r"(?m)^### (.+)$", (TEMPLATES / "page.md.txt").read_text("utf-8"))
DOCUMENTS = [
    path for each in ("*.md", "docs/*.md", "docs/providers/*.md") for path in ROOT.glob(each)
]


def real_account(name: str) -> dict[str, str]:
    """The text under each heading of "With a real account", without Markdown's line breaks."""
    page = (ROOT / f"docs/providers/{name}.md").read_text("utf-8")
    part = page.partition("\n## With a real account\n")[2].partition("\n<!-- provider:")[0]
    _, *pieces = re.split(r"(?m)^### (.+)$", part)
    return dict(zip(pieces[::2], (" ".join(text.split()) for text in pieces[1::2]), strict=True))


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_its_page_says_under_each_heading_how_a_real_account_is_used(name: str) -> None:
    said = real_account(name)

    assert list(said) == HEADINGS
    for heading, text in said.items():
        assert "Not written yet" not in text, f"{heading}: {text}"
        assert text, f"{heading}: there is nothing below it"


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_its_page_says_where_webhooks_must_lead(name: str) -> None:
    assert f"/webhooks/{name}" in real_account(name)["The webhook"]


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_its_page_says_where_each_key_is_found_that_it_cannot_do_without(name: str) -> None:
    keys = real_account(name)["The keys"]

    for needs in config.DECLARED[name].NEEDS:
        for each in needs:
            assert f"`{each.upper()}`" in keys, each


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_its_page_quotes_what_the_shop_says_of_a_signature_that_it_refuses(name: str) -> None:
    case, said = cases()[name], real_account(name)["When a signature is refused"]

    for message in case.messages:
        with pytest.raises(Unproven) as refused:
            case.provider.read_webhook(case.account, *message.proof.seal(message.paid(), "another"))
        assert str(refused.value).removesuffix(" differs") in said
        if message.other_environment:
            with pytest.raises(WrongEnvironment):
                case.provider.read_webhook(
                    case.account, *message.swapped(message.other_environment)
                )
            assert "`WrongEnvironment: " in said


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_its_page_quotes_what_the_log_says_of_a_key_that_is_refused(name: str) -> None:
    case = cases()[name]
    with responses.RequestsMock() as mock:
        mock.add(responses.POST, re.compile(".*"), json={}, status=401)

        with pytest.raises(Rejected) as refused:
            case.provider.start_checkout(case.account, case.payment, URLS)

    call = str(refused.value).partition("401")[0]
    assert f"`{call}" in real_account(name)["When a key is refused"]


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_setting_of_it_that_a_document_names_is_there(name: str) -> None:
    for path in DOCUMENTS:
        for setting in re.findall(rf"\b{name.upper()}_[A-Z0-9_]+\b", path.read_text("utf-8")):
            assert setting.lower() in config.Settings.model_fields, f"{path.name}: {setting}"


def test_every_command_that_a_document_names_is_there() -> None:
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"))
    commands = create_app(config.load()).cli.commands
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        for target in re.findall(r"(?m)(?:`|^)(?:[A-Z_]+=\S+ )*make ([a-z]+)", text):
            assert target in targets, f"{path.name}: make {target}"
        for command in re.findall(r"flask --app app ([a-z-]+)", text):
            assert command in {*commands, "db"}, f"{path.name}: flask {command}"


def test_a_page_that_asks_for_a_part_that_is_not_there_is_told_which() -> None:
    with pytest.raises(KeyError, match="weather"):
        provider_pages.with_parts("<!-- provider: mintcash facts weather -->\n<!-- end -->")


def test_prose_between_the_parts_of_a_page_stays_as_it_was_written() -> None:
    before = "# Acme\n\n<!-- provider: mintcash typed -->\nold\n<!-- end -->\n\nBy hand.\n"

    after = provider_pages.with_parts(before)

    assert after.startswith("# Acme\n\n<!-- provider: mintcash typed -->\n\n## What to type")
    assert after.endswith("\n\n<!-- end -->\n\nBy hand.\n")
    assert "\nold\n" not in after
