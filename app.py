"""Index the sample documents in corpus/ where they have changed, then open the chat page."""

from __future__ import annotations

import os
import sys

from rag.interrupts import interrupts_end

with interrupts_end():
    from rich.console import Console

    from rag.errors import RagError
    from rag.ingest_command import run_ingest
    from rag.serve_command import run_server
    from rag.settings import PROJECT_ROOT, keep_libraries_quiet, load_settings


def main() -> int:
    """Return an exit code, as the footnote command does."""
    keep_libraries_quiet()
    try:
        settings = load_settings()
        corpus = os.path.relpath(PROJECT_ROOT / "corpus")
        run_ingest(settings, [corpus], Console(stderr=True), prune=True)
        run_server(settings)
    except RagError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
