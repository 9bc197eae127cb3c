"""The accounts of a run as a table."""

from __future__ import annotations

from typing import Iterable, List, Tuple

from tests.faults.soak.run import Report

Row = Tuple[str, str]


def table(report: Report) -> str:
    """The accounts, in Markdown."""
    rows = list(_rows(report))
    wide = max(len(name) for name, _ in rows)
    lines = [f"| {name.ljust(wide)} | {value} |" for name, value in rows]
    return "\n".join([lines[0], f"| {'-' * wide} | --- |", *lines[1:]])


def lost(report: Report) -> int:
    """How many messages are lost."""
    return sum(len(one.lost) for one in report.found.values())


def _rows(report: Report) -> Iterable[Row]:
    plan, accounts = report.plan, report.accounts
    yield "run", f"{plan.seconds:g} s, seed {plan.seed}, dialect {plan.dialect}, engine {plan.engine or 'preferred'}"
    yield "messages", f"{len(accounts.pushes):,}"
    for name, count in sorted(accounts.outcomes().items()):
        yield name, f"{count:,}"
    yield "errors told to producers", _counted(sorted(accounts.errors.items()))
    yield "requests", f"{report.requests:,}"
    yield "faults", f"{sum(report.injected.values()):,}"
    yield from ((f"fault: {kind}", f"{count:,}") for kind, count in sorted(report.injected.items()))
    yield "kills of the broker", f"{report.kills:,}"
    yield "stops of consumers", _counted(sorted(report.stops.items()))
    for name, group in accounts.groups.items():
        again = sum(group.again.values())
        reasons = f" ({_counted(group.again.most_common())})" if again else ""
        dead = len(report.dead.get(name, ()))
        delivered = f"{group.deliveries:,} deliveries ({group.drained:,} of them at the end)"
        yield f"group {name}", f"{delivered}, {dead:,} dead letters, {again:,} again{reasons}"
    yield "lost", f"{lost(report):,}"
    yield "other complaints", f"{len(report.complaints):,}"


def _counted(counts: Iterable[Tuple[str, int]]) -> str:
    listed: List[str] = [f"{name} {count:,}" for name, count in counts]
    return ", ".join(listed) or "none"
