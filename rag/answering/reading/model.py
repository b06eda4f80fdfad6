"""The reading model: does this passage answer the question, and with which words?"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.answering.reading.input import Window, bunches, windows
from rag.answering.reading.network import Logits, ReadingNetwork, fast_dtype, unpack
from rag.bert import load_tokenizer
from rag.errors import ModelError

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

PACKAGED = Path(__file__).resolve().parents[2] / "models"
FORMAT = 1
N_BEST = 5
_ANSWER_TOKENS, _ENDS = 40, 20
_BUNCH_TOKENS = 2048
_NEVER = -30.0  # relevance of a passage with nothing to read
_HINT = "Install Footnote again, or train the reader: see training/README.md."


@dataclass(frozen=True, slots=True)
class Span:
    """An answer's characters in the passage text, half-open.

    `score` in [0, 1] is the share of belief in this span, given that the passage answers.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model makes of one passage.

    `relevance` is a logit without fixed range, for ranking passages of one question;
    `answerable` is the calibrated probability that the passage answers; `spans` are at most
    five, best first, none mostly inside a better one.
    """

    relevance: float
    answerable: float
    spans: tuple[Span, ...]

    def moved(self, by: int) -> Reading:
        """Return the reading of a text that begins so many characters before this one's."""
        spans = tuple(Span(one.start + by, one.end + by, one.score) for one in self.spans)
        return replace(self, spans=spans)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the answerability logit and of the span gap, fitted on held-back data.

    The gap is the best span's logit less that of the empty span.
    """

    answerable: tuple[float, float, float]  # of the logit, of the gap, bias
    relevance: tuple[float, float]


class ReadingModel:
    """A cross-encoder that reads question and passage together. Safe to share among threads."""

    def __init__(
        self, network: ReadingNetwork, tokenizer: Tokenizer, calibration: Calibration
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._calibration = calibration
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        self._pool = ThreadPoolExecutor(self._cores, "read")

    @classmethod
    def load(cls, folder: Path | None = None, *, dtype: torch.dtype | None = None) -> ReadingModel:
        """Load the packaged model, or one that `training` exported to a folder.

        `dtype` is bfloat16 or float32; by default whichever is faster on this CPU.

        Raises:
            ModelError: a file is missing, damaged, or of another format.
        """
        from safetensors.torch import load

        folder = folder or PACKAGED
        about = _described(folder)
        data = _checked(folder / about["weights"], about["sha256"])
        dtype = dtype or fast_dtype()
        try:
            network = ReadingNetwork(unpack(load(data)), int(about["heads"]), dtype)
            fitted = about["calibration"]
            cls_weight, gap_weight, bias = map(float, fitted["answerable"])
            calibration = Calibration(
                (cls_weight, gap_weight, bias),
                (float(fitted["relevance"][0]), float(fitted["relevance"][1])),
            )
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise ModelError(f"{folder}: not a reading model: {error!r}", _HINT) from error
        return cls(network, load_tokenizer(), calibration)

    def read(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Reading]:
        """Read (title, text) pairs; one reading each, in the order given.

        The title is what stands above the passage ("title › section"), or "". Of a question
        the first 64 tokens count. Passages beyond 384 tokens are read in overlapping windows.
        """
        if not passages:
            return []
        split = windows(self._tokenizer, question, passages)
        logits = self._logits([row for rows in split for row in rows])
        found, first = [], 0
        for (_, text), rows in zip(passages, split, strict=True):
            mine = logits[first : first + len(rows)]
            first += len(rows)
            found.append(self._merge(text, rows, mine))
        return found

    def _logits(self, rows: Sequence[Window]) -> list[Logits]:
        # A bunch for each core: threads that share every matrix product would wait for each other.
        tokens = sum(len(row.ids) for row in rows)
        grouped = bunches(rows, max_tokens=min(_BUNCH_TOKENS, -(-tokens // self._cores)))
        read = self._pool.map(lambda bunch: self._network.read([rows[i] for i in bunch]), grouped)
        found: dict[int, Logits] = {}
        for bunch, logits in zip(grouped, read, strict=True):
            found.update(zip(bunch, logits, strict=True))
        return [found[i] for i in range(len(rows))]

    def _merge(self, text: str, rows: Sequence[Window], logits: Sequence[Logits]) -> Reading:
        if not rows:
            return Reading(_NEVER, 0.0, ())
        answerable, relevance, found = [], [], []
        for row, one in zip(rows, logits, strict=True):
            gap, spans = best_spans(one)
            a_logit, a_gap, bias = self._calibration.answerable
            r_logit, r_gap = self._calibration.relevance
            answerable.append(sigmoid(a_logit * one.answerable + a_gap * gap + bias))
            relevance.append(r_logit * one.answerable + r_gap * gap)
            found.append([_in_text(text, row, *span) for span in spans])
        best = max(answerable)
        # A window that hardly answers has no say, however sure it is of its span.
        weighed = [
            Span(span.start, span.end, span.score * (chance / best if best else 1.0))
            for chance, spans in zip(answerable, found, strict=True)
            for span in spans
        ]
        return Reading(max(relevance), best, apart(weighed))


def best_spans(logits: Logits) -> tuple[float, list[tuple[int, int, float]]]:
    """Return the gap of the best span over the empty one, and likely (first, last, score).

    Tokens are inclusive and at most 40; the score is P(first) * P(last) within the passage.
    """
    starts = np.argsort(-logits.start, kind="stable")[:_ENDS]
    ends = np.argsort(-logits.end, kind="stable")[:_ENDS]
    first, last = np.meshgrid(starts, ends, indexing="ij")
    fits = (first <= last) & (last < first + _ANSWER_TOKENS)
    if not fits.any():  # every likely end lies before every likely start
        best = int(starts[0])
        first, last, fits = np.array([best]), np.array([best]), np.array([True])
    first, last = first[fits], last[fits]
    both = logits.start[first] + logits.end[last]
    total = _log_sum_exp(logits.start) + _log_sum_exp(logits.end)
    order = np.argsort(-both, kind="stable")[: 4 * N_BEST]
    found = [(int(first[i]), int(last[i]), math.exp(float(both[i]) - total)) for i in order]
    return float(both.max()) - logits.null, found


def apart(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Keep the five best spans of which none shares more than half of the shorter one."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (-s.score, s.start, s.end)):
        overlaps = (
            min(span.end, other.end) - max(span.start, other.start)
            > 0.5 * min(span.end - span.start, other.end - other.start)
            for other in kept
        )
        if len(kept) < N_BEST and not any(overlaps):
            kept.append(span)
    return tuple(kept)


def sigmoid(value: float) -> float:
    """Return the logistic function, without overflow."""
    return 0.5 * (1.0 + math.tanh(0.5 * value))


def _log_sum_exp(values: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    top = float(values.max())
    return top + math.log(float(np.exp(values - top).sum()))


def _in_text(text: str, row: Window, first: int, last: int, score: float) -> Span:
    start, end = row.offsets[first][0], row.offsets[last][1]
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1  # tokens are pieces of words; an answer is made of words
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return Span(start, end, score)


def _described(folder: Path) -> dict[str, Any]:
    path = folder / "reader.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}", _HINT) from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ModelError(f"{path}: not a reading model of format {FORMAT}", _HINT)
    if missing := {"weights", "sha256", "heads", "calibration"} - set(about):
        raise ModelError(f"{path}: lacks {', '.join(sorted(missing))}", _HINT)
    return about


def _checked(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error}", _HINT) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(f"{path}: damaged: SHA-256 {found}, expected {sha256}", _HINT)
    return data
