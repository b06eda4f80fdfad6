"""The page on security names tests that exist, and the guide's examples work."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import serving
from portal import portal
from web_fakes import QUOTE, MemoryCatalog, ScriptedAssistant

from rag.settings import Settings
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile
from rag.web.server import create_app

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "intranet.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_exists():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    for path, name in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{path}::{name}"
    assert len(named) >= 40
    rows = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert rows == [str(number) for number in range(1, 33)]


class Writer:
    def add(self, name, content, collection):
        return [name]

    def remove(self, doc_id):
        return True


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, str, str]]:
    """A server as the guide has it: its address, a key, and an origin that may call it."""
    data_dir = tmp_path_factory.mktemp("guide")
    _, key = KeyFile(data_dir / "keys.json").create("all", [Right.ASK, Right.INGEST], days=1)
    with portal() as site:
        site.put("/", "<!doctype html>")
        settings = Settings(data_dir=data_dir, access="token", embeds={"hr": (site.origin,)})
        app = create_app(ScriptedAssistant(), MemoryCatalog(), settings, writing=Writer())
        with serving(app) as url:
            yield url, key, site.origin


def examples(language: str, holding: str, url: str, key: str) -> list[str]:
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    found = [block for block in blocks if holding in block]
    return [
        block.replace("https://ask.corp", url)
        .replace("http://127.0.0.1:7860", url)
        .replace("fn_…", key)
        for block in found
    ]


def test_the_examples_in_python_work(server, capsys):
    url, key, _ = server
    blocks = examples("python", "base_url", url, key)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "docs/intranet.md", "exec"), {})
    said = capsys.readouterr().out
    assert f"[1] The talks in Washington: {QUOTE}" in said
    assert f"The talks in Washington {url}/documents/talks%2F2011%3Fa%23b.md?start=" in said


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_examples_with_curl_work(server, tmp_path):
    url, key, _ = server
    (block,) = examples("sh", "curl", url, key)
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF")
    # The first two are for a server on the same machine, which asks for no key.
    block = block.replace(
        "-H 'Content-Type: application/json'",
        f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'",
    )
    done = subprocess.run(["sh", "-ec", block], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert '"answer_id"' in done.stdout
    assert "event: answer" in done.stdout
    assert done.stdout.endswith('{"doc_ids": ["handbook.pdf"]}')


@pytest.mark.browser
def test_the_example_in_a_page_works(server, chromium):
    url, key, origin = server
    (block,) = examples("js", "getReader", url, key)
    page = chromium.new_page()
    page.goto(origin + "/")
    code = f"(async () => {{ const said = []; const token = {key!r};"
    code += "const console = {log: (x) => said.push(x), error: (x) => said.push(x)};"
    said = page.evaluate(code + block + "return said; })()")
    page.close()
    assert said[0] == QUOTE + " [1] "
    assert said[-1]["citations"][0]["quote"] == QUOTE
