"""Who may frame what: headers of the widget and its page."""

from __future__ import annotations

import pytest
from conftest import make_app
from starlette.testclient import TestClient
from web_fakes import MemoryCatalog, ScriptedAssistant

from rag.settings import Settings
from rag.web.server import create_app

POLICY = "content-security-policy"


@pytest.fixture(scope="module")
def embedding(tmp_path_factory) -> TestClient:
    embeds = {"handbook": ("https://portal.corp", "https://b.corp:8443"), "nobody": ()}
    settings = Settings(data_dir=tmp_path_factory.mktemp("embeds"), embeds=embeds)
    app = create_app(ScriptedAssistant(), MemoryCatalog(), settings)
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("name", "ancestors"),
    [
        ("handbook", "https://b.corp:8443 https://portal.corp"),
        ("nobody", "'none'"),
        ("unknown", "'none'"),
        ("", "'none'"),
    ],
)
def test_each_embed_may_be_framed_by_its_own_list(embedding, name, ancestors):
    response = embedding.get(f"/embed?c={name}")
    policy = response.headers[POLICY]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert policy.endswith(f"frame-ancestors {ancestors}")
    assert "unsafe" not in policy
    assert "x-frame-options" not in response.headers
    assert "set-cookie" not in response.headers
    assert "style=" not in response.text
    assert " on" not in response.text.partition("<body")[0].replace(" only", "")


def test_by_default_nobody_may_frame_anything():
    client = TestClient(make_app(), base_url="http://127.0.0.1")
    for path in ("/", "/embed?c=handbook", "/healthz", "/runs", "/api/v1/documents"):
        policy = client.get(path).headers[POLICY]
        assert "frame-ancestors 'none'" in policy or path == "/runs"


def test_the_script_may_be_loaded_from_anywhere(embedding):
    response = embedding.get("/widget.js")
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert embedding.get("/ui/embed.js").headers["cross-origin-resource-policy"] == "same-origin"
