"""What the server remembers of pages that were opened does not grow with every one."""

from __future__ import annotations

from conftest import make_app

from rag.web.chat.chat_page import KEPT_PAGES


def test_of_pages_without_number_the_last_are_remembered(tmp_path):
    """Whoever opens streams under made-up numbers makes Gradio keep a page for each."""
    app = make_app(data_dir=tmp_path)
    (mounted,) = [route.app for route in app.routes if hasattr(getattr(route, "app", 0), "blocks")]
    held = mounted.state_holder
    for number in range(KEPT_PAGES + 50):
        held[f"s{number}"]
    assert len(held.session_data) == KEPT_PAGES
    assert "s0" not in held
    assert f"s{KEPT_PAGES}" in held
