"""Plots of a run as SVG text that takes its colours from the page, so light and dark both work."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eval.metrics.abstention import risk_coverage
from eval.metrics.calibration import reliability
from eval.metrics.intervals import wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Matplotlib wants colours; each of these is replaced by the page's variable of that name.
_COLOURS = {
    "ink": "#010203",
    "muted": "#040506",
    "line": "#070809",
    "accent": "#0a0b0c",
    "second": "#0d0e0f",
    "wash": "#101112",
}
_SIZE = (4.4, 3.1)
# What an element of a page must not have: a style that reaches the page, ids that plots share, a
# size of its own, fonts that are not the page's.
_CLEANED = (
    (r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", ""),
    (r'<g id="[^"]*"', "<g"),
    (r' width="[^"]*" height="[^"]*"( viewBox)', r"\1"),
    (r"font-family: [^;\"]*", "font-family: inherit"),
)


def risk_coverage_plot(
    runs: Sequence[tuple[str, Sequence[float], Sequence[bool]]], answered: float
) -> str:
    """Draw the risk of each run (name, confidences, outcomes) as more is answered.

    `answered` is the share that the first run answered: its working point.
    """

    def draw(axes: Axes) -> None:
        for (name, sure, right), role in zip(runs, ("accent", "second"), strict=False):
            coverages, risks = risk_coverage(sure, right)
            axes.step(
                coverages,
                risks,
                color=_COLOURS[role],
                label=name,
                where="post",
            )
        coverages, risks = risk_coverage(runs[0][1], runs[0][2])
        near = min(range(len(coverages)), key=lambda i: abs(coverages[i] - answered))
        axes.plot([coverages[near]], [risks[near]], "o", color=_COLOURS["accent"], markersize=7)
        axes.annotate(
            "as set",
            (coverages[near], risks[near]),
            textcoords="offset points",
            xytext=(-8, 10),
            ha="right",
            color=_COLOURS["ink"],
        )
        # The first few answers alone swing the risk from 0 to 1; the scale is made for the rest.
        settled = [risk for share, risk in zip(coverages, risks, strict=True) if share > 0.1]
        axes.set(xlim=(0, 1), ylim=(0, 1.3 * max(0.15, *settled)))
        _percent(axes)
        axes.set(xlabel="share of questions answered", ylabel="share of those wrong")
        if len(runs) > 1:
            axes.legend(frameon=False, labelcolor=_COLOURS["muted"], loc="upper left")

    return _svg("risk", draw)


def calibration_plot(confidences: Sequence[float], right: Sequence[bool]) -> str:
    """Draw how often answers of a confidence are right; whiskers are Wilson's 95 % intervals."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_COLOURS["line"], linestyle=(0, (4, 4)))
        bins = reliability(confidences, right)
        biggest = max(b.count for b in bins)
        for b in bins:
            low, high = wilson(round(b.accuracy * b.count), b.count)
            axes.vlines(b.mean_confidence, low, high, color=_COLOURS["line"], linewidth=3)
        axes.scatter(
            [b.mean_confidence for b in bins],
            [b.accuracy for b in bins],
            s=[20 + 120 * b.count / biggest for b in bins],
            color=_COLOURS["accent"],
            zorder=3,
        )
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
        _percent(axes)
        axes.set(xlabel="confidence", ylabel="right")

    return _svg("calibration", draw)


def latency_plot(seconds: Sequence[float]) -> str:
    """Draw how long answers took, with the median and the 95th percentile."""
    import numpy as np

    def draw(axes: Axes) -> None:
        ms = 1000 * np.asarray(seconds, float)
        edge = float(np.percentile(ms, 99)) * 1.1
        axes.hist(np.minimum(ms, edge), bins=30, range=(0, edge), color=_COLOURS["accent"])
        for q, label in ((50, "median"), (95, "95 %")):
            at = float(np.percentile(ms, q))
            axes.axvline(at, color=_COLOURS["ink"], linewidth=1, linestyle=(0, (3, 3)))
            axes.annotate(
                f"{label} {at:,.0f} ms",
                (at, 0.96 if q == 50 else 0.86),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                xytext=(4, 0) if at < 0.6 * edge else (-4, 0),
                ha="left" if at < 0.6 * edge else "right",
                color=_COLOURS["ink"],
            )
        axes.set(xlim=(0, edge), xlabel="milliseconds", ylabel="questions")

    return _svg("latency", draw)


def frontier_plot(points: Sequence[tuple[str, float, float, bool]], measure: str) -> str:
    """Draw settings as (label, milliseconds, quality, whether on the frontier)."""

    def draw(axes: Axes) -> None:
        for label, ms, quality, best in points:
            role = "accent" if best else "muted"
            axes.plot([ms], [quality], "o" if best else ".", color=_COLOURS[role])
            if best:
                axes.annotate(
                    label,
                    (ms, quality),
                    textcoords="offset points",
                    xytext=(5, 5),
                    color=_COLOURS["ink"],
                    fontsize=7,
                )
        edge = sorted((ms, quality) for _, ms, quality, best in points if best)
        axes.plot(*zip(*edge, strict=True), color=_COLOURS["accent"], linewidth=1)
        axes.set(xlabel="milliseconds, median", ylabel=measure)

    return _svg("frontier", draw)


def _percent(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    """Run matplotlib without a display and return the `<svg>` element alone."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 10,
        "font.family": ["sans-serif"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": _COLOURS["line"],
        "axes.labelcolor": _COLOURS["muted"],
        "xtick.color": _COLOURS["line"],
        "ytick.color": _COLOURS["line"],
        "xtick.labelcolor": _COLOURS["muted"],
        "ytick.labelcolor": _COLOURS["muted"],
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": _COLOURS["wash"],
        "lines.linewidth": 1.8,
    }
    with rc_context(style):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for pattern, plain in _CLEANED:
        svg = re.sub(pattern, plain, svg, flags=re.DOTALL)
    for role, colour in _COLOURS.items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg
