"""Replays recorded conversations with real servers against another server.

A scenario is a JSON file: ``name``, ``server``, ``why``, perhaps ``needs``, and ``steps``. A step has a ``request``,
the expected ``response``, and perhaps ``wait_ms``, ``align``, ``background``, ``await`` and ``capture``. Names end in
``@run``, which is new in each run; ``${name}`` is what an earlier step captured.
"""
