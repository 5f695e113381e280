"""The plot of a run: a bar for each row and database, with a mark at its goal."""

from html import escape

from .results import NAMES, Results

WIDTH, LEFT, ROW, BAR = 900, 330, 34, 10  # pixels
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #2b2620; }
  .sqlite { fill: #b4552d; } .postgresql { fill: #3d6b7d; }
  .goal { stroke: #2b2620; stroke-width: 2; } .grid { stroke: #2b262022; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ece5da; } .sqlite { fill: #e08b5f; } .postgresql { fill: #7fb3c7; }
    .goal { stroke: #ece5da; } .grid { stroke: #ece5da33; }
  }
"""


def bars(results: Results) -> str:
    """An SVG for light and dark. A bar ends at the ratio to the bare route; 1 is the bare route."""
    rows = [each for each in results.rows.values() if each.ratios]
    height = 70 + ROW * len(rows)
    drawn = [_legend(), *(_grid(share / 4, height) for share in range(5))]
    for number, found in enumerate(rows):
        top = 60 + ROW * number
        drawn.append(f'<text x="{LEFT - 10}" y="{top + 15}" text-anchor="end">')
        drawn.append(f"{escape(found.title)}</text>")
        for place, database in enumerate(NAMES):
            ratio = found.ratio(database)
            if ratio is not None:
                wide = _across(min(ratio, 1)) - LEFT
                drawn.append(
                    f'<rect class="{database}" x="{LEFT}" y="{top + place * (BAR + 2)}" '
                    f'width="{wide:.1f}" height="{BAR}" rx="2" />'
                )
        if found.goal:
            x = _across(found.goal)
            drawn.append(
                f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2}" y2="{top + 24}" />'
            )
    title = "Requests a second, as a ratio to a bare Flask route; the marks are the goals"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{title}">\n<style>{STYLE}</style>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _across(ratio: float) -> float:
    return LEFT + ratio * (WIDTH - LEFT - 30)


def _grid(ratio: float, height: int) -> str:
    x = _across(ratio)
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="48" y2="{height - 4}" />'
        f'<text x="{x:.1f}" y="42" text-anchor="middle">{ratio:g}</text>'
    )


def _legend() -> str:
    drawn = ""
    for number, (database, name) in enumerate(NAMES.items()):
        x = LEFT + 120 * number
        drawn += f'<rect class="{database}" x="{x}" y="8" width="14" height="{BAR}" rx="2" />'
        drawn += f'<text x="{x + 20}" y="18">{name}</text>'
    return drawn
