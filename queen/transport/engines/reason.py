"""Why a connection failed, in the words of who knows."""

from __future__ import annotations

import os
import socket
import ssl


def reason(error: Exception, otherwise: str) -> str:
    """What the operating system said; HTTP libraries keep it at the bottom of a chain of causes.

    Args:
        error: what a library raised.
        otherwise: the reason where it gives none.
    """
    root: BaseException = error
    while root.__cause__ is not None or root.__context__ is not None:
        root = root.__cause__ or root.__context__ or root
    if isinstance(root, (socket.gaierror, ssl.SSLError)):
        return root.strerror or str(root)
    if isinstance(root, OSError) and root.errno:
        return os.strerror(root.errno).lower()
    return str(error) or otherwise
