"""A child reads real files; what it does wrong costs that file and nothing else.

`tests/ingest/sandbox/hostile.py` stands in for a reader that a file has taken over: the child runs
what the file says. Only the child is told of it, so the parent's side is the real one.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from rag.errors import DocumentError, ProcessError
from rag.ingest.passages import split
from rag.ingest.readers import read_file
from rag.ingest.readers.views import Box, PageRequest
from rag.ingest.sandbox import Limits, Sandbox
from rag.ingest.sandbox.process import START
from rag.ingest.sentences import SentencedDocument, sentence_spans
from rag.types import Document

needs_posix = pytest.mark.skipif(os.name != "posix", reason="limits are POSIX")
_HOSTILE = START.replace(
    "main(setup)", "import tests.ingest.sandbox.hostile as h; h.install(); main(setup)"
)


@pytest.fixture
def hostile(tmp_path):
    """Give `read(code)`: the child executes the code in place of reading; yields its Document."""
    sandboxes = []

    def read(code, limits=Limits(wall_seconds=20)):  # noqa: B008 - frozen
        if not sandboxes:
            sandboxes.append(Sandbox(limits, start=_HOSTILE))
        path = tmp_path / "file.txt"
        path.write_text(code)
        return list(sandboxes[0].read(path, "file.txt"))

    yield read
    for sandbox in sandboxes:
        sandbox.close()


def reason(read, *arguments):
    with pytest.raises(DocumentError) as caught:
        read(*arguments)
    assert caught.value.message.startswith("file.txt")
    assert caught.value.hint
    return caught.value.reason


def test_a_document_arrives_whole(tmp_path):
    text = '# Müller 😀\n\nAn "opening" paragraph.\n\n## Second\n\nAnother paragraph.'
    (tmp_path / "a.md").write_text(f"---\nauthor: Ann\n---\n{text}", encoding="utf-8")
    with Sandbox() as sandbox:
        (document,) = sandbox.read(tmp_path / "a.md", "docs/a.md")
    assert isinstance(document, Document)
    assert (document.title, document.source) == ("Müller 😀", "docs/a.md")
    assert document.metadata == {"author": "Ann"}
    assert [document.text[s.start :][: len(s.title)] for s in document.sections] == [
        "Müller 😀",
        "Second",
    ]


def test_sentences_are_found_in_the_child_and_are_those_of_the_text(tmp_path):
    text = "# Apples\n\nThey are red. Some are green!\n\n## Pears\n\nThey are not."
    (tmp_path / "a.md").write_text(text)
    with Sandbox() as sandbox:
        (document,) = sandbox.read(tmp_path / "a.md", "a.md")
    assert isinstance(document, SentencedDocument)
    assert document.sentences == sentence_spans(document.text)
    (plain,) = read_file(tmp_path / "a.md", "a.md")
    cut = [split(d, passage_chars=100, overlap_chars=0) for d in (document, plain)]
    assert cut[0] == cut[1]


def test_problems_arrive_with_reason_and_hint_and_the_child_goes_on(tmp_path):
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing")
    (tmp_path / "records.jsonl").write_text('{"_id": "1", "text": "Sound."}\nnot json\n')
    with Sandbox() as sandbox:
        with pytest.raises(DocumentError) as caught:
            list(sandbox.read(tmp_path / "broken.pdf", "broken.pdf"))
        first = sandbox._worker
        document, problem = sandbox.read(tmp_path / "records.jsonl", "records.jsonl")
        assert sandbox._worker is first
    assert caught.value.reason == "truncated"
    assert caught.value.hint
    assert document.text == "Sound."
    assert problem.reason == "bad-record"


@needs_posix
@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSEGV"])
def test_a_child_that_dies_costs_its_file(hostile, signal):
    assert reason(hostile, f"os.kill(os.getpid(), signal.{signal})") == "crashed"
    assert hostile("'sound'")[0].text == "sound"


@needs_posix
def test_a_file_is_tried_again_when_an_earlier_one_may_be_to_blame(hostile):
    assert hostile("state.append(1) or 'first'")[0].text == "first"
    # Dies where `state` shows that another file was read before it.
    (document,) = hostile("os.kill(os.getpid(), 9) if state else 'second'")
    assert document.text == "second"


def test_a_child_that_hangs_is_ended(hostile):
    limits = Limits(wall_seconds=0.5)
    assert reason(hostile, "time.sleep(60)", limits) == "time-limit"
    assert hostile("'sound'")[0].text == "sound"


@needs_posix
def test_a_child_that_computes_without_end_is_ended(hostile):
    limits = Limits(cpu_seconds=1, wall_seconds=30)
    assert reason(hostile, "[0 for _ in iter(int, 1)]", limits) == "time-limit"


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory work on Linux")
def test_a_file_that_needs_too_much_memory_is_refused(hostile):
    limits = Limits(memory_bytes=256 * 2**20)
    assert reason(hostile, "str(len(bytearray(300 * 2**20)))", limits) == "memory-limit"
    assert hostile("str(len(bytearray(30 * 2**20)))")[0].text == str(30 * 2**20)


DEEDS = (
    "socket.create_connection(('127.0.0.1', 9))",
    "socket.getaddrinfo('localhost', 80)",
    "urllib.request.urlopen('http://127.0.0.1:9/')",
    "subprocess.run(['true'])",
    "os.system('true')",
    "os.fork()",
    "os.execv('/bin/true', ['true'])",
    "open('written', 'w')",
    "os.open('written', os.O_CREAT | os.O_WRONLY)",
    "os.remove(__file__)",
    "os.rename('a', 'b')",
    "os.mkdir('folder')",
)


def test_a_parser_may_not_fetch_start_programs_or_write(hostile):
    (document,) = hostile(f"repr([{', '.join(f'attempt(lambda: {deed})' for deed in DEEDS)}])")
    assert document.text == repr(["PermissionError"] * len(DEEDS))


def test_nothing_secret_reaches_the_child(hostile, monkeypatch):
    monkeypatch.setenv("FOOTNOTE_API_KEY", "secret")
    (document,) = hostile("repr(dict(os.environ)) + repr(open('/proc/self/environ').read())")
    assert "secret" not in document.text


FRAMES = (
    "{'kind': 'document'}",
    "{'kind': 'document', **sound, 'text': 7}",
    "{'kind': 'document', **sound, 'page_starts': [0, 99]}",
    "{'kind': 'document', **sound, 'page_starts': [3, 1]}",
    "{'kind': 'document', **sound, 'sections': [['A', 1]]}",
    "{'kind': 'document', **sound, 'source': '/etc/passwd'}",
    "{'kind': 'document', **sound, 'metadata': {'a': {}}}",
    "{'kind': 'document', **sound, 'sentences': 7}",
    "{'kind': 'document', **sound, 'sentences': 'abc'}",
    "{'kind': 'document', **sentences(0, 5)}",  # the text has four characters
    "{'kind': 'document', **sentences(0, 3, 2, 4)}",
    "{'kind': 'document', **sentences(2, 2)}",
    "{'kind': 'document', **sentences(0)}",
    "{'kind': 'problem', 'message': 7}",
    "['no object']",
)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the pipe in /proc")
@pytest.mark.parametrize("frame", FRAMES)
def test_a_child_cannot_send_what_is_no_document(hostile, frame):
    assert reason(hostile, f"send({frame})") == "crashed"


PAGES = (
    "page(number=3)",
    "page(width=float('nan'))",
    "page(width=0)",
    "page(width='600')",
    "page(boxes=(Box(0, 0, 1, 'x'),))",
    "page(boxes=(Box(0, 0, 1, float('inf')),))",
    "page(boxes=(Box(0, 0, 1, 1),) * 1001)",
    "page(picture=b'<svg onload=alert(1)>' * 9)",
    "page(picture=png(100_000, 100_000))",
    "page(picture=png(10, 10) + bytes(4_000_000))",
    "sound",
    "os.kill(os.getpid(), 9)",
)


@needs_posix
@pytest.mark.parametrize("code", PAGES)
def test_a_child_cannot_send_what_is_no_page(tmp_path, code):
    path = tmp_path / "file.pdf"
    with Sandbox(Limits(wall_seconds=20), start=_HOSTILE) as sandbox:
        path.write_text("page(boxes=(Box(1, 2, 3, 4),), picture=png(1240, 1754))")
        request = PageRequest(str(path), "file.pdf", "1", "", 2)
        assert sandbox.view(request).boxes == (Box(1, 2, 3, 4),)
        path.write_text(code)
        with pytest.raises(DocumentError) as caught:
            sandbox.view(request)
    assert caught.value.reason in ("crashed", "unreadable")


@pytest.mark.skipif(sys.platform != "linux", reason="finds the pipe in /proc")
def test_a_child_cannot_make_the_parent_hold_more_than_a_frame(hostile):
    assert reason(hostile, "raw(b'\\xff\\xff\\xff\\xff' + b'x' * 100)") == "crashed"


def test_closing_ends_a_child_that_another_thread_waits_for(tmp_path):
    (tmp_path / "slow.txt").write_text("time.sleep(60)")
    sandbox = Sandbox(start=_HOSTILE)
    ended = []

    def read() -> None:
        try:
            list(sandbox.read(tmp_path / "slow.txt", "slow.txt"))
        except DocumentError as error:
            ended.append(error.reason)

    thread = threading.Thread(target=read)
    thread.start()
    while sandbox._worker is None or not sandbox._worker._files:
        threading.Event().wait(0.02)
    sandbox.close()
    thread.join(10)
    assert ended == ["crashed"]


@pytest.mark.skipif(sys.platform != "linux", reason="uses /proc")
def test_a_child_does_not_import_what_it_does_not_need(hostile):
    heavy = "{'torch', 'numpy', 'gradio', 'chromadb', 'fastapi', 'pydantic'}"
    assert hostile(f"repr({heavy} & set(sys.modules))")[0].text == "set()"
    assert Path(f"/proc/{os.getpid()}").exists()


def test_a_child_that_does_not_start_is_no_verdict_on_the_file(tmp_path):
    (tmp_path / "sound.txt").write_text("Sound.")
    with Sandbox(start="raise SystemExit(3)") as sandbox, pytest.raises(ProcessError) as caught:
        list(sandbox.read(tmp_path / "sound.txt", "sound.txt"))
    assert "ended with 3" in caught.value.message
    assert caught.value.hint


@needs_posix
def test_a_system_that_starts_no_process_is_no_verdict_on_the_file(tmp_path):
    import resource

    (tmp_path / "sound.txt").write_text("Sound.")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Sandbox() as sandbox:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # no descriptor is left for a pipe
        try:
            with pytest.raises(ProcessError, match="Too many open files"):
                list(sandbox.read(tmp_path / "sound.txt", "sound.txt"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert [document.text for document in sandbox.read(tmp_path / "sound.txt", "a")] == [
            "Sound."
        ]
