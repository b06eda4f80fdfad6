"""Giving memory back to the machine, and to no end where the C library has no such way."""

from __future__ import annotations

import ctypes
import platform
import threading

import psutil
import pytest

from rag.web.memory import give_back, giving_back

BLOCK, BLOCKS = 64 * 1024, 3_000

glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="needs glibc, whose memory it is about"
)


def held() -> int:
    return psutil.Process().memory_info().rss


def leave_holes() -> list[ctypes.Array[ctypes.c_char]]:
    """Take 190 MB in blocks and free them but for the last, which keeps the heap from shrinking."""
    blocks = []
    for _ in range(BLOCKS):
        blocks.append(ctypes.create_string_buffer(BLOCK))
        ctypes.memset(blocks[-1], 1, BLOCK)
    return blocks[-1:]


@glibc
def test_what_was_freed_goes_back_to_the_machine():
    give_back()
    last = leave_holes()
    before = held()
    assert give_back()
    assert before - held() > BLOCK * BLOCKS / 2
    assert last[0][0] == b"\1"


@glibc
def test_it_is_done_again_and_again_while_it_lasts():
    give_back()
    last = leave_holes()
    before, waited = held(), threading.Event()
    with giving_back(0.05):
        for _ in range(200):
            if before - held() > BLOCK * BLOCKS / 2:
                break
            waited.wait(0.05)
    assert before - held() > BLOCK * BLOCKS / 2
    assert last[0][0] == b"\1"
    assert "give-memory-back" not in {thread.name for thread in threading.enumerate()}
