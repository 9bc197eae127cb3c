"""What is wrong with the accounts; nothing, if nothing was lost."""

from __future__ import annotations

from typing import Iterator, List, Mapping, Sequence, Set

import attrs

from tests.faults.soak.accounts import Accounts, Group, Pushed

# Of each kind, so many are shown.
_SHOWN = 5


@attrs.frozen
class Found:
    """What is wrong with one group.

    Attributes:
        lost: accepted, and neither consumed nor a dead letter.
        unearned: dead letters that never failed.
        disordered: first deliveries that came before their turn.
        impossible: delivered, although the client said that they were not.
        twice: stored more than once.
    """

    lost: Sequence[str]
    unearned: Sequence[str]
    disordered: Sequence[str]
    impossible: Sequence[str]
    twice: Sequence[str]


def look_at(accounts: Accounts, group: Group, dead: Set[str], *, forwarded: bool) -> Found:
    """What is wrong with one group.

    Args:
        accounts: what was pushed.
        group: what the group got.
        dead: the keys of its dead letters.
        forwarded: whether it consumes what goes on from the first queue.
    """
    pushed = list(accounts.of_queue(forwarded=forwarded))
    ended = group.done | dead | accounts.sent_on(group.name)
    return Found(
        lost=[one.key for one in pushed if one.outcome == "accepted" and one.key not in ended],
        unearned=sorted(dead - group.failed),
        disordered=list(_disordered(accounts, group)),
        impossible=[one.key for one in pushed if one.outcome == "not delivered" and one.key in group.ids],
        twice=sorted(key for key, ids in group.ids.items() if len(ids) > 1),
    )


def complaints(accounts: Accounts, found: Mapping[str, Found]) -> List[str]:
    """All that is wrong, in words."""
    said = list(accounts.wrong)
    untold = [one.key for one in accounts.pushes.values() if one.outcome is None]
    if untold:
        said.append(f"{len(untold)} neither accepted nor handed back: {', '.join(untold[:_SHOWN])}")
    for name, one in found.items():
        said += accounts.group(name).wrong[:_SHOWN]
        for kind, keys in attrs.asdict(one).items():
            if keys:
                said.append(f"{name}: {len(keys)} {kind}: {', '.join(keys[:_SHOWN])}")
    return said


def _disordered(accounts: Accounts, group: Group) -> Iterator[str]:
    """First deliveries behind a later message of their stream.

    A message whose push raised may have been stored late, and has no place.
    """
    last: dict[str, int] = {}
    for key in group.first:
        if not _has_place(accounts, accounts.pushes[key]):
            continue
        stream, place = accounts.place(key)
        if place < last.get(stream, 0):
            yield key
        last[stream] = max(place, last.get(stream, 0))


def _has_place(accounts: Accounts, pushed: Pushed) -> bool:
    source = accounts.pushes[pushed.key.partition(">")[0]]
    return pushed.outcome == "accepted" and source.outcome == "accepted"
