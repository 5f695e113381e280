"""Make the shop's product pictures: every original as AVIF, 480 and 900 pixels wide, and as WebP.

Usage: python scripts/make_pictures.py ORIGINALS

The name stays and the width is added: mug.webp becomes mug-480.avif, mug-900.avif and, for older
browsers, mug-900.webp in static/products/.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

SMALL, LARGE = 480, 900  # pixels: a cell on a phone or twice half of one, and a product page
#: Both look alike (SSIM above 0.98, within 0.001 of each other or AVIF nearer to the original), and
#: AVIF needs 6 bytes of 10. Below 80 the soft backdrops begin to show bands in WebP.
AVIF: dict[str, Any] = {"quality": 48, "speed": 1}
WEBP: dict[str, Any] = {"quality": 80, "method": 6}
FILES = ((SMALL, ".avif", AVIF), (LARGE, ".avif", AVIF), (LARGE, ".webp", WEBP))
EXTENSIONS = (".webp", ".png", ".jpg", ".jpeg")
SHELF = Path(__file__).resolve().parent.parent / "static" / "products"


class BadOriginal(Exception):
    """What is wrong with the originals and what to do, in one sentence for the terminal."""


def find_originals(folder: Path) -> list[Path]:
    """Return the pictures in *folder*, in the order of their names."""
    if not folder.is_dir():
        raise BadOriginal(f"{folder} is not a folder. Name the folder that holds the originals.")
    originals = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)
    if not originals:
        raise BadOriginal(f"{folder} holds no pictures ({', '.join(EXTENSIONS)}).")
    return originals


def make_pictures(original: Path, shelf: Path) -> list[Path]:
    """Write *original* to *shelf* as each of FILES and return them; only square ones will do."""
    try:
        with Image.open(original) as opened:
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise BadOriginal(f"{original} cannot be read as a picture. Export it again.") from error
    if picture.width != picture.height or picture.width < LARGE:
        raise BadOriginal(
            f"{original} is {picture.width} by {picture.height} pixels. "
            f"Crop it to a square of {LARGE} pixels or more: the pages reserve a square."
        )
    made = []
    for width, extension, options in FILES:
        target = shelf / f"{original.stem}-{width}{extension}"
        resized = picture.resize((width, width), Image.Resampling.LANCZOS)
        resized.save(target, **options)
        made.append(target)
    return made


def main() -> int:
    """Make all pictures; 0 when done, 1 when an original will not do."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "originals", type=Path, help="folder of square pictures, 900 pixels or more"
    )
    folder = parser.parse_args().originals
    SHELF.mkdir(parents=True, exist_ok=True)
    try:
        made = [
            file for original in find_originals(folder) for file in make_pictures(original, SHELF)
        ]
    except BadOriginal as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Made {len(made)} pictures in {SHELF}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
