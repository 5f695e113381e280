"""What is said of a provider that is not finished."""


class MissingPart(Exception):
    """A provider's folder lacks a part of the contract; the text says which and what it must do."""
