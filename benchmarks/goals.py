"""The ratios that this client must reach against its peers, in the same run."""

from __future__ import annotations

from typing import Tuple

import attrs
from typing_extensions import Final, Literal

from benchmarks.figures import Figures
from benchmarks.peers import AIOHTTP, OLD, THIS, THIS_SPEED

Figure = Literal["per_second", "cpu_micros"]


@attrs.frozen
class Goal:
    """One required ratio.

    Attributes:
        work: the work.
        figure: ``per_second``: how many times more than the peer; ``cpu_micros``: how many times less.
        client: which install of this client.
        peer: against whom.
        times: how many times at least; below 1, it may need so much more.
    """

    work: str
    figure: Figure
    client: str
    peer: str
    times: float

    def reached(self, figures: Figures) -> float:
        """How many times better this client is: the median of the rounds."""
        return figures.times_better(self.work, self.figure, self.client, self.peer)

    def worded(self, times: float) -> str:
        """A number of times, as readers expect it."""
        if self.times < 1:
            return f"{1 / times:.2g} times its CPU"
        return f"{times:.2g} times {'more' if self.figure == 'per_second' else 'less'}"


def _both(work: str, figure: Figure, default: float, speed: float) -> Tuple[Goal, Goal]:
    return Goal(work, figure, THIS, OLD, default), Goal(work, figure, THIS_SPEED, OLD, speed)


GOALS: Final[Tuple[Goal, ...]] = (
    *_both("push-1", "cpu_micros", 2, 6),
    *_both("push-64", "per_second", 3, 12),
    *_both("pop-100", "cpu_micros", 2, 3),
    *_both("consume-100", "cpu_micros", 2.5, 5),
    *_both("consume-1", "per_second", 3, 8),
    *_both("buffered", "per_second", 4, 10),
    Goal("push-1", "cpu_micros", THIS_SPEED, AIOHTTP, 1 / 1.3),
)
