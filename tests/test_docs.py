"""Documents agree with the code."""

import ast
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

import config
from providers import EXAMPLES, PROVIDERS
from providers.contract import LADDER
from tools import docs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CASES = (ROOT / "docs/cases.md").read_text("utf-8")
CASE_ID = r"(?<![\w.#/-])[A-KNPST]\d{1,2}(?![\w-])"  # not UTF-8, SHA-256, #12 or 2026-11-28T08:50


def tracked() -> list[Path]:
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize("name", sorted(config.Settings.model_fields))
def test_every_setting_stands_in_the_example_and_is_off_there(name: str) -> None:
    example = (ROOT / ".env.example").read_text("utf-8")

    assert re.search(rf"(?m)^#{name.upper()}=", example)
    assert not re.search(rf"(?m)^{name.upper()}=", example)


@pytest.mark.parametrize("status", LADDER)
def test_every_payment_status_is_explained_in_the_readme(status: str) -> None:
    assert f'"{status}",  # ' in README


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_provider_has_its_page(name: str) -> None:
    """And those that are on by default a row in the README."""
    assert (ROOT / f"docs/providers/{name}.md").is_file()
    assert f"providers/{name}/" in README or name in EXAMPLES


def test_every_script_that_make_runs_is_there() -> None:
    named = re.findall(r"[\w/-]+\.(?:py|sh)\b", (ROOT / "Makefile").read_text("utf-8"))
    assert len(named) >= 6
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", sorted(docs.written()))
def test_what_a_document_takes_from_the_code_is_up_to_date(name: str) -> None:
    """``make docs`` writes it."""
    assert (ROOT / name).read_text("utf-8") == docs.written()[name]


def test_a_document_that_asks_for_a_name_that_is_gone_is_told_which() -> None:
    with pytest.raises(docs.UnknownName, match=r"payments/ladder\.py has no 'descend'"):
        docs.filled("<!-- code: payments/ladder.py descend -->\n<!-- end -->")


def test_every_place_that_the_readme_names_is_there() -> None:
    """``payments.py``, ``receive()`` → the file holds that function."""
    named = re.findall(r"\[`(\w+)\(\)`\]\(([\w/.]+)\)", README)
    assert len(named) >= 10
    for function, path in named:
        assert re.search(rf"(?m)^def {function}\(", (ROOT / path).read_text("utf-8")), function


@pytest.mark.parametrize(
    ("folder", "listed", "patterns"),
    [
        ("static", "vendor/VENDORED.txt", ["vendor/*.js", "fonts/*.woff2"]),
        ("tests/browser/axe", "VENDORED.txt", ["*.js"]),
    ],
    ids=["served", "for_tests"],
)
def test_every_vendored_file_is_the_one_that_was_written_down(
    folder: str, listed: str, patterns: list[str]
) -> None:
    checked = set()
    for line in (ROOT / folder / listed).read_text("utf-8").splitlines():
        digest = re.search(r"\b[0-9a-f]{64}\b", line)
        name = re.match(r"[\w./-]+\.(js|woff2|css)\b", line)
        if digest and name:
            path = ROOT / folder / name.group()
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest.group(), name.group()
            checked.add(path)
    assert checked == {path for each in patterns for path in (ROOT / folder).glob(each)}


def test_lock_files_name_versions_and_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements.txt", ROOT / "requirements-dev.txt"):
        text = path.read_text("utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text


def test_lighthouses_lock_file_names_versions_and_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "scripts/lighthouse/package-lock.json").read_text("utf-8"))

    packages = {name: each for name, each in lock["packages"].items() if name}
    assert "node_modules/lighthouse" in packages
    for name, each in packages.items():
        assert re.fullmatch(r"sha512-[\w+/]{86}==", each["integrity"]), name
        assert each["version"], name
        assert "resolved" not in each, name


def test_no_secret_lies_in_the_tree() -> None:
    """I5: only keys that say of themselves that they are for tests."""
    for path in tracked():
        if path.suffix in (".avif", ".webp", ".pdf", ".woff2", ".png"):
            continue
        for key in re.findall(r"\b[ps]k_live_\w{8,}", path.read_text("utf-8")):
            pytest.fail(f"{path.name}: {key[:10]}…")


