"""Pictures with words in them: scans, photographs of pages, screenshots."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator

from rag.errors import DocumentError
from rag.ingest.readers import ocr
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.types import Document


class PictureReader:
    """Reads .png, .jpg, .tif and their like through Tesseract; each picture of a TIFF is a page."""

    suffixes = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"})
    version = 1

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data = original.read()
        _check_size(data, original.source)
        builder = TextBuilder()
        starts: list[int] = []
        pages = ocr.recognise(data, original.source)
        for page in pages:
            builder.gap()
            places = [builder.paragraph(paragraph) for paragraph in page.paragraphs]
            starts.append(places[0] if places else len(builder.finish()[0]))
        text, _ = builder.finish()
        if not any(character.isalnum() for character in text):
            raise DocumentError(
                f"{original.source}: no words were found in the picture.",
                "Leave it out, or scan it again at 200 to 300 dots per inch.",
                reason="no-text",
            )
        metadata = {"ocr": "tesseract", "ocr_confidence": f"{ocr.mean_confidence(pages):.0f}"}
        page_starts = tuple(starts) if len(starts) > 1 else ()
        yield original.document(text, metadata, title=original.stem, page_starts=page_starts)


def _check_size(data: bytes, source: str) -> None:
    """Refuse, by the picture's header alone, what is none or would fill the memory."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size, which is checked below
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                pictures = getattr(image, "n_frames", 1)
    except Image.DecompressionBombError as error:
        raise _too_large(source, "more than 178,956,970 pixels") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error) as error:
        raise DocumentError(
            f"{source}: is no picture that can be read.",
            "Open it in its own program and save it as PNG.",
            reason="unreadable",
        ) from error
    if width * height > ocr.MAX_PIXELS or pictures > 1000:
        raise _too_large(source, f"{width:,} x {height:,} pixels, {pictures:,} picture(s)")


def _too_large(source: str, what: str) -> DocumentError:
    return DocumentError(
        f"{source}: {what}; at most {ocr.MAX_PIXELS:,} pixels and 1,000 pictures are read.",
        "Scale it down, or split it.",
        reason="too-large",
    )
