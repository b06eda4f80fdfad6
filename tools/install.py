"""Install Footnote into the environment that runs this: `python tools/install.py [EXTRA...]`.

On Linux the package index offers PyTorch with several gigabytes of CUDA that Footnote never uses,
so PyTorch's own CPU build is tried first; where that cannot be reached, the index decides. All else
is installed by uv, which takes a sixth of pip's time, and by pip where uv cannot: uv does not know
everything that pip may be told of mirrors and certificates.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
CONSTRAINTS = ["--constraint", str(ROOT / "constraints.txt")]

COMPILES = sys.dont_write_bytecode
"""Most of what is installed is never imported, so Python compiles what it needs when it runs. Where
it may not keep that (PYTHONDONTWRITEBYTECODE), all is compiled now, not at every start."""


def run(*command: str) -> bool:
    """Run a module of this environment; tell whether it succeeded."""
    return subprocess.run([sys.executable, "-m", *command], check=False).returncode == 0


def pip(*arguments: str) -> bool:
    """Run pip."""
    compiled = "--compile" if COMPILES else "--no-compile"
    return run("pip", "--disable-pip-version-check", "install", "--quiet", compiled,
               *CONSTRAINTS, *arguments)  # fmt: skip


def uv(*arguments: str) -> bool:
    """Run uv, with the index that pip was told to use."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    index = os.environ.get("PIP_INDEX_URL") or told.stdout.strip()
    chosen = ["--default-index", index] if index else []
    compiled = ["--compile-bytecode"] if COMPILES else []
    return run("uv", "pip", "install", "--quiet", "--python", sys.executable,
               *chosen, *compiled, *CONSTRAINTS, *arguments)  # fmt: skip


def torch() -> bool:
    """Install PyTorch: its own build without CUDA, or what the index has."""
    own = ("--retries", "0", "--timeout", "10", "--index-url", CPU_BUILDS)
    return pip("--no-deps", *own, "torch") or pip("--no-deps", "torch")


def main() -> int:
    """Install the package with the given extras; return an exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one is told so
        print(f"Footnote needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 1
    extras = f"[{','.join(sys.argv[1:])}]" if sys.argv[1:] else ""
    package = ("--editable", f"{ROOT}{extras}")
    ready = sys.platform != "linux" or torch()
    if (ready and pip("uv") and uv(*package)) or pip(*package):
        return 0
    print("\nThe installation failed; the last lines above say why.")
    print("It needs a package index (PyPI or a mirror, see `pip config`) and about 2 GB of disk.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
