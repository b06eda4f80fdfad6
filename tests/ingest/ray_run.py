"""`footnote ingest --ray` with an embedder whose process is killed once, in its second batch.

python -m tests.ingest.ray_run ADDRESS FLAG PATH...
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ray import cloudpickle
from rich.console import Console

from rag.ray_command import run_on_ray
from rag.retrieval.hashing import HashingEmbedder
from rag.settings import load_settings


class KilledOnce(HashingEmbedder):
    """Ends its process in the second batch after the fingerprint, unless the flag is there."""

    def __init__(self, flag: Path) -> None:
        super().__init__()
        self._flag = flag
        self._calls = 0

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        self._calls += 1
        if self._calls == 3 and not self._flag.exists():
            self._flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_passages(texts)


if __name__ == "__main__":
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # nodes have no tests
    address, flag, *paths = sys.argv[1:]
    make_embedder = functools.partial(KilledOnce, Path(flag))
    settings = load_settings(data_dir=Path("store"))
    report = run_on_ray(settings, paths, address, Console(), make_embedder=make_embedder)
    print(report.documents, "documents")
