"""Install Footnote into the environment that runs this: `python tools/install.py [EXTRA...]`.

On Linux the package index offers PyTorch with several gigabytes of CUDA that Footnote never uses,
so PyTorch's own CPU build is tried first; where that cannot be reached, the index decides.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
CONSTRAINTS = ["--constraint", str(ROOT / "constraints.txt")]


def pip(*arguments: str) -> bool:
    """Run pip; tell whether it succeeded."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *arguments]
    return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    """Install the package with the given extras; return an exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one is told so
        print(f"Footnote needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 1
    if sys.platform == "linux":
        pip(
            "--quiet", "--no-deps", "--retries", "0", "--timeout", "10",
            "--index-url", CPU_BUILDS, *CONSTRAINTS, "torch",
        )  # fmt: skip
    extras = f"[{','.join(sys.argv[1:])}]" if sys.argv[1:] else ""
    if pip("--quiet", *CONSTRAINTS, "--editable", f"{ROOT}{extras}"):
        return 0
    print("\nThe installation failed; the last lines above say why.")
    print("It needs a package index (PyPI or a mirror, see `pip config`) and about 2 GB of disk.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
