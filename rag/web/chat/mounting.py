"""The chat page's place in the application: all that Gradio is told beside the page itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from rag.web.chat.chat_page import ChatPage

UPLOAD_LIMIT_BYTES = 1
STYLESHEETS = (
    '<link rel="stylesheet" href="ui/tokens.css"><link rel="stylesheet" href="ui/chat.css">'
)


def mount_chat(app: FastAPI, page: ChatPage, url: str, icon: Path) -> None:
    """Mount the page inside an event loop; without one, Gradio opens loops it never closes."""

    async def mount() -> None:
        _mount_blocks(app, page, url, icon)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(mount())
    else:
        _mount_blocks(app, page, url, icon)


def _mount_blocks(app: FastAPI, page: ChatPage, url: str, icon: Path) -> None:
    import gradio as gr

    gr.mount_gradio_app(
        app,
        page.build(),
        path="/",
        # Without it, Gradio pieces the address together from what proxies say.
        root_path=url or None,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        # Linked rather than given as `css`, which Gradio rewrites and so breaks media queries.
        head=STYLESHEETS,
        favicon_path=str(icon),
        footer_links=[],
        max_file_size=UPLOAD_LIMIT_BYTES,
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
    )
