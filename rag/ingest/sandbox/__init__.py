"""Files are parsed in a child process: what goes wrong there costs one file, and nothing else.

`process` and `child` are the parent's side, `worker` and `confine` the child's, `wire` what passes
between.
"""

from __future__ import annotations

from rag.ingest.sandbox.child import Limits
from rag.ingest.sandbox.process import Sandbox

__all__ = ["Limits", "Sandbox"]
