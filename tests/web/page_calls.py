"""The chat page as its script calls it, over HTTP: for tests that need no browser."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from gradio_client.utils import apply_diff

_SESSIONS = itertools.count()


class PageCalls:
    """A page that is open: what its regions show last, by the names of their elements."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._session = f"page{next(_SESSIONS)}"
        self.shown: dict[str, Any] = {}
        config = client.get("/config").raise_for_status().json()
        self._names = {
            each["id"]: each["props"].get("elem_id") or "" for each in config["components"]
        }
        self._functions = {
            (self._names.get(component, ""), event): function
            for function in reversed(config["dependencies"])
            for component, event in function["targets"]
        }

    def open(self) -> dict[str, Any]:
        """Load the page."""
        return self.happen("", "load")

    def ask(self, question: str) -> dict[str, Any]:
        """Ask, wait for the answer, and have the list brought up to date."""
        self.happen("question", "submit", question)
        return self.happen("", "then")

    def happen(self, element: str, event: str, *typed: str, **said: Any) -> dict[str, Any]:
        """Let something happen on an element; return what the page shows afterwards."""
        function = self._functions[element, event]
        data = [*typed, *[None] * (len(function["inputs"]) - len(typed))]
        body = {
            "data": data,
            "fn_index": function["id"],
            "session_hash": self._session,
            "event_data": said or None,
        }
        if function["queue"]:
            found: Iterable[list[Any]] = self._queued(body)
        else:
            answer = self._client.post("/gradio_api/run/predict", json=body)
            found = [answer.raise_for_status().json()["data"]]
        for data in found:
            for output, value in zip(function["outputs"], data, strict=False):
                if self._names.get(output) and not _is_unchanged(value):
                    self.shown[self._names[output]] = value
        return self.shown

    def _queued(self, body: dict[str, Any]) -> Iterator[list[Any]]:
        """Stand in line; yield the values as they come."""
        self._client.post("/gradio_api/queue/join", json=body).raise_for_status()
        path = f"/gradio_api/queue/data?session_hash={self._session}"
        data: list[Any] = []
        with self._client.stream("GET", path) as response:
            for line in response.iter_lines():
                said = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if said.get("msg") == "process_generating":
                    given = said["output"]["data"]
                    # The first time whole, then what has changed of it.
                    data = list(map(apply_diff, data, given)) if data else given
                    yield data
                if said.get("msg") == "process_completed":
                    assert said["success"], said
                    return
        raise AssertionError("the stream ended before the answer")


def _is_unchanged(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update" and "visible" not in value
