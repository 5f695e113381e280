"""Rules that the code itself keeps (8.8): read as syntax trees, so no run can miss a line."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers import PROVIDERS

ROOT = Path(__file__).parent.parent.parent
#: The shop's own modules: not the sandbox, which imitates others, nor tools/, which starts, stops
#: and tries out, and meets no stranger's words.
FOLDERS = ("addresses", "jobs", "ops", "payments", "providers", "views")
SHOP = sorted(
    path
    for path in [*ROOT.glob("*.py"), *ROOT.glob("*/**/*.py")]
    if path.parent == ROOT or path.relative_to(ROOT).parts[0] in FOLDERS
    if path != ROOT / "ops/server.py"
)
#: Where amounts pass through; in these, floats are seconds.
SECONDS = (
    *(
        "deadline.py",
        "slots.py",
        "http.py",
        "engines.py",
        "outbox.py",
        "queue.py",
        "sweeping.py",
        "worker.py",
    ),
    *("limits.py", "logs.py", "metrics.py", "health.py"),
)
MONEY = [path for path in SHOP if path.name not in SECONDS]
#: Not constants, but made of constants of ours.
KNOWN_QUERIES = ("f'PRAGMA {pragma}'", "f\"SET statement_timeout = '{WAIT}s'\"", "statement")
#: The modules that reach the network, and what each of them does it with.
SPEAKERS = {
    "providers/http.py": {"requests", "urllib3", "socket"},
    "providers/deadline.py": {"socket"},
}
SECRET = re.compile(r"signature|digest|hmac|hash|secret|expected|password|token|proof", re.I)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), path.name)


def names(node: ast.AST) -> Iterator[str]:
    """Every name that an expression mentions, called functions and attributes included."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


def calls(path: Path) -> list[str]:
    """Every function that a module calls, as it is written there."""
    return [ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


def function(path: Path, name: str) -> ast.FunctionDef:
    (found,) = [
        node for node in tree(path).body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    return found


each_module = pytest.mark.parametrize("path", SHOP, ids=lambda path: str(path.relative_to(ROOT)))


@each_module
def test_no_secret_is_compared_byte_by_byte(path: Path) -> None:
    """ASVS 11.2.4: ``==`` ends at the first difference, and tells how far one has come.

    What is compared with nothing, or with a constant, is no secret; ``config.py`` compares the
    shop's own settings with each other.
    """
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Compare) or path.name == "config.py":
            continue
        sides = [node.left, *node.comparators]
        equal = any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops)
        constant = any(isinstance(side, ast.Constant) for side in sides)
        column = any(isinstance(side, ast.Attribute) and side.attr == "token" for side in sides)
        secret = any(SECRET.search(name) for side in sides for name in names(side))
        if equal and secret and not constant and not column:
            pytest.fail(f"{path.name}:{node.lineno}: {ast.unparse(node)}")


def test_every_provider_compares_in_constant_time() -> None:
    """ASVS 11.2.4: each folder proves its deliveries by ``proof.py``, and by nothing of its own.

    Or it believes none, and makes pings of them.
    """
    assert "hmac.compare_digest" in calls(ROOT / "providers/proof.py")
    for name in PROVIDERS:
        read_webhook = function(ROOT / "providers" / name / "__init__.py", "read_webhook")
        ways = {"check_hmac", "check_timed_hmac", "is_one_of", "Ping"}
        assert ways & set(names(read_webhook)), name
        for path in (ROOT / "providers" / name).glob("*.py"):
            assert not [each for each in calls(path) if each.startswith("hmac.")], path
    assert "hmac.compare_digest" in (ROOT / "views/console.py").read_text("utf-8")


def test_no_secret_of_several_is_told_apart_by_time() -> None:
    """A6: ``any([…])`` looks at all of them; ``any(… for …)`` would stop at the one that fits."""
    found = [
        node.args[0]
        for path in SHOP
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and re.match(r"any\(.*compare_digest", ast.unparse(node))
    ]
    assert found
    assert all(isinstance(each, ast.ListComp) for each in found)


