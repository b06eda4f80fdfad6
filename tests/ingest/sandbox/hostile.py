"""Runs in the child of a test: a reader that does whatever its file says."""

from __future__ import annotations

import base64
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from array import array
from pathlib import Path

from rag.ingest.readers.views import Box, PageView
from rag.ingest.sandbox import wire, worker
from rag.types import Document

state: list[int] = []
sound = {"doc_id": "1", "title": "t", "source": "file.txt", "text": "text", "metadata": {}}
sound |= {"sections": [], "page_starts": [], "sentences": ""}
used = (Box, signal, socket, subprocess, sys, tempfile, time, urllib.request)


def attempt(deed):
    """Say which error a deed ends with."""
    try:
        deed()
    except Exception as error:  # noqa: BLE001 - that is what is asked
        return type(getattr(error, "reason", error)).__name__
    return "done"


def raw(data):
    """Send bytes in place of a frame: through the child's only open pipe."""
    for descriptor in range(3, 12):
        try:
            if os.readlink(f"/proc/self/fd/{descriptor}").startswith("pipe:"):
                os.write(descriptor, data)
                time.sleep(5)
        except OSError:
            continue


def send(frame):
    data = __import__("json").dumps(frame).encode()
    raw(struct.pack(">I", len(data)) + data)


def page(number=2, width=600.0, boxes=(), picture=b""):
    return PageView(number, width, 800.0, boxes, picture)


def png(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">2I", width, height)


def sentences(*numbers):
    return {**sound, "sentences": base64.b64encode(array("I", numbers).tobytes()).decode()}


def install():
    def read(path: Path, source: str):
        text = eval(path.read_text())
        yield Document(doc_id="1", title="t", source=source, text=text)

    worker.read_file = read
    worker.view = lambda request: eval(Path(request.path).read_text())
    assert wire.MAX_TEXT_CHARS
