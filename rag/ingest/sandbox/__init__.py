"""Files are parsed in a child process: what goes wrong there costs one file, and nothing else.

`process` is the parent's side, `worker` and `confine` the child's, `wire` what passes between.
"""

from __future__ import annotations

from rag.ingest.sandbox.process import Limits, Sandbox

__all__ = ["Limits", "Sandbox"]
