"""``make docs``: fill in the parts of the documents that are drawn from the code.

A document asks for source by name, in an HTML comment that stays where it is:

    <!-- code: payments/ladder.py LADDER climb -->
    ```python
    …
    ```
    <!-- end -->

``tests/test_docs.py`` fails while a document differs from what this would write.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md",)
BLOCK = re.compile(
    r"(<!-- code: (?P<path>\S+) (?P<names>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL
)


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


def main() -> None:
    for name in DOCUMENTS:
        path = ROOT / name
        before = path.read_text("utf-8")
        after = filled(before)
        if after != before:
            path.write_text(after, "utf-8")
        sys.stdout.write(f"{name}: {'written' if after != before else 'up to date'}\n")


if __name__ == "__main__":
    main()
