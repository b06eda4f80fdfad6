"""An optional second opinion: a chat model compares answers with the reference answers.

It is never taken at its word: what it cannot decide is a third state, and how far it agrees with
the exact measures is told beside its figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from eval.run_files import Record, Run, append_line, read_lines
from eval.scores import is_correct, plain_text
from rag.answering.chat.models import load_chat_model, provider_errors
from rag.answering.chat.prompts import load_prompt
from rag.errors import ConfigurationError, ModelError
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_PROMPT = "judge"
_VARIABLES = frozenset({"question", "reference", "answer"})


class Verdict(StrEnum):
    """What the judge found; UNSCORED is neither, and bears on no figure."""

    RIGHT = "right"
    WRONG = "wrong"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the judge's reason, or why there is no verdict."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge and the exact measure agree over `n` answers that it scored.

    `share` is the share of equal verdicts, `kappa` Cohen's (1960), which takes off what chance
    would give; None when one of the two never varies.
    """

    n: int
    unscored: int
    share: float | None
    kappa: float | None


def load_judge(settings: Settings) -> BaseChatModel:
    """Set up the chat model of the settings as a judge.

    Raises:
        ConfigurationError: none is set.
        ModelError: it cannot be set up.
    """
    if not settings.model:
        raise ConfigurationError(
            "Judging needs a chat model, and none is set.",
            "Set FOOTNOTE_MODEL, as in FOOTNOTE_MODEL=ollama:qwen3.",
        )
    return load_chat_model(settings)


def judge_run(
    run: Run,
    model: BaseChatModel,
    name: str,
    on_judged: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Judge every answer that has a reference, appending to the run's judge.jsonl.

    Answers that this model judged before with this prompt are not judged again.

    Raises:
        ConfigurationError: the prompt is damaged.
    """
    prompt = load_prompt(_PROMPT)
    if prompt.variables != _VARIABLES:
        raise ConfigurationError(
            f"prompts/judge.md must use {', '.join(sorted(_VARIABLES))}.",
            "Restore the file from the project.",
        )
    path = run.folder / "judge.jsonl"
    by = {"model": name, "prompt": prompt.version}
    done = {row["id"] for row in read_lines(path, mend=True) if row["by"] == by}
    to_judge = [record for record in run.records if _can_be_judged(record)]
    with path.open("a", encoding="utf-8") as file:
        for number, record in enumerate(to_judge, start=1):
            if record["id"] not in done:
                judgement = judge(record, model, name)
                row = {"id": record["id"], "verdict": judgement.verdict, "by": by}
                append_line(file, {**row, "reason": judgement.reason})
            on_judged(number, len(to_judge))
    return path


def judge(record: Record, model: BaseChatModel, name: str) -> Judgement:
    """Ask the model about one answer; a failure of the model is no verdict."""
    from langchain_core.prompts import ChatPromptTemplate

    prompt = load_prompt(_PROMPT)
    messages = ChatPromptTemplate.from_messages(prompt.messages).format_messages(
        question=record["case"]["question"],
        reference="\n".join(record["case"]["answers"]),
        answer=plain_text(record["answer"]),
    )
    try:
        with provider_errors(name, model):
            reply = model.invoke(messages)
    except ModelError as error:
        return Judgement(Verdict.UNSCORED, error.message)
    return parse_verdict(str(reply.text))


def parse_verdict(reply: str) -> Judgement:
    """Read the last line of a reply; anything but RIGHT or WRONG alone leaves it unscored."""
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    last = lines[-1].strip("*_`. ").upper() if lines else ""
    reason = " ".join(lines[:-1])
    if last in ("RIGHT", "WRONG"):
        return Judgement(Verdict(last.lower()), reason)
    return Judgement(Verdict.UNSCORED, reason or "the reply has no verdict")


def agreement(records: Sequence[Record]) -> Agreement:
    """Compare the judge's verdicts with `is_correct` over the records that carry one."""
    judged = [record for record in records if record.get("judge")]
    pairs = [
        (record["judge"]["verdict"] == Verdict.RIGHT, is_correct(record["case"], record["answer"]))
        for record in judged
        if record["judge"]["verdict"] != Verdict.UNSCORED
    ]
    n = len(pairs)
    if not n:
        return Agreement(0, len(judged), None, None)
    share = sum(a == b for a, b in pairs) / n
    said, exact = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    chance = said * exact + (1 - said) * (1 - exact)
    kappa = (share - chance) / (1 - chance) if chance < 1 else None
    return Agreement(n, len(judged) - n, share, kappa)


def _can_be_judged(record: Record) -> bool:
    answer = record["answer"]
    return bool(answer and not answer["abstained"] and record["case"]["answers"])
