"""The commands of the README run as printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def footnote_commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("footnote ")]


@pytest.mark.model
def test_the_footnote_commands_work_in_order(footnote, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "store"))
    commands = footnote_commands()
    assert len(commands) >= 8
    for command in commands:
        words = [*footnote, *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip()


@pytest.mark.model
def test_the_python_example_works(footnote, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "store"))
    subprocess.run([*footnote, "ingest", "corpus"], cwd=PROJECT, check=True, capture_output=True)
    code = blocks("python")[0].replace('data_dir=".footnote"', "data_dir=None")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "individual cases" in done.stdout, done.stderr


def test_make_has_the_targets_that_are_named():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("page", [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))])
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
