"""docs/performance.md: its tables and its plot, from what a run has found."""

from config import ROOT

from .plot import bars
from .results import NAMES, Found, Results, quantiles

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"


def write(results: Results) -> None:
    """Replace the blocks of the page, and draw the plot; what stands around them stays."""
    _fill(machine=machine(results), rows=table(results))
    _fill(truth=truth(results), steady=steady(results))
    PLOT.write_text(bars(results), "utf-8")


def write_growth(found: dict[str, dict[int, dict[str, float]]]) -> None:
    """The same of what a request costs beside many orders: by database, size and row."""
    _fill(growth=growth(found))


def _fill(**blocks: str) -> None:
    text = PAGE.read_text("utf-8")
    for name, block in blocks.items():
        before, _, rest = text.partition(f"<!-- {name} -->")
        _, _, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}<!-- {name} -->\n{block}\n<!-- /{name} -->{after}"
    PAGE.write_text(text, "utf-8")


def machine(results: Results) -> str:
    """When, on what, and the ceilings."""
    of = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    commits = " and ".join(
        f"{count:.0f} on {NAMES[database]}" for database, count in results.commits.items()
    )
    return (
        f"Measured on {results.date}; {of}. The bare route answered {results.bare:.0f} requests a "
        f"second. Durable commits of one row, one after the other: {commits} a second."
    )


def table(results: Results) -> str:
    """A line a row: the goal, both ratios, CPU time and statements."""
    lines = [
        "| request | goal | SQLite | PostgreSQL | p99, ms | CPU, × bare | statements |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_line, results.rows.values())])


def truth(results: Results) -> str:
    """A line for each database and way."""
    ways = {"told": "by webhook", "lost": "the webhook is lost"}
    return "\n".join(
        f"- {NAMES[database]}, {ways[way]}, {len(seconds)} purchases: {quantiles(seconds)}."
        for database, found in results.truth.items()
        for way, seconds in found.items()
    )


def steady(results: Results) -> str:
    """A line for each database."""
    return "\n".join(
        f"- {NAMES[database]}, {len(seconds)} webhooks: {quantiles(seconds)}."
        for database, seconds in results.steady.items()
    )


def growth(found: dict[str, dict[int, dict[str, float]]]) -> str:
    """A line a row: milliseconds in the smallest shop, and how many times that in the others."""
    sizes = sorted(next(iter(found.values())))
    heads = [
        f"{NAMES[database]}, {size:,}" + (" ms" if size == sizes[0] else "")
        for database in found
        for size in sizes
    ]
    lines = [f"| request | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for row in next(iter(found.values()))[sizes[0]]:
        cells = [row]
        for by_size in found.values():
            least = by_size[sizes[0]][row]
            cells.append(f"{least:.2f}")
            cells += [f"{by_size[size][row] / least:.2f}" for size in sizes[1:]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _line(found: Found) -> str:
    sqlite, postgresql = found.ratio("sqlite"), found.ratio("postgresql")
    p99 = " / ".join(f"{min(found.p99[each]):.0f}" for each in NAMES if found.p99.get(each))
    cells = (
        found.title,
        _number(found.goal, 2),
        _judged(sqlite, found.goal),
        _judged(postgresql, found.goal),
        p99,
        _number(found.times_bare, 1),
        _number(found.statements, 0),
    )
    return f"| {' | '.join(cells)} |"


def _judged(ratio: float | None, goal: float | None) -> str:
    """The ratio, in bold where it is as good as its goal."""
    shown = _number(ratio, 3)
    return f"**{shown}**" if ratio is not None and goal is not None and ratio >= goal else shown


def _number(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"
