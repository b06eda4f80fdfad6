"""Damage files as disks, networks and attackers do; the same seed gives the same damage."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Iterator

from tests.torture.seeds import seeds

PACKED = frozenset({".docx", ".pptx", ".xlsx", ".epub", ".zip"})


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield `count` damaged files as (name, bytes), the formats in turn."""
    chance = random.Random(seed)
    suffixes = sorted(seeds())
    for number in range(count):
        suffix = suffixes[number % len(suffixes)]
        ways: list[Callable[[bytes, random.Random], bytes]] = [
            flip, cut, zero, splice, repeat, inflate_numbers
        ]  # fmt: skip
        if suffix in PACKED:
            ways += [inside] * 3  # a damaged zip is refused early; damage its parts as well
        way = chance.choice(ways)
        data = way(seeds()[suffix], chance)
        if chance.random() < 0.25:
            data = flip(data, chance)
        yield f"{number:05}-{way.__name__}{suffix}", data


def flip(data: bytes, chance: random.Random) -> bytes:
    """Turn 1 to 64 bits round."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 64)) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    """Drop what follows a place, or what comes before it."""
    place = chance.randrange(len(data) + 1)
    return data[:place] if chance.random() < 0.8 else data[place:]


def zero(data: bytes, chance: random.Random) -> bytes:
    """Overwrite a stretch with zeros, as a failing disk does."""
    start = chance.randrange(len(data))
    length = min(chance.choice((16, 512, 4096)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def splice(data: bytes, chance: random.Random) -> bytes:
    """Put a piece of another file, of any format, into this one."""
    other = seeds()[chance.choice(sorted(seeds()))]
    start = chance.randrange(len(other))
    piece = other[start : start + chance.choice((20, 200, 5000))]
    place = chance.randrange(len(data) + 1)
    keep = place if chance.random() < 0.5 else min(place + len(piece), len(data))
    return data[:place] + piece + data[keep:]


def repeat(data: bytes, chance: random.Random) -> bytes:
    """Repeat a stretch many times."""
    start = chance.randrange(len(data))
    piece = data[start : start + chance.choice((3, 40, 700))]
    return data[:start] + piece * chance.choice((2, 50, 1000)) + data[start:]


def inflate_numbers(data: bytes, chance: random.Random) -> bytes:
    """Replace some decimal numbers by huge, negative or odd ones: lengths, counts, sizes."""
    odd = (b"0", b"-1", b"99999999999", b"2147483648", b"4294967295", b"1e308", b"")
    return re.sub(
        rb"\d+",
        lambda match: chance.choice(odd) if chance.random() < 0.05 else match[0],
        data,
    )


def inside(data: bytes, chance: random.Random) -> bytes:
    """Damage one part of an archive and pack it again, so that its checksums are right."""
    source = zipfile.ZipFile(io.BytesIO(data))
    parts = {info.filename: source.read(info) for info in source.infolist()}
    victim = chance.choice([name for name, part in parts.items() if part])
    way = chance.choice((flip, cut, zero, splice, repeat, inflate_numbers, None))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            entry = zipfile.ZipInfo(name)  # with a date that is always the same
            if name != victim:
                target.writestr(entry, part, zipfile.ZIP_DEFLATED)
            elif way is not None:  # None: the part is missing
                target.writestr(entry, way(part, chance), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
