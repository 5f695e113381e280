"""Write what a new provider begins with, and say what to do next. Called by ``make provider``.

Its folders are made from ``templates/``: adapter, imitation and case, and its page in
``docs/providers/``. Each function of the adapter raises with the words of the contract until it is
written, and each part of the page says what to write. The two registries get a line each.
"""

import argparse
import ast
import inspect
import re
import sys
from pathlib import Path

from providers import FOLDERS, contract

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = Path(__file__).parent / "templates"
#: A template -> the file that is made of it; ``{name}`` is the provider's name.
FILES = {
    "lesson.py.txt": "providers/{name}/__init__.py",
    "api.py.txt": "providers/{name}/api.py",
    "settings.py.txt": "providers/{name}/settings.py",
    "imitation.py.txt": "sandbox/{name}/__init__.py",
    "imitation_settings.py.txt": "sandbox/{name}/settings.py",
    "case.py.txt": "tests/providers/{name}/case.py",
    "empty.txt": "tests/providers/{name}/__init__.py",
    "test_lesson.py.txt": "tests/providers/{name}/test_{name}.py",
    "sources.md.txt": "tests/providers/{name}/SOURCES.md",
    "page.md.txt": "docs/providers/{name}.md",
}
REGISTRIES = ("providers/__init__.py", "sandbox/registry.py")


class CannotWrite(Exception):
    """The text is a sentence for the person who typed the command."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the folders of a new provider.")
    parser.add_argument("name", help="as in URLs and settings: lower case, digits, underscores")
    parser.add_argument("--into", type=Path, default=ROOT, help="another checkout than this one")
    arguments = parser.parse_args()
    try:
        written = write(arguments.name, arguments.into)
    except CannotWrite as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 1
    for path in written:
        print(f"  {path}")  # noqa: T201
    print(f"\nNext: make contract PROVIDER={arguments.name}. It says what is missing, in order.")  # noqa: T201
    print("The way is described in docs/adding-a-provider.md.")  # noqa: T201
    return 0


def write(name: str, root: Path = ROOT) -> list[str]:
    """Write the folders and the two lines; the paths that were written or changed.

    :raise CannotWrite: the name cannot be one, or is taken; then nothing was written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,19}", name):
        raise CannotWrite(
            f"{name!r} cannot be a name: 2 to 20 lower-case letters, digits and underscores, "
            "beginning with a letter. For example: make provider NAME=acme"
        )
    taken = [path for path in _paths(name) if (root / path).exists()]
    if name in FOLDERS or taken:
        raise CannotWrite(f"There is a provider of the name {name} already: {taken or REGISTRIES}")
    for template, path in zip(FILES, _paths(name), strict=True):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(_filled((TEMPLATES / template).read_text("utf-8"), name), "utf-8")
    for path in REGISTRIES:
        _add_line(root / path, name)
    return [*_paths(name), *REGISTRIES]


def _paths(name: str) -> list[str]:
    return [path.format(name=name) for path in FILES.values()]


def _filled(template: str, name: str) -> str:
    label = name.replace("_", " ").title()
    words = {"name": name, "NAME": name.upper(), "Label": label, "functions": _functions(name)}
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: words[found[1]], template)


def _functions(name: str) -> str:
    """The functions of the contract, in its order: each raises with what it must do."""
    protocol = ast.parse(inspect.getsource(contract.Provider)).body[0]
    assert isinstance(protocol, ast.ClassDef)  # noqa: S101
    parts = []
    for function in protocol.body:
        if isinstance(function, ast.FunctionDef):
            function.args.args.pop(0)  # self
            function.args.args[0].annotation = ast.Name("Account")
            said = f'f"providers/{name} lacks {function.name}(): {{{function.name}.__doc__}}"'
            function.body = [
                ast.Expr(ast.Constant(ast.get_docstring(function, clean=False))),
                *ast.parse(f"raise MissingPart({said})").body,
            ]
            parts.append(ast.unparse(ast.fix_missing_locations(function)))
    return "\n\n\n".join(parts)


def _add_line(registry: Path, name: str) -> None:
    """The name as the last line of ``FOLDERS``."""
    text = registry.read_text("utf-8")
    registry.write_text(
        re.sub(r"(?s)(\nFOLDERS = \(\n.*?)(\n\))", rf'\1\n    "{name}",\2', text, count=1), "utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