@pytest.mark.parametrize("path", MONEY, ids=lambda path: path.name)
def test_no_float_comes_near_money(path: Path) -> None:
    """B17: but where a provider's ``json_number()`` makes a number of JSON of a ``Decimal``."""
    module = tree(path)
    allowed = {
        id(inner)
        for node in ast.walk(module)
        if (isinstance(node, ast.FunctionDef) and node.name == "json_number")
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAUSE")  # seconds
        for inner in ast.walk(node)
    }

    for node in ast.walk(module):
        is_float = (isinstance(node, ast.Name) and node.id == "float") or (
            isinstance(node, ast.Constant) and isinstance(node.value, float)
        )
        divides = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        paths = divides and any(name.isupper() for name in names(node))  # ROOT / "var"
        if (is_float or (divides and not paths)) and id(node) not in allowed:
            assert "__file__" in ast.unparse(node), f"{path.name}: {ast.unparse(node)}"


@each_module
def test_only_one_module_says_who_is_asking(path: Path) -> None:
    """S07, T14: limits, console, metrics and log lines must not each read an address their way."""
    if path.name == "clients.py":
        return
    module = tree(path)
    texts = [node.value for node in ast.walk(module) if isinstance(node, ast.Constant)]

    assert not {"remote_addr", "access_route", "get_remote_address"} & set(names(module))
    assert not {"X-Forwarded-For", "Forwarded", "REMOTE_ADDR"} & {each for each in texts if each}


@each_module
def test_only_one_module_speaks_http(path: Path) -> None:
    """ASVS 13.2.4: time-outs, sizes and redirects are decided in one place."""
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    speakers = {"requests", "urllib3", "httpx", "aiohttp", "socket", "ftplib", "telnetlib"}

    assert imported & speakers == SPEAKERS.get(str(path.relative_to(ROOT)), set())
    assert "urlopen" not in set(names(tree(path)))


def test_every_call_has_a_time_out_and_follows_no_redirect() -> None:
    """G7, E5, ASVS 15.3.2: nor does it take credentials from this machine's own files."""
    module = tree(ROOT / "providers/http.py")
    calls = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and re.fullmatch(
            r"(requests|session)\.(get|post|put|delete|head|patch|request|send)",
            ast.unparse(node.func),
        )
    ]

    assert len(calls) == 1
    options = {each.arg: ast.unparse(each.value) for each in calls[0].keywords}
    assert options["allow_redirects"] == "False"
    assert "TIMEOUT" in options["timeout"]
    assert options["stream"] == "True", "the size is bounded while reading"
    assert "verify" not in options
    assert "session.trust_env = False" in ast.unparse(module)


def test_the_webhook_route_parses_nothing_before_the_proof() -> None:
    """A17, ASVS 1.5.3: one ``get_data()``, and nothing that Flask would read for us."""
    module = tree(ROOT / "views/webhooks.py")
    parsed = {"form", "json", "get_json", "values", "args", "files", "stream", "cookies"}

    used = [
        node.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "request"
    ]

    assert not parsed & set(used)
    assert used.count("get_data") == 1


def test_no_template_trusts_what_it_shows() -> None:
    """G13: our drawings and the QR code are our own; everything else is escaped."""
    for folder in ("templates", "sandbox/templates"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file():
                text = path.read_text("utf-8")
                unsafe = re.findall(r"\|\s*safe\b|autoescape\s+false|\bMarkup\b", text)
                ours = r"\{\{ (drawings\[name\]|marks\[name\]|view\.qr_svg) \| safe \}\}"
                drawings = len(re.findall(ours, text))
                assert len(unsafe) == drawings, path.name
    for path in SHOP:
        assert not {"Markup", "render_template_string"} & set(names(tree(path))), path.name


def test_no_query_is_put_together_from_text() -> None:
    """ASVS 1.2.4: what is asked of the database by hand is a constant."""
    for path in SHOP:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "text",
                "connection.exec_driver_sql",
                "connection.execute",
            ):
                query = node.args[0]
                constant = isinstance(query, ast.Constant | ast.IfExp)
                known = ast.unparse(query) in KNOWN_QUERIES
                assert constant or known, f"{path.name}:{node.lineno}"


def test_no_view_writes_a_status() -> None:
    """ASVS 2.3.1: a payment climbs in ``payments/`` and nowhere else."""
    for path in SHOP:
        if path.parent.name != "views":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    assert not ast.unparse(target).endswith((".status", ".received", ".paid_by"))


def test_the_providers_know_neither_flask_nor_the_database() -> None:
    """A module that is copied into another project takes nothing along that could be open there."""
    shop = {path.stem for path in ROOT.glob("*.py")} | {"views", "sandbox", "flask", "sqlalchemy"}
    for path in ROOT.glob("providers/**/*.py"):
        imported = {
            name.partition(".")[0]
            for node in ast.walk(tree(path))
            for name in (
                [each.name for each in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
        }
        assert not imported & shop, path
