from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rag.errors import InputError, StoreError
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile


@pytest.fixture
def keys(tmp_path) -> KeyFile:
    return KeyFile(tmp_path / "store" / "keys.json")


def test_a_key_is_found_by_its_words_alone(keys, tmp_path):
    key, secret = keys.create("bot", [Right.ASK], days=1)
    other, _ = keys.create("loader", [Right.INGEST, Right.ASK], days=1)
    assert keys.find(secret) == key
    assert other.rights == ("ask", "ingest")
    assert [kept.name for kept in keys.all()] == ["bot", "loader"]
    for wrong in ("", "fn_", secret[:-1], secret + "x", secret.upper(), key.sha256, key.key_id):
        assert keys.find(wrong) is None


def test_the_file_holds_no_secret_and_is_its_owners(keys, tmp_path):
    _, secret = keys.create("bot", [Right.ASK], days=1)
    path = tmp_path / "store" / "keys.json"
    assert secret.removeprefix("fn_") not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_running_server_sees_a_revocation(keys, tmp_path):
    key, secret = keys.create("bot", [Right.ASK], days=1)
    server = KeyFile(tmp_path / "store" / "keys.json")
    assert server.find(secret) is not None
    keys.revoke(key.key_id)
    assert server.find(secret) is None
    with pytest.raises(InputError, match="no key"):
        keys.revoke(key.key_id)


def test_a_key_ends_with_its_last_day(keys):
    key, _ = keys.create("bot", [Right.ASK], days=1)
    now = datetime.now(UTC)
    assert key.holds(now)
    assert not key.holds(now + timedelta(days=1, seconds=1))
    assert not replace(key, expires=now.isoformat()).holds(now)


@pytest.mark.parametrize("content", ["{", "[1]", '[{"name": "x"}]', json.dumps([{"rights": 3}])])
def test_a_spoilt_file_opens_to_nobody(keys, tmp_path, content):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "keys.json").write_text(content)
    with pytest.raises(StoreError, match=r"keys\.json"):
        keys.find("fn_x")
