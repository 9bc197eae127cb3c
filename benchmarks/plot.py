"""The plots beside ``results.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

# In the extra `bench` only, which the type checkers run without.
from matplotlib import pyplot  # pyright: ignore[reportMissingImports]

from benchmarks.figures import Figures
from benchmarks.peers import THIS, THIS_SPEED, Peer

_CONCURRENCIES = (1, 16, 64)
_BATCHES = (1, 100, 1000)
_MARKERS = "os^vDx*"


def plot(figures: Figures, peers: Sequence[Peer], folder: Path) -> None:
    """Draw CPU per request against concurrency, and CPU per message against batch size."""
    _draw(
        figures,
        peers,
        works="push",
        sizes=_CONCURRENCIES,
        words=("Single-message pushes", "requests at a time", "CPU µs per request"),
        file=folder / "cost-against-concurrency.png",
    )
    _draw(
        figures,
        peers,
        works="pop",
        sizes=_BATCHES,
        words=("Pops", "messages in a pop", "CPU µs per message"),
        file=folder / "cost-against-batch.png",
    )


def _draw(
    figures: Figures,
    peers: Sequence[Peer],
    *,
    works: str,
    sizes: Sequence[int],
    words: Sequence[str],
    file: Path,
) -> None:
    title, along, up = words
    figure, axes = pyplot.subplots(figsize=(8, 5), dpi=110, layout="constrained")
    for peer, marker in zip(peers, _MARKERS):
        spreads = [figures.spread(f"{works}-{size}", "cpu_micros", peer.name) for size in sizes]
        costs = [spread.median for spread in spreads if spread is not None]
        width, style = (2.5, "-") if peer.name in (THIS, THIS_SPEED) else (1, "--")
        axes.plot(sizes, costs, marker=marker, linewidth=width, linestyle=style, label=peer.title)
    axes.set(title=title, xlabel=along, ylabel=up, xscale="log", yscale="log", xticks=sizes)
    axes.set_xticklabels([f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    # Without the library's version in it, the same figures make the same file.
    figure.savefig(file, metadata={"Software": None})
    pyplot.close(figure)
