"""The e-books: the file that a shopper fetches, and the chapters that are read online.

``downloads/<slug>.html`` is the source of both: ``<slug>.pdf`` is printed from it, and each of its
sections is a chapter.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

LIBRARY = Path(__file__).with_name("downloads")
SECTION = re.compile(r'<section id="([a-z-]+)">\s*<h2>(.*?)</h2>(.*?)</section>', re.DOTALL)


class Chapter(NamedTuple):
    """``key`` is its part of the address; the texts are HTML of our own."""

    key: str
    title: Markup
    body: Markup


def file_of(slug: str) -> Path:
    """The file of a ``download`` product."""
    return LIBRARY / f"{slug}.pdf"


@cache
def chapters(slug: str) -> tuple[Chapter, ...]:
    """The whole book, for a product's slug; none where it cannot be read online."""
    source = LIBRARY / f"{slug}.html"
    found = SECTION.findall(source.read_text("utf-8")) if source.is_file() else []
    return tuple(Chapter(key, *map(Markup, texts)) for key, *texts in found)
