"""How fast the shop is, beside the least that its stack can do: ``make bench``.

Every number is a ratio within one run: requests a second against a Flask route that does nothing,
and CPU time in one process against the same route. See docs/performance.md.
"""
