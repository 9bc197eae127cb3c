"""Pushing messages."""

from __future__ import annotations

import collections.abc
import functools
import logging
from typing import TYPE_CHECKING, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, cast

from queen_api.api import messages
from typing_extensions import Final, NotRequired, TypedDict

from queen import logs, validation
from queen.errors import PushRejectedError, QueenError
from queen.identifiers import transaction_id
from queen.operations.names import check_name
from queen.transport import codec
from queen.transport.reading import read_by
from queen.transport.ring import affinity_key
from queen.transport.transport import Transport
from queen.types import PushResponse

if TYPE_CHECKING:
    from queen_api.models import PushItem

# The name of the partition that the server uses where none is given.
DEFAULT_PARTITION: Final = "Default"

_STATUSES: Final = frozenset(["queued", "duplicate", "buffered", "failed"])

_KEYS: Final = {
    "data": "payload",
    "payload": "payload",
    "transactionId": "transactionId",
    "transaction_id": "transactionId",
    "traceId": "traceId",
    "trace_id": "traceId",
    "queue": "queue",
    "partition": "partition",
}


class IdentifiedItem(TypedDict):
    """An item as it goes over the wire; its id makes the push one that can be repeated."""

    queue: str
    payload: object
    transactionId: str
    partition: NotRequired[str]
    traceId: NotRequired[str]


def push_items(queue: str, partition: Optional[str], items: object) -> List[IdentifiedItem]:
    """The items of a push as they go over the wire, checked, each with a transaction id.

    Args:
        queue: the queue.
        partition: the partition; None for ``Default``.
        items: one item or several: ``data`` (any JSON, required), ``transactionId``, ``traceId`` (a UUID).

    Raises:
        TypeError, ValueError: an item that is not accepted; the message names its position and key.
    """
    listed = item_list(items)
    return [push_item(queue, partition, position, item) for position, item in enumerate(listed)]


def item_list(items: object) -> List[object]:
    """The items that a user gave, as a list, perhaps the user's own; a single one needs none around it.

    Raises:
        TypeError: what is given is neither.
    """
    if type(items) is list:
        return items
    if isinstance(items, collections.abc.Mapping):
        return [items]
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise validation.wrong_type("payload", items, "a list of dicts with the key 'data'")
    return list(items)


def gives_id(item: object) -> bool:
    """Whether an item, as a user gave it, has a transaction id; otherwise the client makes one."""
    return isinstance(item, collections.abc.Mapping) and bool(item.get("transactionId") or item.get("transaction_id"))


def encode_item(item: IdentifiedItem) -> bytes:
    """An item as it stands in the body of a push: what is sent later is what was said now.

    Raises:
        TypeError, ValueError: a payload that cannot be sent.
    """
    try:
        # A copy (0.1 us): behind each of its results orjson keeps the 4 kB that it wrote it in.
        return b"%b" % codec.encode(item, operation="push")
    except (TypeError, ValueError) as error:
        raise _in_words_of_the_user(error) from None