def cases_in(docstring: str) -> set[str]:
    """The ids of cases in a docstring; a range, "first to last", is all of them."""
    ids = set(re.findall(CASE_ID, docstring))
    for first, last in re.findall(rf"({CASE_ID}) to ({CASE_ID})", docstring):
        ids |= {f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]) + 1)}
    return ids


def cited_cases() -> set[str]:
    """The ids in all docstrings of tests: of modules, classes and functions."""
    cited: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                cited |= cases_in(ast.get_docstring(node) or "")
    return cited


@pytest.mark.parametrize(
    ("docstring", "ids"),
    [
        ("P6, S07: two.", {"P6", "S07"}),
        ("N2, D9; D1 to D3 in all mixtures.", {"N2", "D9", "D1", "D2", "D3"}),
        ("A provider hangs (N7, E5).", {"N7", "E5"}),
        ("UTF-8, SHA-256, ISO 4217, ASVS 4.1.2, RFC 8259, h2, v1, MD5", set()),
        ("2026-11-28T08:50, PrestaShop/PrestaShop#9632, cubecart/v6#1670, US$24", set()),
    ],
)
def test_a_case_is_told_from_other_words(docstring: str, ids: set[str]) -> None:
    assert cases_in(docstring) == ids


def test_every_case_that_a_test_cites_is_explained_and_every_other_says_why_not() -> None:
    rows = re.findall(r"(?m)^\| ([A-Z]\d+) \| (.+) \| (.+) \|$", CASES)
    explained = {case for case, _, _ in rows}
    untested = {case for case, _, truth in rows if re.match(r"not tested: \w", truth)}

    assert len(rows) == len(explained)
    assert cited_cases() - explained == set(), "no row in docs/cases.md"
    assert explained - cited_cases() == untested, "cite it in a test, or say 'not tested: why'"


def test_every_decision_is_in_the_index_and_says_why_what_and_at_what_cost() -> None:
    folder = ROOT / "docs/decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")

    index = (folder / "README.md").read_text("utf-8")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index) == [path.name for path in records]
    for number, path in enumerate(records, 1):
        record = path.read_text("utf-8")
        assert record.startswith(f"# {number:04}: ")
        assert path.name.startswith(f"{number:04}-")
        assert re.findall(r"(?m)^## (.+)$", record) == ["Context", "Decision", "Consequence"]
        assert "t costs" in record, path.name
        assert record.splitlines()[0].removeprefix(f"# {number:04}: ") in index


def test_every_link_of_a_document_leads_to_a_file() -> None:
    for path in (path for path in tracked() if path.suffix == ".md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
            target = link.partition("#")[0]
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {link}"


def test_every_licence_of_others_is_listed() -> None:
    listed = set(re.findall(r"`([\w/.-]+\.txt)`", (ROOT / "THIRD_PARTY.md").read_text("utf-8")))
    texts = [path for path in tracked() if re.search(r"LICENSE.*\.txt$|OFL", path.name)]

    assert listed == {str(path.relative_to(ROOT)) for path in texts}


#: Texts of others: licences, fonts, vendored scripts, lock files.
NOT_OURS = re.compile(
    r"LICEN[CS]E|OFL|THIRD_PARTY|/vendor/|/axe/|\.(svg|avif|webp|pdf|woff2|png|json)$"
)


def words_of_ours(pattern: str) -> list[str]:
    """Each line of ours with this pattern, as "path: the line"; not this file, which names it."""
    wanted = re.compile(pattern, re.IGNORECASE)
    return [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked()
        if not NOT_OURS.search(str(path.relative_to(ROOT))) and path != Path(__file__)
        for line in path.read_text("utf-8").splitlines()
        if wanted.search(line)
    ]


def test_no_line_uses_a_word_that_stops_a_reader() -> None:
    """Write: retry, must, correctly signed, because there is no."""
    assert words_of_ours(r"\b(anew|shall)\b|truly signed|for want of") == []


def test_sentences_name_who_acts() -> None:
    """The shopper, the worker, a provider: instead of a pronoun that could be any of them."""
    assert len(words_of_ours(r"\b(nobody|somebody|whoever|everybody)\b")) < 10
