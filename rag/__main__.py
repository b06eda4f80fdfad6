"""The command footnote, also `python -m rag`."""

from __future__ import annotations

from rag.interrupts import interrupts_end


def main() -> None:
    """Run the command line."""
    with interrupts_end():
        from rag.cli import main as run
    run()


if __name__ == "__main__":
    main()
