"""What is decided for a message."""

from __future__ import annotations

from typing import Optional

import attrs
from typing_extensions import Final, Literal

from queen import validation

Status = Literal["completed", "failed", "dlq", "retry"]

_BY_WORD: Final = {
    "completed": "completed",
    "success": "completed",
    "failed": "dlq",
    "dlq": "dlq",
    "retry": "retry",
}


@attrs.frozen
class Decision:
    """How a message ends.

    Attributes:
        status: ``completed``; ``failed`` (a counted failure, retried until the queue's limit); ``dlq`` (a dead letter
            at once); ``retry`` (given back, nothing is counted).
        error: why, kept with a dead letter.
    """

    status: Status
    error: Optional[str] = None


COMPLETED: Final = Decision("completed")


def decision(status: object, error: Optional[str] = None) -> Decision:
    """The decision that a status of the fluent layer means.

    Args:
        status: True (completed), False (a counted failure, retried), or a word: ``completed``, ``failed`` and ``dlq``
            (a dead letter at once), ``retry`` (given back).
        error: the reason of a failure.

    Raises:
        TypeError, ValueError: another status, or a reason that cannot be sent.
    """
    if error is not None:
        # Refused before it is noted: what is noted is sent again until it is sent.
        validation.storable("error", error)
    if status is True:
        return COMPLETED
    if status is False:
        return Decision("failed", error)
    if not isinstance(status, str):
        raise validation.wrong_type("status", status, "True, False or a word")
    word = _BY_WORD[validation.choice("status", status, tuple(_BY_WORD))]
    return Decision(word, error)  # type: ignore[arg-type]  # the values of the table are statuses


def reason_of(error: object) -> str:
    """What an exception, or whatever else a failure is told by, says, in characters that every server can store."""
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  (a failure that cannot say what it is, is a failure all the same)
        words = ""
    return words.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8") or type(error).__name__
