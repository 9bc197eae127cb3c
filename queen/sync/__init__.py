"""The client without ``await``, for scripts, Django, Flask and notebooks.

The names are those of ``queen``, and so is what they do; what is awaited there is done here when it is called.

Example::

    from queen.sync import Queen

    with Queen("http://localhost:6632") as queen:
        queen.queue("orders").partition("user-7").push([{"data": {"id": 1}}])

``queen_sync`` has the classes. It is generated from those of ``queen``, which do the work, in an event loop in a thread
of their own.
"""

from queen_sync.client import Queen
from queen_sync.consuming.handle import ConsumerHandle
from queen_sync.message import Message

__all__ = ["ConsumerHandle", "Message", "Queen"]