async def push(
    transport: Transport,
    items: Sequence[IdentifiedItem],
    *,
    encoded: Optional[Sequence[bytes]] = None,
    repeated: bool = False,
    seconds: Optional[float] = None,
) -> List[PushResponse]:
    """Push items of one partition.

    Pushes that are awaited one after the other keep their order. Those that are sent at once may not: one that has to
    be repeated comes behind the others. A buffer keeps it for them too.

    An id that stands twice in one request is sent once: a server 0.7 would lose all items of such a request.

    Args:
        transport: sends them.
        items: the items.
        encoded: each of them as ``encode_item`` made it, where that was done before.
        repeated: whether the same items may have reached a server before: they are then duplicates of themselves.
        seconds: how long it may take; None for the time of any request.

    Returns:
        A result for each item, in the order of the items.

    Raises:
        PushRejectedError: the server refused one or more items.
        QueenError: the transport failed.
        ValueError: a queue name that the server would mix up with another.
    """
    if not items:
        return []
    await check_name(transport, items[0]["queue"])
    kept, places = _each_id_once(items)
    unique = items if kept is None else [items[position] for position in kept]
    if kept is not None and encoded is not None:
        encoded = [encoded[position] for position in kept]
    body = None if encoded is None else b'{"items":[%b]}' % b",".join(encoded)
    try:
        results, statuses, lost = await _answered(transport, unique, body, seconds)
    except QueenError as error:
        error.unsent = [as_given(item) for item in items]
        raise
    except (TypeError, ValueError) as error:
        raise _in_words_of_the_user(error) from None
    if "duplicate" in statuses and (repeated or lost):
        _accept_own_duplicates(results)
    ordered = results if places is None else _in_order(results, places)
    if "failed" in statuses:
        raise _rejection(items, ordered)
    if "buffered" in statuses:
        # Accepted, but not stored yet: the server keeps them in a file until its database takes them.
        buffered = sum(result["status"] == "buffered" for result in ordered)
        logs.event(logging.WARNING, "QueueBuilder.push", queue=unique[0]["queue"], buffered=buffered)
    return ordered


async def _answered(
    transport: Transport, unique: Sequence[IdentifiedItem], body: Optional[bytes], seconds: Optional[float]
) -> Tuple[List[PushResponse], Set[str], bool]:
    """The results of one request, the statuses in them, and whether an answer before it was lost."""
    partition = unique[0].get("partition")
    # One partition has one server, whether it is named or meant.
    key = affinity_key(unique[0]["queue"], None if partition == DEFAULT_PARTITION else partition, None)
    request = read_by(messages.push(items=cast("List[PushItem]", unique)), functools.partial(_results, unique))
    try:
        answer = await transport.exchange(request, affinity=key, body=body, seconds=seconds)
    except PushRejectedError as refusal:
        results = cast("List[PushResponse]", list(refusal.results))
        return results, {result["status"] for result in results}, refusal.maybe_delivered
    return (*answer.value, answer.repeated)


def push_item(queue: str, partition: Optional[str], position: int, item: object) -> IdentifiedItem:
    """One of the items of ``push_items``, which stands at a position among them."""
    # Most items are a payload and nothing else: 2 us for them, 5 for what follows.
    if type(item) is dict and len(item) == 1 and "data" in item:
        return wire_item(queue, partition, transaction_id(), item["data"])
    where = f"items[{position}]"
    # typing's Mapping takes 0.4 us to say what this one says in 0.15.
    if not isinstance(item, collections.abc.Mapping):
        raise validation.wrong_type(where, item, "a dict with the key 'data'")
    given = {_known_key(key, where): (key, value) for key, value in item.items()}
    validation.each_once(where, given, item)
    _check_place(given, "queue", queue, where)
    _check_place(given, "partition", partition or DEFAULT_PARTITION, where)
    if "payload" not in given:
        raise ValueError(f"{where} has no key 'data'; an item is {{'data': payload}}")
    key, identifier = given.get("transactionId", ("", None))
    own = transaction_id() if identifier is None else validation.text(f"{where}[{key!r}]", identifier)
    wire = wire_item(queue, partition, own, given["payload"][1])
    key, trace = given.get("traceId", ("", None))
    if trace is not None:
        wire["traceId"] = validation.trace_id(f"{where}[{key!r}]", trace)
    return wire


def wire_item(queue: str, partition: Optional[str], identifier: str, payload: object) -> IdentifiedItem:
    """An item of which nothing is left to check, as it goes over the wire."""
    wire: IdentifiedItem = {"queue": queue, "transactionId": identifier, "payload": payload}
    if partition is not None:
        wire["partition"] = partition
    return wire


def _check_place(given: Mapping[str, Tuple[object, object]], key: str, meant: str, where: str) -> None:
    """Items that were handed back say where they belong; that is where they must be pushed."""
    said = given.get(key, ("", meant))[1]
    if said != meant:
        raise ValueError(f"{where} belongs to the {key} {validation.shown(said)}, and is pushed to {meant!r}")


