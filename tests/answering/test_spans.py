"""Exact answers as they are shown."""

from __future__ import annotations

import pytest

from rag.answering.text.spans import tidy


def shown(text: str, words: str, inside: str = "") -> str:
    at = text.index(words)
    within = text.index(inside or text)
    start, end = tidy(text, (at, at + len(words)), (within, within + len(inside or text)))
    return text[start:end]


@pytest.mark.parametrize(
    ("text", "words", "better"),
    [
        ("It is loud. Air may be the cause.", ". Air", "Air"),
        ("We pay with Visa, cheques or cash.", "Visa, ", "Visa"),
        ("Noise | 62 dB | 66 dB", "| 62 dB |", "62 dB"),
        ("It closes at 6 p.m. on Mondays.", "6 p.m", "6 p.m."),
        ("with about 117,100 employees", "100 employees", "117,100 employees"),
        ("a rate of $ 6.25 % then", "25", "$ 6.25 %"),
        ("He is J. P. Svensson.", "J. P", "J. P."),
        ("over 2,300 km (1,400 mi) long", "2,300 km (1,400 mi", "2,300 km (1,400 mi)"),
        ("one (420 m², a month) is", "(420 m²", "420 m²"),
        ("one (420 m², a month) is", "a month)", "a month"),
        ('choose "Forgot password" there', 'Forgot password"', '"Forgot password"'),
        ('choose "Forgot password" there', '"Forgot', "Forgot"),
        ("He said “never” to it.", "never”", "“never”"),
        ("He said “never” to it.", "never", "never"),
        ("1. Place the pump.", "1", "1. Place the pump."),
        ("a) Place the pump.", "a)", "a) Place the pump."),
        ("Votes: 3 to 1.", "3", "3"),
        ("It is. No one.", ".", "It is. No one."),  # nothing is left
    ],
)
def test_tidy(text: str, words: str, better: str) -> None:
    assert shown(text, words) == better


def test_a_span_ends_with_its_statement() -> None:
    assert shown("It ends. Then it begins.", "ends. Then", "It ends.") == "ends."
