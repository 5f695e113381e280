"""``make docs``: write what the documents take from the code.

``.env.example`` is written whole, from the settings and their descriptions. A document asks for
source by name, in an HTML comment that stays where it is:

    <!-- code: payments/ladder.py LADDER climb -->
    ```python
    …
    ```
    <!-- end -->

and for a table of the providers with ``<!-- providers: proven_by signed -->``, of all secrets with
``<!-- secrets -->``. A provider's own page asks for parts with ``<!-- provider: acme settings gaps
-->`` (``provider_pages.py``).

``tests/test_docs.py`` fails while a file differs from what this would write.
"""

import ast
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import config
from config import DECLARED, ShopSettings
from providers.settings import ProviderSettings, Replaced
from tools import provider_pages

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "docs/providers.md", "docs/going-live.md", "docs/runbook.md")
BLOCK = re.compile(
    r"(<!-- code: (?P<path>\S+) (?P<names>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL
)


TABLE = re.compile(r"(<!-- providers: (?P<columns>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SECRETS = re.compile(r"(<!-- secrets -->\n).*?(<!-- end -->)", re.DOTALL)
EXAMPLE_HEAD = """\
Copy to .env and uncomment what you change. Out of the box the shop runs against the sandbox and
needs none of this. Written by `make docs` from config.py and providers/*/settings.py, where each
setting is declared.
"""
SANDBOX_PART = """
# --- The sandbox: a process of its own, see sandbox/settings.py -----------------------------------

# Its database: an SQLite file (default: var/sandbox.db here)
#SANDBOX_DATABASE_URL=

# Sandbox seconds in a real second: 60 lets the minute before a retry pass in one
#SANDBOX_CLOCK_SPEED=1

# Its other settings, and each choice that it makes where a provider's documentation is silent,
# stand on its front page with a sentence each.
"""


class UnknownName(Exception):
    """A document asks for a function, class or constant that its module does not have."""


def source_of(path: Path, name: str) -> str:
    """A module's function, class or constant as it is written there, with its decorators.

    :raise UnknownName: the module defines no such name at its top level.
    """
    text = path.read_text("utf-8")
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node]
        names = [getattr(each, "name", getattr(each, "id", None)) for each in targets]
        if name in names:
            first = min(
                [node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]
            )
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise UnknownName(f"{path.relative_to(ROOT)} has no {name!r}")


def filled(document: str) -> str:
    """The document with every block of code as it stands in the source now."""

    def fill(block: re.Match[str]) -> str:
        path = ROOT / block["path"]
        parts = [source_of(path, name) for name in block["names"].split()]
        code = "\n\n\n".join(parts)
        return f"{block[1]}\n```python\n{code}\n```\n\n{block[4]}"

    return BLOCK.sub(fill, document)


def with_tables(document: str, folder: str) -> str:
    """The document with every table of providers as their folders say now."""

    def fill(block: re.Match[str]) -> str:
        rows = provider_pages.table(block["columns"].split(), folder)
        return f"{block[1]}\n{rows}\n\n{block[3]}"

    return TABLE.sub(fill, document)


def with_secrets(document: str) -> str:
    """The document with how each secret is replaced, where it asks for that."""
    by_way: dict[str, list[str]] = {}
    declared: list[type[ProviderSettings]] = [ShopSettings]
    declared += [each.Settings for each in DECLARED.values()]
    for name in dict.fromkeys(name for each in declared for name in each.model_fields):
        field = config.Settings.model_fields[name]
        if "SecretStr" in str(field.annotation):
            said = (each.how for each in field.metadata if isinstance(each, Replaced))
            shown = f"{'the password in ' * name.endswith('_url')}`{name.upper()}`"
            by_way.setdefault(next(said, "set, restart"), []).append(shown)
    rows = [["secret", "how to replace it"], *([", ".join(by_way[how]), how] for how in by_way)]
    table = provider_pages.markdown_table(rows)
    return SECRETS.sub(lambda block: f"{block[1]}\n{table}\n\n{block[2]}", document)


def example() -> str:
    """``.env.example``: every setting of the shop and of each provider, all commented out."""
    own = [*ProviderSettings.model_fields, *ShopSettings.model_fields]
    parts = [_comment(EXAMPLE_HEAD), *map(_setting, dict.fromkeys(own))]
    for declared in DECLARED.values():
        label = (declared.__doc__ or "").partition("'s settings")[0]
        parts.append(f"# --- {label} ".ljust(100, "-"))
        parts += [_setting(each) for each in declared.Settings.model_fields if each not in own]
    return "\n\n".join(parts) + "\n" + SANDBOX_PART


def _setting(name: str) -> str:
    field = config.Settings.model_fields[name]
    return f"{_comment(field.description or '')}\n#{name.upper()}={_written(field.default)}"


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, 98, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)


def _written(default: Any) -> str:
    """A default as the environment has it; secrets, and what depends on other settings: blank."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default) if isinstance(default, str | int) else ""


def written() -> dict[str, str]:
    """The path of each file that this writes, and what should stand in it."""
    documents = {}
    for name in DOCUMENTS:
        text = filled((ROOT / name).read_text("utf-8"))
        documents[name] = with_secrets(with_tables(text, "../" * name.count("/")))
    return documents | provider_pages.pages() | {".env.example": example()}


def main() -> None:
    for name, after in written().items():
        path = ROOT / name
        before = path.read_text("utf-8") if path.exists() else ""
        path.parent.mkdir(exist_ok=True)
        if after != before:
            path.write_text(after, "utf-8")
        sys.stdout.write(f"{name}: {'written' if after != before else 'up to date'}\n")


if __name__ == "__main__":
    main()