def _known_key(key: object, where: str) -> str:
    name = _KEYS.get(key) if isinstance(key, str) else None
    if name is None:
        raise ValueError(
            f"{where} has the unknown key {validation.shown(key)}{validation.nearest(key, _KEYS)}; "
            "accepted are 'data', 'transactionId' and 'traceId', and the payload is the value of 'data'"
        )
    return name


def _in_words_of_the_user(error: Exception) -> Exception:
    """An error of encoding that says ``data``, as users do, where the wire says ``payload``."""
    return type(error)(str(error).replace("payload", "data", 1))


def _each_id_once(items: Sequence[IdentifiedItem]) -> Tuple[Optional[List[int]], Optional[List[int]]]:
    """The positions of the items to send, and for each item the place of its id among those.

    None for both where each id stands once, as it nearly always does: 0.1 us of an item instead of 0.4.
    """
    if len({item["transactionId"] for item in items}) == len(items):
        return None, None
    first: Dict[str, int] = {}
    kept: List[int] = []
    places: List[int] = []
    for position, item in enumerate(items):
        identifier = item["transactionId"]
        if identifier not in first:
            first[identifier] = len(kept)
            kept.append(position)
        places.append(first[identifier])
    return kept, places


def _results(items: Sequence[IdentifiedItem], answer: object) -> Tuple[List[PushResponse], Set[str]]:
    """The results of the items, and which statuses are among them.

    Raises:
        PushRejectedError: an item was refused. Raised here, where the answer is read, it has no secret in its words.
    """
    entries = cast("List[Dict[str, str]]", answer)
    if len(entries) != len(items):
        raise ValueError(f"{len(entries)} results for {len(items)} items")
    statuses = {entry["status"] for entry in entries}
    if not statuses <= _STATUSES:
        raise ValueError(f"there is no status {validation.shown(next(iter(statuses - _STATUSES)))}")
    for item, entry in zip(items, entries):
        # A buffered item's answer carries no id, or none that this client did not send. Nobody else has the answer: it
        # is completed where it is, and not in a copy (0.1 us of an item).
        entry["transaction_id"] = item["transactionId"]
    if "failed" in statuses:
        raise PushRejectedError(operation="push", status=200, words="", results=entries, unsent=())
    return cast("List[PushResponse]", entries), statuses


def _accept_own_duplicates(results: Sequence[PushResponse]) -> None:
    """The items of a push whose answer was lost are duplicates of themselves."""
    for result in results:
        if result["status"] == "duplicate":
            result["status"] = "queued"


def _rejection(items: Sequence[IdentifiedItem], results: Sequence[PushResponse]) -> PushRejectedError:
    failed = [(item, result) for item, result in zip(items, results) if result["status"] == "failed"]
    words = str(cast("Mapping[str, object]", failed[0][1]).get("error", "no reason given"))
    return PushRejectedError(
        operation="push",
        status=200,
        words=words if len(failed) == 1 else f"{words} (and {len(failed) - 1} more of {len(items)} items)",
        results=[cast("Mapping[str, object]", result) for result in results],
        unsent=[as_given(item) for item, _ in failed],
    )


def as_given(item: IdentifiedItem) -> Mapping[str, object]:
    """An item as a user gives it, with the id that it has got."""
    given: Dict[str, object] = {"data": item["payload"], "transactionId": item["transactionId"]}
    if "traceId" in item:
        given["traceId"] = item["traceId"]
    return given


def _in_order(results: Sequence[PushResponse], places: Sequence[int]) -> List[PushResponse]:
    ordered: List[PushResponse] = []
    seen = set()
    for place in places:
        result = results[place]
        if place in seen and result["status"] != "failed":
            result = cast("PushResponse", {**result, "status": "duplicate"})
        seen.add(place)
        ordered.append(result)
    return ordered
