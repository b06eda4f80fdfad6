"""What the documentation says of settings, anchors and pictures is so."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from rag.settings import Settings
from tests.conftest import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").rglob("*.md")]


def test_the_picture_of_the_house_has_every_room_and_module_at_the_door():
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = text.split("```")[1]
    inside = [PROJECT / "rag", PROJECT / "rag" / "web", PROJECT / "rag" / "answering"]
    for path in [PROJECT / "rag" / "cli.py", *(p for room in inside for p in room.iterdir())]:
        a_room = path.is_dir() and not path.name.startswith("_")
        if a_room or (path.parent == inside[0] and path.suffix == ".py" and path.stem[0] != "_"):
            assert re.search(rf"\b{path.stem}\b", picture), f"{path.name} is not in the picture"


def slug(heading: str) -> str:
    """Return the anchor that a heading gets where the pages are shown."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def test_the_page_of_settings_is_as_the_source_says():
    spec = spec_from_file_location("settings_page", PROJECT / "tools" / "settings_page.py")
    assert spec is not None
    assert spec.loader is not None
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    written = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == tool.page(), "run: python tools/settings_page.py"


@pytest.mark.parametrize("page", [*PAGES, PROJECT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_a_setting_that_is_named_exists(page: Path):
    known = {f"FOOTNOTE_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"FOOTNOTE_[A-Z][A-Z_]*", page.read_text(encoding="utf-8")))
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_anchor_leads_to_a_heading(page: Path):
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", text):
        if target.startswith("http"):
            continue
        other = (page.parent / target if target else page).read_text(encoding="utf-8")
        assert anchor in [slug(line) for line in re.findall(r"^#+ (.*)$", other, re.MULTILINE)]
