"""Prompts that ship load; a damaged one is refused with what is wrong."""

from __future__ import annotations

import pytest

from rag.answering.chat.prompts import PROMPTS_DIR, VARIABLES, load_prompt
from rag.errors import ConfigurationError

GOOD = """---
variables: history, question
---
## system
Be {{brief}}.
## user
{history}
{question}
"""


def write(folder, content: str, name: str = "condense"):
    (folder / f"{name}.md").write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_prompt_that_ships_has_what_the_code_fills_in(name):
    assert load_prompt(name).variables == VARIABLES[name]


def test_every_prompt_file_is_known_to_the_code():
    of_evaluation = {"draft", "judge"}  # tested in tests/eval
    assert {path.stem for path in PROMPTS_DIR.glob("*.md")} == set(VARIABLES) | of_evaluation


def test_a_prompt_is_two_templates(tmp_path):
    write(tmp_path, GOOD)
    assert load_prompt("condense", folder=tmp_path).messages == [
        ("system", "Be {{brief}}."),
        ("human", "{history}\n{question}"),
    ]


def test_the_version_changes_with_the_content_alone(tmp_path):
    write(tmp_path, GOOD)
    first = load_prompt("condense", folder=tmp_path).version
    assert first == load_prompt("condense", folder=tmp_path).version
    write(tmp_path, GOOD.replace("brief", "quick"))
    assert load_prompt("condense", folder=tmp_path).version != first
    assert len(first) == 8


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD.replace("\n{question}", ""), "Missing: question"),
        (GOOD.replace("{question}", "{question} {key}"), "unknown: key"),
        (GOOD.replace("history, question", "history, question, key"), "Missing: key"),
        (GOOD.replace("{question}", "{question.__class__}"), "no plain name"),
        (GOOD.replace("{question}", "{question!r}"), "no plain name"),
        (GOOD.replace("{question}", "{}"), "no plain name"),
        (GOOD.replace("{question}", "{question"), "brace"),
        (GOOD.replace("## user\n", ""), "expected form"),
        (GOOD.partition("---\n")[2], "expected form"),
        (GOOD.replace("question", "key"), "are filled in"),
    ],
)
def test_what_is_wrong_with_a_prompt_is_said_when_it_is_loaded(tmp_path, content, said):
    write(tmp_path, content)
    with pytest.raises(ConfigurationError) as caught:
        load_prompt("condense", folder=tmp_path)
    assert said in str(caught.value)
    assert str(tmp_path / "condense.md") in str(caught.value)


def test_a_missing_or_unreadable_prompt_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"condense\.md cannot be read"):
        load_prompt("condense", folder=tmp_path)
    (tmp_path / "condense.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_prompt("condense", folder=tmp_path)
