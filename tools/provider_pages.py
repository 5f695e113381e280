"""What the documents say of each provider, drawn from its folder, its case and its imitation.

``docs/providers/<name>.md`` is written whole; the tables of README.md and docs/providers.md are
filled in where they ask for columns of :class:`providers.settings.Summary`.
"""

import ast
import inspect
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
HEADINGS = {
    "proven_by": "proven by",
    "signed": "signed how",
    "amount": "amount in the news",
    "truth": "truth on request",
    "ways": "ways to pay",
    "refunds": "refunds",
    "left_page": "a page that the shopper left",
}


def table(columns: list[str], folder: str) -> str:
    """The providers that are on by default, a row each; links begin at ``folder``."""
    rows = [["provider", *(HEADINGS[each] for each in columns)]]
    for name in FOLDERS:
        link = f"[{_label(name)}]({folder}providers/{name}/__init__.py)"
        summary = DECLARED[name].SUMMARY
        rows.append([link, *(getattr(summary, each) for each in columns)])
    return _table(rows)


def pages() -> dict[str, str]:
    """The path of each provider's page, and what should stand in it."""
    return {f"docs/providers/{name}.md": page(name, case) for name, case in cases().items()}


def page(name: str, case: Case) -> str:
    summary = DECLARED[name].SUMMARY
    facts = [["", ""], *([words, getattr(summary, key)] for key, words in HEADINGS.items())]
    parts = [
        f"# {_label(name)}",
        f"Written by `make docs` from [`providers/{name}/`](../../providers/{name}/__init__.py), "
        f"[its case](../../tests/providers/{name}/case.py) and "
        f"[its imitation](../../sandbox/{name}/__init__.py).",
        _table(facts),
        "## What it may report",
        _code(inspect.getdoc(PROVIDERS[name]) or "", "text"),
        "## Each function, and what it asks or reads",
        _table([["function", "what it does"], *_functions(name)]),
        "## A message as the tests send it",
        *_messages(case),
        "## What to type on the sandbox's page",
        _table([["to", "fields"], *_typed(case)]),
        "## Settings",
        _table([["setting", "meaning"], *_settings(name)]),
        "## What its documentation leaves open",
        "The imitation assumes:\n\n"
        + "\n".join(f"- {each}" for each in IMITATED[name].assumptions),
    ]
    return "\n\n".join(parts) + "\n"


def _functions(name: str) -> list[list[str]]:
    """The public functions of the folder, the lesson first."""
    rows = []
    folder = ROOT / "providers" / name
    for path in [folder / "__init__.py", *sorted(folder.glob("[!_]*.py"))]:
        for node in ast.parse(path.read_text("utf-8")).body:
            said = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if isinstance(node, ast.FunctionDef) and said and not node.name.startswith("_"):
                where = f"[`{node.name}()`](../../{path.relative_to(ROOT).as_posix()})"
                rows.append([where, _escaped(" ".join(said.partition("\n\n")[0].split()))])
    return rows


def _messages(case: Case) -> list[str]:
    parts = []
    for message in case.messages:
        with patch("time.time", lambda: NEW_YEAR):  # where the time is signed, too
            headers, body = message.paid()
        lines = [f"{header}: {value}" for header, value in sorted(headers.items())]
        text = "\n".join([*lines, "", body.decode()])
        parts += [f"It proves itself with the secret `{message.secret}`.", _code(text, "http")]
    return parts or ["Its webhooks prove nothing: the shop asks when one comes."]


def _typed(case: Case) -> list[list[str]]:
    typed = {"pay": case.page.pays, "be declined": case.page.declines}
    return [
        [what, ", ".join(f"{field} `{value}`" for field, value in fields.items())]
        for what, fields in typed.items()
        if fields
    ]


def _settings(name: str) -> list[list[str]]:
    fields: dict[str, Any] = DECLARED[name].Settings.model_fields
    return [
        [f"`{field.upper()}`", _escaped(each.description or "")]
        for field, each in fields.items()
        if field not in ProviderSettings.model_fields
    ]


def _label(name: str) -> str:
    """As its settings begin: "MintCash's settings: …"."""
    module = import_module(f"providers.{name}.settings")
    return (module.__doc__ or "").partition("'s settings")[0]


def _table(rows: list[list[str]]) -> str:
    head, *rest = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def _escaped(text: str) -> str:
    """``<`` begins no tag in a table of Markdown."""
    return text.replace("<", "&lt;").replace("|", "\\|")


def _code(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"
