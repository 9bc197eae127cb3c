"""What changed from one spec to another, and whom each change breaks.

``callers`` are programs written against the old spec that meet a server of the new one; ``servers`` are servers of the
old spec that meet callers of the new one. What callers send and what servers send are judged in opposite directions:

=====================================================  ==============  ==============
what may be sent now                                   in a request    in a response
=====================================================  ==============  ==============
less: a type, enum, range, format or alternative of    callers         servers
fewer values; no null any more; required
more: a type, enum, range, format or alternative of    servers         callers
more values; null too; optional
something else: both of it                             both            both
=====================================================  ==============  ==============

The rest follows from it, or is decided here:

- An integer is a number, an ``int32`` an ``int64``, and ``const`` an ``enum`` of one value. ``$ref`` and ``allOf`` are
  followed, and the alternatives of ``anyOf`` and ``oneOf`` compared with their counterparts, so that a schema may be
  moved or written otherwise without a change.
- A property removed from a request breaks callers, and servers that required it; from a response, callers.
- A property added to a request breaks callers if it is required, and servers that refuse what they do not know
  (``additionalProperties: false``); added to a response, servers that do not send what is required. Callers pass over
  keys that they do not know, so that a response may be closed to them or opened.
- A parameter or a body that is optional breaks nobody when it comes, and callers when it goes. One that is required
  breaks callers when it comes, and both when it goes. A parameter that moves (``query`` to ``header``) breaks both.
  Another name in the same place of a path breaks callers: it is another argument.
- A default of a request that changes or goes breaks callers; one that is told for the first time breaks nobody.
- An answer whose status means success, and a content type of any answer, breaks callers when it comes and servers when
  it goes. Other statuses may come and go: callers raise every failure. A content type of a request is one more
  alternative of it.
- An operation removed breaks callers. One that is added breaks nobody: ``x-queen-since`` says who has it. Operations
  are the same when they have the same id, else the same method and path. Another path or method breaks both. Another
  id or tag breaks callers, for they are the names of a function and its module; so does a schema removed, since its
  name is that of a type.
- ``x-queen-since`` later, ``x-queen-until`` earlier, ``x-queen-retry`` less safe, and an answer that may be held back
  (``x-queen-long-poll``) break callers; their opposites break servers. ``x-queen-refusal``, ``x-queen-empty`` and
  ``x-queen-refused`` say what an answer is to callers: any change breaks them.
- ``security`` holds roles: ``public``, any token where none is named, ``read-only``, ``read-write``, ``admin``. A
  higher one, or a token that has to be there, breaks callers; the opposites break servers. What names no such role
  breaks both when it changes.
- Descriptions, titles, examples, links, extensions that no rule is about, and the defaults of responses are
  documentation: they break nobody, and are listed when asked for.
- Everything else that no rule is about is taken to break both.
"""
