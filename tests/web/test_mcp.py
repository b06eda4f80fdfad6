"""The MCP endpoint, called by the SDK's own client over a real server."""

from __future__ import annotations

import pytest
from conftest import make_app, serving
from starlette.testclient import TestClient
from web_fakes import QUOTE, run

from rag.settings import Settings
from rag.web.api.mcp_server import PATH

mcp = pytest.importorskip("mcp")


def test_a_client_finds_two_tools_that_answer_and_search():
    async def scenario(url: str) -> None:
        async with mcp.Client(url + PATH) as client:
            tools = (await client.list_tools()).tools
            assert sorted(tool.name for tool in tools) == ["ask", "search"]
            assert all(tool.annotations.read_only_hint for tool in tools)
            answer = await client.call_tool("ask", {"question": "What did China ask?"})
            assert answer.structured_content["citations"][0]["quote"] == QUOTE
            found = await client.call_tool("search", {"query": "rights", "k": 1})
            assert len(found.structured_content["hits"]) == 1
            broken = await client.call_tool("ask", {"question": "broken"})
            assert broken.is_error
            assert "Something went wrong" in broken.content[0].text
            assert "secret" not in broken.content[0].text

    with serving(make_app()) as url:
        run(scenario(url))


def test_it_needs_a_key_where_the_rest_does(tmp_path):
    from web_fakes import MemoryCatalog, ScriptedAssistant

    from rag.web.server import create_app

    settings = Settings(data_dir=tmp_path, access="token")
    app = create_app(ScriptedAssistant(), MemoryCatalog(), settings)
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.post(PATH, json={}).status_code == 401
    assert client.get(PATH).status_code == 405
