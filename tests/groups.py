"""Groups of tests that run in one process, one after the other.

What a group needs is slow to start, so it is started once; and of those that start many processes
of their own, one runs at a time. (xdist has a mark for this, ``xdist_group``, which pytest 9.2
breaks: pytest-dev/pytest-xdist#1386.)
"""

from xdist.scheduler import LoadScopeScheduling

#: A file of tests, or the start of its path -> the group that it runs in.
GROUPS = {
    "tests/browser/test_accessibility.py": "stage",
    "tests/browser/test_errors.py": "stage",
    "tests/browser/test_theme.py": "stage",
    "tests/browser/": "world",
    "tests/security/test_wire.py": "server",
    "tests/tools/test_demo.py": "many processes",
    "tests/stories/test_processes.py": "many processes",
    "tests/tools/test_run.py": "many processes",
    "tests/tools/test_soak.py": "many processes",
}


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """The largest group first; every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        found = (name for start, name in GROUPS.items() if nodeid.startswith(start))
        return next(found, nodeid)
