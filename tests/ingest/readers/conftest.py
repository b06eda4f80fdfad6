from __future__ import annotations

import pytest

from rag.errors import DocumentError
from rag.ingest.readers import read_file


@pytest.fixture
def read(tmp_path):
    """Write a file and read it: `read("note.txt", data)` gives what its reader yields."""

    def read(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        return list(read_file(path, f"files/{name}"))

    return read


@pytest.fixture
def refusal(read):
    """Read a file that must be refused, and give its reason; each has a message and a hint."""

    def refusal(name, data):
        with pytest.raises(DocumentError) as caught:
            read(name, data)
        assert caught.value.message.startswith(f"files/{name}")
        assert caught.value.hint
        return caught.value.reason

    return refusal
