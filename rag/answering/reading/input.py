"""What the reading model sees: question and passage as tokens, long passages in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, CLS, SEP = 0, 101, 102
QUESTION_TOKENS, TITLE_TOKENS, WINDOW_TOKENS, OVERLAP_TOKENS = 64, 32, 384, 96


@dataclass(frozen=True, slots=True)
class Window:
    """One row for the network: `[CLS] question [SEP] title. passage [SEP]`.

    `passage_first` is where segment 1 (title and passage) begins, `text_first` where the
    passage's own tokens do; `offsets` are those tokens' characters in the passage.
    """

    ids: list[int]
    passage_first: int
    text_first: int
    offsets: list[tuple[int, int]]


def windows(
    tokenizer: Tokenizer, question: str, passages: Sequence[tuple[str, str]]
) -> list[list[Window]]:
    """Return each (title, text) as rows of at most `WINDOW_TOKENS`, in the order given.

    A question counts with its first 64 tokens, a title with its first 32. Windows of a long
    passage overlap by 96 tokens, so that an answer is whole in one of them. A passage without
    a token, or any passage under an empty question, has no window.
    """
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:QUESTION_TOKENS]
    if not asked:
        return [[] for _ in passages]
    titles = [f"{title}." if title else "" for title, _ in passages]
    named = tokenizer.encode_batch(titles, add_special_tokens=False)
    read = tokenizer.encode_batch([text for _, text in passages], add_special_tokens=False)
    found = []
    for title, passage in zip(named, read, strict=True):
        head = [CLS, *asked, SEP, *title.ids[:TITLE_TOKENS]]
        room = WINDOW_TOKENS - len(head) - 1
        rows = []
        for start in range(0, len(passage.ids), room - OVERLAP_TOKENS):
            ids = [*head, *passage.ids[start : start + room], SEP]
            offsets = passage.offsets[start : start + room]
            rows.append(Window(ids, len(asked) + 2, len(head), offsets))
            if start + room >= len(passage.ids):
                break
        found.append(rows)
    return found


def bunches(rows: Sequence[Window], max_tokens: int = 2048) -> list[list[int]]:
    """Group row numbers by length, so that little of a padded batch of `max_tokens` is padding."""
    order = sorted(range(len(rows)), key=lambda i: (len(rows[i].ids), i))
    found: list[list[int]] = []
    for i in order:
        if found and (len(found[-1]) + 1) * len(rows[i].ids) <= max_tokens:
            found[-1].append(i)
        else:
            found.append([i])
    return found
