"""What the documents say of each provider, drawn from its folder, its case and its imitation.

A provider's page, ``docs/providers/<name>.md``, is prose of its own, such as "With a real account",
with parts of :data:`PARTS` where it asks for them. The tables of README.md and docs/providers.md
are filled in where they ask for columns of :class:`providers.settings.Summary`.
"""

import ast
import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from config import DECLARED
from providers import FOLDERS, PROVIDERS
from providers.settings import ProviderSettings
from sandbox.registry import PROVIDERS as IMITATED
from tests.providers import cases
from tests.providers.case import Case

#: The moment at which the documents show messages: 2026-01-01T00:00:00Z.
NEW_YEAR = 1_767_225_600.0
ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- provider: (?P<wanted>[\w ]+) -->).*?(<!-- end -->)", re.DOTALL)
HEADINGS = {
    "proven_by": "proven by",
    "signed": "signed how",
    "amount": "amount in the news",
    "truth": "truth on request",
    "ways": "ways to pay",
    "refunds": "refunds",
    "left_page": "a page that the shopper left",
    "webhook": "the webhook is registered",
    "repeats": "a webhook that failed is repeated",
}


def table(columns: list[str], folder: str) -> str:
    """The providers that are on by default, a row each; links begin at ``folder``."""
    headings = HEADINGS | {"page": "with a real account"}
    rows = [["provider", *(headings[each] for each in columns)]]
    for name in FOLDERS:
        link = f"[{_label(name)}]({folder}providers/{name}/__init__.py)"
        page = f"[step by step]({folder}docs/providers/{name}.md#with-a-real-account)"
        known = {**vars(DECLARED[name].SUMMARY), "page": page}
        rows.append([link, *(known[each] for each in columns)])
    return markdown_table(rows)


def pages() -> dict[str, str]:
    """The path of each provider's page, and what should stand in it."""
    found = {}
    for name in PROVIDERS:
        path = f"docs/providers/{name}.md"
        if (ROOT / path).exists():  # tests/test_docs.py says which is missing
            found[path] = with_parts((ROOT / path).read_text("utf-8"))
    return found


def with_parts(document: str) -> str:
    """The document with every part that it asks for as the code has it now.

    :raise KeyError: there is no such provider or part.
    """

    def fill(block: re.Match[str]) -> str:
        name, *wanted = block["wanted"].split()
        parts = [PARTS[each](name, cases()[name]) for each in wanted]
        return "\n\n".join([block[1], *parts, block[3]])

    return BLOCK.sub(fill, document)


def _facts(name: str, case: Case) -> str:
    summary = DECLARED[name].SUMMARY
    facts = [["", ""], *([words, getattr(summary, key)] for key, words in HEADINGS.items())]
    return (
        f"How it is spoken to: [`providers/{name}/`](../../providers/{name}/__init__.py). "
        f"How it is tested: [its case](../../tests/providers/{name}/case.py), and "
        f"[its imitation](../../sandbox/{name}/__init__.py).\n\n{markdown_table(facts)}"
    )


def _reports(name: str, case: Case) -> str:
    lesson = _code(inspect.getdoc(PROVIDERS[name]) or "", "text")
    return f"## What it may report\n\n{lesson}"


def _functions(name: str, case: Case) -> str:
    """The public functions of the folder, the lesson first."""
    rows = [["function", "what it does"]]
    folder = ROOT / "providers" / name
    for path in [folder / "__init__.py", *sorted(folder.glob("[!_]*.py"))]:
        for node in ast.parse(path.read_text("utf-8")).body:
            said = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if isinstance(node, ast.FunctionDef) and said and not node.name.startswith("_"):
                where = f"[`{node.name}()`](../../{path.relative_to(ROOT).as_posix()})"
                rows.append([where, _escaped(" ".join(said.partition("\n\n")[0].split()))])
    return f"## Each function, and what it asks or reads\n\n{markdown_table(rows)}"


def _messages(name: str, case: Case) -> str:
    parts = ["## A message as the tests send it"]
    for message in case.messages:
        with patch("time.time", lambda: NEW_YEAR):  # where the time is signed, too
            headers, body = message.paid()
        lines = [f"{header}: {value}" for header, value in sorted(headers.items())]
        text = "\n".join([*lines, "", body.decode()])
        parts += [f"It proves itself with the secret `{message.secret}`.", _code(text, "http")]
    if not case.messages:
        parts.append("Its webhooks prove nothing: the shop asks when one comes.")
    return "\n\n".join(parts)


def _typed(name: str, case: Case) -> str:
    typed = {"pay": case.page.pays, "be declined": case.page.declines}
    rows = [["to", "fields"]]
    for what, fields in typed.items():
        if fields:
            rows.append([what, ", ".join(f"{each} `{value}`" for each, value in fields.items())])
    return f"## What to type on the sandbox's page\n\n{markdown_table(rows)}"


def _settings(name: str, case: Case) -> str:
    fields: dict[str, Any] = DECLARED[name].Settings.model_fields
    rows = [["setting", "meaning"]]
    for field, each in fields.items():
        if field not in ProviderSettings.model_fields:
            rows.append([f"`{field.upper()}`", _escaped(each.description or "")])
    return f"## Settings\n\n{markdown_table(rows)}"


def _gaps(name: str, case: Case) -> str:
    assumed = "\n".join(f"- {each}" for each in IMITATED[name].assumptions)
    return f"## What its documentation leaves open\n\nThe imitation assumes:\n\n{assumed}"


def _label(name: str) -> str:
    """As its settings begin: "MintCash's settings: …"."""
    module = import_module(f"providers.{name}.settings")
    return (module.__doc__ or "").partition("'s settings")[0]


def markdown_table(rows: list[list[str]]) -> str:
    """The first row is the head."""
    head, *rest = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def _escaped(text: str) -> str:
    """``<`` begins no tag in a table of Markdown."""
    return text.replace("<", "&lt;").replace("|", "\\|")


def _code(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


#: What a page may ask for, after the provider's name: ``<!-- provider: acme settings gaps -->``.
PARTS: dict[str, Callable[[str, Case], str]] = {
    "facts": _facts,
    "reports": _reports,
    "functions": _functions,
    "messages": _messages,
    "typed": _typed,
    "settings": _settings,
    "gaps": _gaps,
}
