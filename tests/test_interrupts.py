from __future__ import annotations

import signal
import subprocess
import sys

from rag.interrupts import interrupts_end
from tests.conftest import PROJECT

# Tells when the import has begun, which then takes until the interrupt comes.
SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from rag.interrupts import interrupts_end
with interrupts_end():
    print("loading", flush=True)
    time.sleep(600)
"""


def test_an_interrupt_while_libraries_load_ends_the_process_without_a_word():
    program = [sys.executable, "-c", SLOW]
    with subprocess.Popen(
        program, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as loading:
        assert loading.stdout is not None
        assert loading.stdout.readline() == b"loading\n"
        loading.send_signal(signal.SIGINT)
        _, said = loading.communicate(timeout=60)
    assert loading.returncode == -signal.SIGINT
    assert said == b""


def test_afterwards_an_interrupt_is_an_exception_again():
    before = signal.getsignal(signal.SIGINT)
    with interrupts_end():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_who_ignores_interrupts_goes_on_ignoring_them():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_end():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_python_m_rag_is_the_command():
    program = [sys.executable, "-m", "rag", "--version"]
    done = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("footnote 0.")
