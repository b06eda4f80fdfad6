"""The child process: reads one file after the other and sends what it finds to the parent.

Started by `process.Worker`, never by a person. Its first line of input says where modules are and
what the limits are; each further line names a file to be read, or a page of one to be drawn.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from rag.errors import DocumentError
from rag.ingest.readers import ocr, read_file
from rag.ingest.readers.views import PageRequest, view
from rag.ingest.sandbox import confine, wire
from rag.types import Document


def main(setup: dict[str, Any]) -> None:
    """Serve requests from standard input until it ends."""
    channel = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what a library prints must not fall into a frame
    _set_up_ocr(setup, channel)
    wire.send(channel, {"kind": "ready", "network": confine.confine(setup["memory_bytes"])})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        failure = _serve(request, setup, channel)
        wire.send(
            channel,
            {
                "kind": "end",
                "failure": None if failure is None else wire.pack_problem(failure),
                "peak_bytes": confine.peak_bytes(),
            },
        )


def _set_up_ocr(setup: dict[str, Any], channel: BinaryIO) -> None:
    program = setup["tesseract"]

    def grant_time() -> None:
        confine.allow_cpu(setup["cpu_seconds"])
        wire.send(channel, {"kind": "alive"})

    if program is not None:
        confine.allowed_programs.add(program)
    ocr.setup.find = lambda: program
    ocr.setup.languages = setup["ocr_languages"]
    ocr.setup.on_page = grant_time


def _serve(
    request: dict[str, Any], setup: dict[str, Any], channel: BinaryIO
) -> DocumentError | None:
    """Send what a file holds; return why it could not be read (to the end)."""
    path, source = Path(request["path"]), request["source"]
    try:
        confine.allow_cpu(setup["cpu_seconds"])
        if "view" in request:
            seen = view(PageRequest(**request["view"]))
            wire.send(channel, {"kind": "view", **wire.pack_view(seen)})
            return None
        for item in read_file(path, source):
            if isinstance(item, Document) and len(item.text) <= wire.MAX_TEXT_CHARS:
                wire.send(channel, {"kind": "document", **wire.pack_document(item)})
            else:
                problem = item if isinstance(item, DocumentError) else _too_long(item)
                wire.send(channel, {"kind": "problem", **wire.pack_problem(problem)})
            confine.allow_cpu(setup["cpu_seconds"])
    except DocumentError as error:
        return error
    except BrokenPipeError:
        sys.exit(1)  # the parent has lost interest
    except MemoryError:
        return wire.out_of_memory(source, setup["memory_bytes"])
    except Exception as error:  # noqa: BLE001 - the edge of a parser: any failure is the file's
        return DocumentError(
            f"{source}: its reader failed ({type(error).__name__}: {str(error)[:200]}).",
            "The file is probably damaged: open it in its own program and save it again.",
            reason="unreadable",
        )
    return None


def _too_long(document: Document) -> DocumentError:
    return DocumentError(
        f"{document.source}: {len(document.text):,} characters of text; "
        f"at most {wire.MAX_TEXT_CHARS:,} are read.",
        "Split the file into smaller ones.",
        reason="too-large",
    )
