"""The sync client, made of the source of the async one: ``queen_sync`` has a class for each class of ``queen`` that has
something to await.

- Which classes: ``queen.client.Queen``, and whatever its public methods lead to.
- A coroutine becomes a method that runs it; what returns another of these classes returns the sync one.
- An ``Operation`` (a push, a consume) happens when it is called; what may be chained behind it is said by keyword.
- A user's function is plain, and an ``asyncio.Event`` is whatever tells whether it is set.
- Docstrings are those of the async client without its words for waiting.
"""
