"""Errors that a person can act on: what happened, and what to do about it."""

from __future__ import annotations


class RagError(Exception):
    """An error whose message is meant for the person using Footnote.

    `message` says where, what was found and what was expected; `hint` says what to do.
    Interfaces print both and no traceback. `exit_code` is the command line's, after sysexits.h.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InputError(RagError):
    """A question, path or option that cannot be used as given."""

    exit_code = 64


class NoDocumentsError(RagError):
    """A question to a store that holds nothing."""

    exit_code = 66


class DocumentError(RagError):
    """A file that cannot be read; recorded, and the others go on.

    `reason` is a stable code: "encrypted", "truncated", "encoding", "empty", "unknown-format", ...
    """

    exit_code = 65

    def __init__(self, message: str, hint: str = "", *, reason: str = "unreadable") -> None:
        super().__init__(message, hint)
        self.reason = reason


class StoreError(RagError):
    """The store is damaged, full, or was written by another model or version."""

    exit_code = 74


class StoreBusyError(RagError):
    """Another process is writing to the store."""

    exit_code = 75


class ProcessError(RagError):
    """A process of ours that cannot be started: for want of memory, or of processes."""

    exit_code = 71


class ModelError(RagError):
    """An embedding, reading or chat model that cannot be loaded or reached."""

    exit_code = 69


class ConfigurationError(RagError):
    """A setting or prompt file that cannot be used."""

    exit_code = 78
