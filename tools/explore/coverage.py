"""Has every function that handles money been a place of death? Every statement that writes?

A line counts when it ran in a move of a scenario: the process then died before and after each
statement, call and COMMIT that the line leads to.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tools.explore.points import ROOT

WATCHED = (*sorted((ROOT / "payments").glob("*.py")), ROOT / "fulfilment.py")
#: What writes a row, by the name that is called.
WRITERS = {
    *("update_one", "insert_into", "insert_or_add", "insert", "update", "delete", "add"),
    *("climb", "raise_to", "flag_for_review", "hold"),
}
_PATHS = {str(path): path.relative_to(ROOT).as_posix() for path in WATCHED}


@contextmanager
def watched(lines: set[str]) -> Iterator[None]:
    """Add each line of ``WATCHED`` that runs, as "payments/ladder.py:101"."""

    def each_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        path = _PATHS.get(frame.f_code.co_filename)
        if path is None:
            return None

        def each_line(frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "line":
                lines.add(f"{path}:{frame.f_lineno}")
            return each_line

        return each_line

    before = sys.gettrace()
    sys.settrace(each_call)
    try:
        yield
    finally:
        sys.settrace(before)


def never_reached(lines: set[str]) -> list[str]:
    """Functions, and statements that write, in which nothing has died: "payments/a.py:12 climb"."""
    missing = []
    for source, path in _PATHS.items():
        tree = ast.parse(Path(source).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                name, first = f"{node.name}()", node.body[0].lineno
            elif isinstance(node, ast.Call) and _name_of(node) in WRITERS:
                name, first = _name_of(node), node.lineno
            else:
                continue
            ran = range(first, (node.end_lineno or first) + 1)
            if not any(f"{path}:{line}" in lines for line in ran):
                missing.append(f"{path}:{node.lineno} {name}")
    return sorted(missing)


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
