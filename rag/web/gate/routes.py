"""Every route, and who may come in by it. What is not here is shut; a test compares with the app.

Each line: methods, path as the route declares it, who. `open`: anybody. `ask`: whoever may ask.
`question`: the same, and it counts as a question. `ingest`: whoever may change documents.
`sign-in`: anybody, so often. `shut`: nobody; Gradio declares it and the chat page does not need it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who may come in by a route."""

    OPEN = "open"
    ASK = "ask"
    QUESTION = "question"
    INGEST = "ingest"
    SIGN_IN = "sign-in"
    SHUT = "shut"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table."""

    methods: frozenset[str]
    path: str
    who: Who
    pattern: re.Pattern[str]

    @property
    def is_api(self) -> bool:
        """Whether programs use it, also those in pages of other origins that are allowed."""
        return self.path.startswith(("/api/v1/", "/v1/"))


TABLE = r"""
GET,HEAD   /healthz                                                          open
GET,HEAD   /readyz                                                           open
GET,HEAD   /ui/{path:path}                                                   open
GET        /widget.js                                                        open
GET        /embed                                                            open

GET,HEAD   /api/v1/openapi.json                                              ask
POST       /api/v1/chat                                                      question
POST       /api/v1/search                                                    question
GET        /api/v1/documents                                                 ask
GET        /api/v1/documents/{doc_id:any}                                    ask
GET        /api/v1/passages/{passage_id:any}                                 ask
POST       /api/v1/feedback                                                  ask
GET        /api/v1/conversations                                             ask
GET        /api/v1/conversations/{conversation_id}                           ask
PATCH      /api/v1/conversations/{conversation_id}                           ask
DELETE     /api/v1/conversations/{conversation_id}                           ask
GET        /api/v1/conversations/{conversation_id}/markdown                  ask
GET        /api/v1/history                                                   ask
DELETE     /api/v1/history                                                   ask
POST       /api/v1/documents                                                 ingest
DELETE     /api/v1/documents/{doc_id:any}                                    ingest
POST       /api/v1/mcp                                                       question
GET        /v1/models                                                        ask
POST       /v1/chat/completions                                              question

GET        /documents/{doc_id:any}                                           ask
GET        /pages/{doc_id:any}                                               ask
GET        /runs                                                             ask
GET        /runs/{name}/report                                               ask

GET        /auth/login                                                       sign-in
GET        /auth/callback                                                    sign-in
GET        /auth/me                                                          sign-in
POST       /auth/logout                                                      sign-in

GET,HEAD   /                                                                 ask
GET        /config                                                           ask
GET        /static/{path:path}                                               open
GET        /assets/{path:path}                                               open
GET        /favicon.ico                                                      open
GET        /theme.css                                                        open
GET        /robots.txt                                                       open
GET        /manifest.json                                                    open
POST       /gradio_api/queue/join                                            question
GET        /gradio_api/queue/data                                            ask
POST       /gradio_api/cancel                                                ask
POST       /gradio_api/run/{api_name}                                        ask
GET        /gradio_api/startup-events                                        ask
GET        /gradio_api/theme.css                                             open
GET        /gradio_api/heartbeat/{session_hash}                              ask

GET,HEAD   /openapi.json                                                     shut
POST       /login                                                            shut
POST       /login/                                                           shut
GET        /logout                                                           shut
GET        /svelte/{path:path}                                               shut
GET        /config/                                                          shut
GET        /pwa_icon                                                         shut
GET        /pwa_icon/{size}                                                  shut
GET        /monitoring                                                       shut
GET        /monitoring/summary                                               shut
GET        /monitoring/{key}                                                 shut
GET        /gradio_api/deep_link                                             shut
GET        /gradio_api/user                                                  shut
GET        /gradio_api/user/                                                 shut
GET        /gradio_api/login_check                                           shut
GET        /gradio_api/login_check/                                          shut
GET        /gradio_api/token                                                 shut
GET        /gradio_api/token/                                                shut
GET        /gradio_api/app_id                                                shut
GET        /gradio_api/app_id/                                               shut
GET        /gradio_api/dev/reload                                            shut
GET        /gradio_api/runs                                                  shut
GET        /gradio_api/runs/                                                 shut
GET        /gradio_api/info                                                  shut
GET        /gradio_api/info/                                                 shut
GET        /gradio_api/openapi.json                                          shut
GET        /gradio_api/custom_component/{id}/{environment}/{type}/{file_name} shut
GET,HEAD   /gradio_api/proxy={url_path:path}                                 shut
GET,HEAD   /gradio_api/file={path_or_url:path}                               shut
GET        /gradio_api/file/{path:path}                                      shut
POST       /gradio_api/stream/{event_id}                                     shut
POST       /gradio_api/stream/{event_id}/close                               shut
GET        /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8 shut
GET        /gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext} shut
GET        /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file shut
POST       /gradio_api/reset                                                 shut
POST       /gradio_api/reset/                                                shut
POST       /gradio_api/api/{api_name}                                        shut
POST       /gradio_api/api/{api_name}/                                       shut
POST       /gradio_api/run/{api_name}/                                       shut
POST       /gradio_api/call/{api_name}                                       shut
POST       /gradio_api/call/{api_name}/                                      shut
POST       /gradio_api/call/v2/{api_name}                                    shut
POST       /gradio_api/call/v2/{api_name}/                                   shut
GET        /gradio_api/call/{api_name}/{event_id}                            shut
GET        /gradio_api/call/v2/{api_name}/{event_id}                         shut
POST       /gradio_api/component_server                                      shut
POST       /gradio_api/component_server/                                     shut
GET        /gradio_api/queue/status                                          shut
GET        /gradio_api/upload_progress                                       shut
POST       /gradio_api/upload                                                shut
POST       /gradio_api/process_recording                                     shut
GET,POST   /gradio_api/vibe-code                                             shut
GET,POST   /gradio_api/vibe-code/                                            shut
POST       /gradio_api/vibe-edit                                             shut
POST       /gradio_api/vibe-edit/                                            shut
POST       /gradio_api/undo-vibe-edit                                        shut
POST       /gradio_api/undo-vibe-edit/                                       shut
POST       /gradio_api/vibe-starter-queries                                  shut
POST       /gradio_api/vibe-starter-queries/                                 shut
"""

_SHAPES = {
    "path": r"(?!.*\.\.)[\w./-]+",  # files of ours and Gradio's: nothing that climbs
    "any": r"[\s\S]+",  # a doc_id may hold slashes and line breaks
    "": r"[^/]+",
}
_NARROWER = {
    "/gradio_api/run/{api_name}": "predict",
    "/gradio_api/heartbeat/{session_hash}": r"\w+",
}
"""What the chat page uses of a route that takes more."""

_PARAMETER = re.compile(r"\{\w+(?::(\w+))?\}")


def _pattern(path: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for found in _PARAMETER.finditer(path):
        parts += re.escape(path[end : found.start()]), _NARROWER.get(path, _SHAPES[found[1] or ""])
        end = found.end()
    return re.compile("".join([*parts, re.escape(path[end:])]))


def _rules(table: str) -> tuple[Rule, ...]:
    rules = []
    for line in table.strip().splitlines():
        if line:
            methods, path, who = line.split()
            rules.append(Rule(frozenset(methods.split(",")), path, Who(who), _pattern(path)))
    return tuple(rules)


RULES = _rules(TABLE)


def rules_of(path: str) -> list[Rule]:
    """Return the lines that a path falls under, in order; the first with the method decides."""
    return [rule for rule in RULES if rule.pattern.fullmatch(path)]
