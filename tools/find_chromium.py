"""See to it that the browser tests have a Chromium: find it, or install Debian's where possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def main() -> int:
    """Return 0: when there is no browser, the browser tests themselves say what to do."""
    if shutil.which("chromium"):
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing chromium for the browser tests ...")
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
