"""Killed at every step, met in every order: ``make explore``. Read ``docs/exploring.md`` first."""
