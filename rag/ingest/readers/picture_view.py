"""A picture as a page: drawn small enough to be shown, and the boxes of a stretch of its text."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers import ocr
from rag.ingest.readers.page_words import boxes_of, recognised
from rag.ingest.readers.views import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_PIXELS,
    Box,
    PageRequest,
    PageView,
)

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")  # others may run programs
_WIDTH_PIXELS = 1240
_WIDTH_POINTS = 612.0  # of a page of paper, as which a picture is shown that is at least as wide


def view_picture(data: bytes, request: PageRequest) -> PageView:
    """Draw one of a file's pictures and find the stretch of text on it; raises as `views.view`.

    Words are recognised again. A point is a pixel, or less where the picture is wider than a page.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size, which is checked below
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                return _view(image, data, request)
    except Image.DecompressionBombError as error:
        raise _no_picture(request) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error) as error:
        raise _no_picture(request) from error


def _view(image: Any, data: bytes, request: PageRequest) -> PageView:
    pictures = getattr(image, "n_frames", 1)
    if not 1 <= request.page <= pictures:
        raise _no_picture(request)
    image.seek(request.page - 1)
    across, down = image.size
    if not 0 < across * down <= ocr.MAX_PIXELS:
        raise _no_picture(request)
    scale = max(1.0, across / _WIDTH_POINTS)
    boxes: tuple[Box, ...] = ()
    if request.start < request.end:
        # As it was read: another file of the same pixels may be recognised a little differently.
        alone = data if pictures == 1 or image.format != "TIFF" else _one_of(image)
        pages = ocr.recognise(alone, f"{request.source}, picture {request.page}")
        boxes = boxes_of(recognised(pages[0].lines if pages else (), scale), request)
    picture = _png(image) if request.draw else b""
    return PageView(request.page, across / scale, down / scale, boxes, picture)


def _one_of(image: Any) -> bytes:
    """Write the present picture of a file into a file of its own, with its resolution."""
    file = io.BytesIO()
    kept = {"dpi": image.info["dpi"]} if "dpi" in image.info else {}
    image.save(file, "TIFF", **kept)
    return file.getvalue()


def _png(image: Any) -> bytes:
    """Draw the picture as a PNG file, smaller when it would be too large."""
    across, down = image.size
    scale = min(1.0, _WIDTH_PIXELS / across, (MAX_PICTURE_PIXELS / (across * down)) ** 0.5)
    size = _scaled(across, down, scale)
    image.draft(None, size)  # a JPEG file is decoded no larger than it need be
    small = _paper(_smooth(image).resize(size, reducing_gap=2.0))
    while True:
        file = io.BytesIO()
        small.save(file, "PNG", compress_level=3)
        if file.tell() <= MAX_PICTURE_BYTES:
            return file.getvalue()
        small = small.resize(_scaled(small.width, small.height, 0.7))


def _scaled(across: int, down: int, scale: float) -> tuple[int, int]:
    return max(1, int(across * scale)), max(1, int(down * scale))


def _smooth(image: Any) -> Any:
    """Bring a picture of any kind to one of levels, which can be made smaller."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode.startswith("I"):  # of 16 bits
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if "transparency" in image.info:
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA", "LA") else image.convert("RGB")


def _paper(image: Any) -> Any:
    """Lay what can be seen through on white."""
    from PIL import Image

    if image.mode not in ("RGBA", "LA"):
        return image
    above = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")


def _no_picture(request: PageRequest) -> DocumentError:
    return DocumentError(
        f"{request.source}: picture {request.page} cannot be drawn.",
        "Open the file in its own program to see whether it is sound.",
        reason="no-page",
    )
