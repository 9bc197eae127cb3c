"""Where popped messages came from, remembered until they are settled."""

from __future__ import annotations

from collections import OrderedDict
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple

from opentelemetry.trace import Link, SpanContext
from typing_extensions import Final

from queen.otel.carrier import context_of, taken_from_payload

# What is popped and never settled here must not be remembered for ever.
_MOST: Final = 10_000


class Origins:
    """The contexts in which popped messages were pushed.

    Args:
        payload_key: the key of payloads that may hold a context; None for none.
    """

    def __init__(self, payload_key: Optional[str]) -> None:
        self._payload_key = payload_key
        self._known: OrderedDict[Tuple[object, object], SpanContext] = OrderedDict()

    def take(self, messages: Sequence[Mapping[str, object]]) -> List[Link]:
        """Take the contexts out of messages that were popped, and remember them."""
        for message in messages:
            found = None if self._payload_key is None else taken_from_payload(message, self._payload_key)
            context = found or context_of(message)
            if context is not None:
                self._known[message.get("partitionId"), message.get("transactionId")] = context
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return self.of_messages(messages)

    def of_messages(self, messages: Iterable[Mapping[str, object]]) -> List[Link]:
        """Links to where messages were pushed, one for each push."""
        return self._links((message.get("partitionId"), message.get("transactionId")) for message in messages)

    def settled(self, partition_id: str, transaction_ids: Iterable[str], *, forget: bool) -> List[Link]:
        """Links to where the messages of a settlement were pushed.

        Args:
            partition_id: their partition.
            transaction_ids: the messages.
            forget: whether nothing more will be asked of them.
        """
        keys = [(partition_id, transaction_id) for transaction_id in transaction_ids]
        links = self._links(keys)
        if forget:
            for key in keys:
                self._known.pop(key, None)
        return links

    def _links(self, keys: Iterable[Tuple[object, object]]) -> List[Link]:
        found = (self._known.get(key) for key in keys)
        return links_to(context for context in found if context is not None)


def links_to(contexts: Iterable[SpanContext]) -> List[Link]:
    """A link to each of these, once."""
    once = {(context.trace_id, context.span_id): context for context in contexts}
    return [Link(context) for context in once.values()]
