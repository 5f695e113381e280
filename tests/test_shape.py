"""The shape of the house: what lies where, how long it may be, and that imports point down."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers import EXAMPLES, PROVIDERS
from views.order_words import WORDS

from .groups import GROUPS, NOT_QUICK

ROOT = Path(__file__).parent.parent

#: A module may import from its own floor and from those below it.
FLOORS = (
    ("tools",),
    ("app",),
    ("views",),
    ("jobs",),
    ("ops",),
    ("payments",),
    ("fulfilment", "catalogue"),
    ("models",),
    ("database",),
    ("logs",),
    ("config",),
    ("addresses",),
    ("providers",),
)
FLOOR = {name: len(FLOORS) - number for number, names in enumerate(FLOORS) for name in names}
#: All code outside tests, by its path; pages, styles and scripts are code, too.
CODE = [
    path.relative_to(ROOT).as_posix()
    for top in sorted(ROOT.glob("[!.]*"))
    if top.name not in ("build", "tests", "var")
    for path in [top, *sorted(top.rglob("*"))]
    if path.suffix in (".py", ".html", ".css", ".js") and "vendor" not in path.parts
]
MODULES = [
    ROOT / each
    for each in CODE
    if each.endswith(".py") and each.partition("/")[0].removesuffix(".py") in FLOOR
]
#: How long the lesson of a provider may be; the first to be read is the shortest.
LESSON = {"mintcash": 150}

TEMPLATES, CSS = ROOT / "templates", ROOT / "static" / "css"
#: Pages of the shop; those of the console have a layout of their own.
PAGES = [
    path
    for path in sorted(TEMPLATES.rglob("*.html"))
    if '{% extends "base.html" %}' in path.read_text("utf-8")
]
#: The style sheets of page groups.
SHEETS = {path.stem for path in CSS.glob("*.css")} - {"tokens", "base", "components"}
#: Folders of templates that no view of their own draws.
WITHOUT_VIEWS = {"errors", "mail"}

#: Packages whose modules each have a file of tests under their own name.
MIRRORED = (".", "addresses", "jobs", "ops", "payments", "providers", "views")
#: Folders of tests that take what they share from modules beside them.
WITH_SHARED_SETUPS = ("jobs", "payments", "stories")


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def imported(path: Path) -> Iterator[str]:
    """The first part of each module that is imported at the head of the file."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def test_six_files_stand_at_the_root() -> None:
    found = {path.stem for path in ROOT.glob("*.py")}

    assert found == {"app", "config", "database", "fulfilment", "logs", "models"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = FLOOR[path.relative_to(ROOT).parts[0].removesuffix(".py")]
    above = {name for name in imported(path) if FLOOR.get(name, 0) > own}

    assert above == set()


def test_the_sandbox_and_the_shop_import_nothing_of_each_other() -> None:
    for path in (ROOT / "sandbox").rglob("*.py"):
        assert not set(imported(path)) & FLOOR.keys(), path.name
    for path in MODULES:
        if "tools" not in path.parts:  # which write documents about both
            assert "sandbox" not in set(imported(path)), path.name


def test_the_idea_is_read_in_one_sitting() -> None:
    assert lines(ROOT / "payments/ladder.py") <= 150
    for path in (ROOT / "payments").glob("*.py"):
        assert lines(path) <= 200, path.name


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_provider_is_read_in_one_sitting(name: str) -> None:
    assert lines(ROOT / "providers" / name / "__init__.py") <= LESSON.get(name, 170)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("part", ["providers", "sandbox"])
def test_an_example_to_copy_has_at_most_200_lines(part: str, name: str) -> None:
    """Adapter and imitation each, with all that stands in the folder."""
    assert sum(map(lines, (ROOT / part / name).glob("*.py"))) <= 200


def test_no_module_is_longer_than_350_lines() -> None:
    """The tables may be, a list to look things up in."""
    too_long = {each for each in CODE if each.endswith(".py") and lines(ROOT / each) > 350} - {
        "models.py"
    }

    assert too_long == set()


@pytest.mark.parametrize("name", sorted({*PROVIDERS} - {"acme"}))
def test_only_the_registries_name_a_provider(name: str) -> None:
    """What is peculiar to a provider stands in its folders; each registry has one line for it.

    Comments and guides say "acme" for any provider. What the explorer plays are stories about one
    provider or another.
    """
    naming = {
        each
        for each in CODE
        if name not in each
        and not each.startswith("tools/explore/")
        and name in (ROOT / each).read_text("utf-8")
    }

    assert naming == {"providers/__init__.py", "sandbox/registry.py"}


@pytest.mark.parametrize("start", [*GROUPS, *NOT_QUICK])
def test_the_tables_of_groups_name_tests_that_are_there(start: str) -> None:
    path, _, name = start.partition("::")

    assert (ROOT / path).exists()
    assert f"def {name}" in (ROOT / path).read_text("utf-8") if name else True


@pytest.mark.parametrize(
    "module",
    [path for name in MIRRORED for path in sorted((ROOT / name).glob("[!_]*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_module_has_tests_under_its_own_name(module: Path) -> None:
    """A reader who changes payments/closing.py opens tests/payments/test_closing.py."""
    assert (ROOT / "tests" / module.parent.relative_to(ROOT) / f"test_{module.name}").is_file()


@pytest.mark.parametrize(
    "module",
    [path for name in PROVIDERS for path in sorted((ROOT / "providers" / name).glob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_module_of_a_provider_has_tests_under_its_own_name(module: Path) -> None:
    """The lesson's carry the provider's name: tests/providers/hitpay/test_hitpay.py."""
    name = module.parent.name if module.stem == "__init__" else module.stem
    tests = ROOT / "tests" / module.parent.relative_to(ROOT) / f"test_{name}.py"

    assert tests.is_file(), f"there is no {tests.relative_to(ROOT)}"
    assert lines(tests) <= 450


@pytest.mark.parametrize(
    "path",
    [path for name in WITH_SHARED_SETUPS for path in sorted((ROOT / "tests" / name).glob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT / "tests")),
)
def test_a_file_of_tests_is_short_and_imports_from_no_other(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]

    assert [name for name in modules if name.rpartition(".")[2].startswith("test_")] == []
    assert lines(path) <= 450


def test_templates_lie_in_the_folder_of_their_views() -> None:
    """views/cart.py draws templates/cart/; at the root lies what all pages share."""
    folders = {path.name for path in TEMPLATES.iterdir() if path.is_dir()}
    modules = {path.stem for path in (ROOT / "views").glob("*.py")}
    pages_at_the_root = {path.name for path in TEMPLATES.glob("[!_]*.html")}

    assert folders - WITHOUT_VIEWS <= modules
    assert pages_at_the_root == {"base.html"}


@pytest.mark.parametrize(
    "module", sorted((ROOT / "views").glob("*.py")), ids=lambda each: each.stem
)
def test_a_view_draws_the_templates_of_its_own_folder(module: Path) -> None:
    drawn = re.findall(r'"(\w+)/[\w/]+\.html"', module.read_text("utf-8"))

    assert set(drawn) <= {module.stem}


def test_every_state_of_an_order_has_its_words_and_its_page() -> None:
    """templates/orders/states/waiting.html is what a shopper sees while an order waits."""
    files = {path.stem for path in (TEMPLATES / "orders" / "states").iterdir()}

    assert files == WORDS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda each: "/".join(each.parts[-2:]))
def test_a_page_links_the_style_sheet_of_its_folder(page: Path) -> None:
    """templates/cart/ has static/css/cart.css, and links that one only."""
    linked = re.findall(r'stylesheet\("(\w+)"\)', page.read_text("utf-8"))

    assert linked == [page.parent.name]


@pytest.mark.parametrize("name", sorted(SHEETS))
def test_a_style_sheet_styles_the_templates_of_its_folder(name: str) -> None:
    """Each class is one that they, or the shared pieces, draw: a rule without use fails here."""
    sheet = re.sub(r"/\*.*?\*/", "", (CSS / f"{name}.css").read_text("utf-8"), flags=re.DOTALL)
    styled = set(re.findall(r"\.([a-z][\w-]*)", sheet))
    drawing = [*(TEMPLATES / name).rglob("*.html"), *TEMPLATES.glob("*.html")]
    text = " ".join(path.read_text("utf-8") for path in drawing)
    drawn = set(re.findall(r"[a-z][\w-]*", text))

    assert (TEMPLATES / name).is_dir()
    assert {each for each in styled - drawn if not each.startswith("status-")} == set()
