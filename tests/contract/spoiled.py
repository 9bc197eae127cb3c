"""A plugin for a run of pytest in which the embedded broker does not keep the contract.

``SPOILED=delete`` in the environment takes a field out of its answers to a configure and out of the first queue of a
list, ``SPOILED=add`` puts one in.
"""

from __future__ import annotations

import json
import os

import attrs

from queen.broker.http import Answer, Send


def pytest_configure() -> None:
    send = Answer.send

    async def send_spoiled(answer: Answer, to: Send) -> None:
        await send(_spoiled(answer, os.environ["SPOILED"]), to)

    Answer.send = send_spoiled  # type: ignore[method-assign]  # there is no other way to make the broker wrong


def _spoiled(answer: Answer, how: str) -> Answer:
    if not answer.body.startswith((b'{"configured"', b'{"queues":[{')):
        return answer
    body = json.loads(answer.body)
    part = body["queues"][0] if "queues" in body else body
    if how == "delete":
        del part["namespace"]
    else:
        part["colour"] = "blue"
    return attrs.evolve(answer, body=json.dumps(body).encode())
