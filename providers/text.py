"""A provider's words, made safe to store and to show."""


def printable(text: object, limit: int = 500) -> str:
    """A provider's word, safe to store and show: one line, no control characters, not endless."""
    kept = "".join(each if each.isprintable() else " " for each in str(text)[:limit])
    return kept.encode("utf-8", "replace").decode()


def optional_text(text: object, limit: int = 500) -> str | None:
    """The same for a word that may be missing: null stays None."""
    return None if text is None else printable(text, limit)
