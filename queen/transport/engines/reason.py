"""Why a connection failed, in the words of who knows."""

from __future__ import annotations

import os
import re
import socket
import ssl

from typing_extensions import Final

from queen.transport.engines.tls_reason import tls_reason

# asyncio puts the failures of several addresses into the text of one error, as ``[Errno 111] Connect call failed``.
_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")


def reason(error: Exception, otherwise: str) -> str:
    """What the operating system said; HTTP libraries keep it at the bottom of a chain of causes.

    Args:
        error: what a library raised.
        otherwise: the reason where it gives none.
    """
    root: BaseException = error
    while root.__cause__ is not None or root.__context__ is not None:
        root = root.__cause__ or root.__context__ or root
    if isinstance(root, ssl.SSLError):
        return tls_reason(root)
    if isinstance(root, socket.gaierror):
        return root.strerror or str(root)
    if isinstance(root, OSError):
        numbers = [root.errno] if root.errno else map(int, _ERRNO.findall(str(root)))
        said = ", ".join(dict.fromkeys(os.strerror(number).lower() for number in numbers))
        return said or str(error) or otherwise
    return str(error) or otherwise
