"""What a cursor has passed of its partition, and what it has not: conditions for queries that count or list messages.

They speak of a message ``m``.
"""

from __future__ import annotations

from typing_extensions import Final

# On server 0.7 a cursor that points at no message may point at a time: from it on, messages are unread.
READ: Final = "(m.seq <= COALESCE({cursor}.cursor, 0) OR m.created_at < COALESCE({cursor}.starts_at, 0))"

# On server 0.15 a group without a cursor reads from the time of its subscription: that to the partition, else that to
# the queue. It speaks of the cursor ``c``, the partition ``p`` and the queue ``q``. The bound of ``seq`` stands alone,
# so that the index of a partition's messages is entered at the cursor.
UNREAD: Final = """(m.seq > COALESCE(c.cursor, 0) AND (c.cursor IS NOT NULL OR m.created_at >= COALESCE((
    SELECT starts_at FROM subscriptions s WHERE s.consumer_group = c.consumer_group AND s.queue = q.name
    AND s.partition IN (p.name, '') ORDER BY s.partition = '' LIMIT 1), 0)))"""
