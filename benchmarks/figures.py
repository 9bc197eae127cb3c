"""What was measured, round by round, and what follows from it."""

from __future__ import annotations

from statistics import median
from typing import Dict, List, Optional, Tuple

import attrs

# One measurement: `benchmarks.job` says what it has.
Result = Dict[str, float]


@attrs.frozen
class Spread:
    """A figure over all rounds."""

    median: float
    lowest: float
    highest: float


@attrs.define
class Figures:
    """Results by work and peer, one for each round.

    Attributes:
        results: the results; a peer that lacks the work has none.
    """

    results: Dict[str, Dict[str, List[Result]]] = attrs.field(factory=dict)

    def add(self, work: str, peer: str, result: Result) -> None:
        """Note the result of one round."""
        self.results.setdefault(work, {}).setdefault(peer, []).append(result)

    def spread(self, work: str, figure: str, peer: str) -> Optional[Spread]:
        """A figure over all rounds; None where the peer lacks the work."""
        values = [result[figure] for result in self._of(work, peer)]
        return Spread(median(values), min(values), max(values)) if values else None

    def times_better(self, work: str, figure: str, client: str, peer: str) -> float:
        """How many times less CPU, or more operations per second: the median of the ratios within each round.

        Within a round the two ran a moment after each other, so that what slows the machine for a while slows both.
        """
        pairs: List[Tuple[Result, Result]] = list(zip(self._of(work, client), self._of(work, peer)))
        if figure == "per_second":
            return median(own[figure] / other[figure] for own, other in pairs)
        return median(other[figure] / own[figure] for own, other in pairs)

    def noise(self) -> float:
        """How far the rounds of one figure lie apart: (highest - lowest) / median of CPU, the median over all."""
        spreads = [
            self.spread(work, "cpu_micros", peer)
            for work, by_peer in self.results.items()
            for peer, results in by_peer.items()
            if "cpu_micros" in results[0]
        ]
        return median((spread.highest - spread.lowest) / spread.median for spread in spreads if spread is not None)

    def _of(self, work: str, peer: str) -> List[Result]:
        return self.results.get(work, {}).get(peer, [])
