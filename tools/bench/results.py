"""What a run has found: kept as JSON in ``build/``, and told in docs/performance.md."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

#: The databases, as pages name them.
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass
class Found:
    """Of one row: ratios to the bare route a round each, by database; and its CPU time."""

    title: str
    goal: float | None
    ratios: dict[str, list[float]] = field(default_factory=dict)
    p99: dict[str, list[float]] = field(default_factory=dict)
    times_bare: float | None = None
    statements: int | None = None

    def ratio(self, database: str) -> float | None:
        """The median of the rounds."""
        return median(self.ratios[database]) if self.ratios.get(database) else None


@dataclass
class Results:
    """Of a whole run; ``machine`` and ``commits`` as they are shown."""

    date: str
    machine: dict[str, str]
    bare: float  # requests a second
    commits: dict[str, float]  # a second, by database
    rows: dict[str, Found] = field(default_factory=dict)
    #: Seconds of each, sorted, by database: until the page showed the news, ``told`` and ``lost``;
    truth: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    #: and until a webhook was answered, where they come steadily.
    steady: dict[str, list[float]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))


def quantiles(seconds: list[float]) -> str:
    """ "half within 500 ms, 99 of 100 within 1.2 s, the slowest 1.4 s"; of sorted seconds."""
    half, most = seconds[len(seconds) // 2], seconds[int(0.99 * (len(seconds) - 1))]
    shown = [
        f"{1000 * each:.0f} ms" if each < 1 else f"{each:.1f} s"
        for each in (half, most, seconds[-1])
    ]
    return f"half within {shown[0]}, 99 of 100 within {shown[1]}, the slowest {shown[2]}"
