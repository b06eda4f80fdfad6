"""Settings as people write them, and what is said of those that cannot be used."""

from __future__ import annotations

import pytest

from rag.errors import ConfigurationError
from rag.settings import load_settings


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(**given: object) -> str:
    with pytest.raises(ConfigurationError) as error:
        load_settings(**given)
    assert error.value.hint
    return f"{error.value.message} | {error.value.hint}"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "FOOTNOTE_PORT should be a valid integer (found 'http'). | Correct that"),
        ("PORT", "70000", "FOOTNOTE_PORT should be less than or equal to 65535 (found '70000')."),
        ("ACCESS", "all", "should be 'local', 'open', 'token', 'proxy' or 'oidc' (found 'all')"),
        ("ABSTAIN_BELOW", "40%", "FOOTNOTE_ABSTAIN_BELOW should be a valid number (found '40%')."),
        ("EMBEDS", "handbook", "FOOTNOTE_EMBEDS is not JSON"),
        ("COLLECTIONS", '{"hr":', """Write {"NAME": ["a", "b"]}, in single quotes"""),
        ("EMBEDS", '{"h": "https://x"}', "FOOTNOTE_EMBEDS, h should be a list of names"),
        ("EMBEDS", '["h"]', "FOOTNOTE_EMBEDS should name lists"),
        ("TRUSTED_HOSTS", '["a"', """FOOTNOTE_TRUSTED_HOSTS is not JSON"""),
        ("OCR_LANGUAGES", "deu eng", """FOOTNOTE_OCR_LANGUAGES should be written as "eng" or"""),
        ("DATA_DIR", "", "FOOTNOTE_DATA_DIR should name a folder (found '')"),
        ("BASE_URL", "127.0.0.1:8000", "FOOTNOTE_BASE_URL should begin with http:// or https://"),
        ("HOST", "", "FOOTNOTE_HOST may not be empty (found '')"),
        ("EMBEDDING_MODEL", "", "FOOTNOTE_EMBEDDING_MODEL may not be empty"),
        ("MODLE", "ollama:x", "There is no setting FOOTNOTE_MODLE. | Did you mean FOOTNOTE_MODEL?"),
        ("COLLECTION", "{}", "FOOTNOTE_COLLECTION. | Did you mean FOOTNOTE_COLLECTIONS?"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, name, value, message):
    monkeypatch.setenv(f"FOOTNOTE_{name}", value)
    assert message in refused()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('port = "x"', "footnote.toml: port should be a valid integer (found 'x'). | Correct it"),
        ("prot = 7", "footnote.toml: there is no setting 'prot'. | Did you mean 'port'?"),
        ("FOOTNOTE_PORT = 7", "no setting 'FOOTNOTE_PORT'. | Did you mean 'port'?"),
        ("Port = 7", "no setting 'Port'. | Did you mean 'port'?"),
        ("colour = 7", "no setting 'colour'. | All settings are in docs/settings.md."),
        ("port 7", "footnote.toml is not TOML: Expected '=' after a key in a key/value pair (at l"),
        ("port = 1\nport = 2", "footnote.toml is not TOML: Cannot overwrite a value (at"),
        ('[embeds]\nh = "https://x"', "footnote.toml: embeds, h should be a list of names"),
        ("embeds = [1]", "footnote.toml: embeds should name lists"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained(tmp_path, text, message):
    (tmp_path / "footnote.toml").write_text(text, encoding="utf-8")
    assert message in refused()


def test_a_file_in_another_encoding_is_explained(tmp_path):
    (tmp_path / "footnote.toml").write_bytes('uploads_dir = "Gesprächs"'.encode("latin-1"))
    assert "footnote.toml is not UTF-8. | Save it" in refused()


def test_a_folder_in_place_of_the_file_is_explained(tmp_path):
    (tmp_path / "footnote.toml").mkdir()
    assert "footnote.toml in the working folder cannot be read: Is a directory." in refused()


def test_an_argument_is_not_blamed_on_the_environment(monkeypatch):
    monkeypatch.setenv("FOOTNOTE_PORT", "7861")
    assert refused(port=99999).startswith("Setting 'port' should be less than or equal to 65535")


def test_a_secret_of_the_wrong_kind_is_not_shown(tmp_path):
    (tmp_path / "footnote.toml").write_text("api_key = 4711", encoding="utf-8")
    assert "4711" not in refused()


def test_lists_may_be_written_with_commas(monkeypatch):
    monkeypatch.setenv("FOOTNOTE_TRUSTED_HOSTS", "ask.corp, ask2.corp")
    monkeypatch.setenv("FOOTNOTE_PROXY_NETWORKS", '["10.1.2.3/32"]')
    settings = load_settings()
    assert settings.trusted_hosts == ("ask.corp", "ask2.corp")
    assert settings.proxy_networks == ("10.1.2.3/32",)


def test_variables_of_others_are_left_alone(monkeypatch):
    monkeypatch.setenv("FOOTNOTE_SERVICE_HOST", "10.0.0.1")  # as Kubernetes names a service
    monkeypatch.setenv("FOOTNOTE_PORT_7860_TCP_ADDR", "10.0.0.1")
    assert load_settings().port == 7860


def test_arguments_win_over_variables_and_these_over_the_file(tmp_path, monkeypatch):
    (tmp_path / "footnote.toml").write_text("port = 1\nread_k = 1\nsearch_k = 1", encoding="utf-8")
    monkeypatch.setenv("FOOTNOTE_PORT", "2")
    monkeypatch.setenv("FOOTNOTE_READ_K", "2")
    settings = load_settings(port=3)
    assert (settings.port, settings.read_k, settings.search_k) == (3, 2, 1)
