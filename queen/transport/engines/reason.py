"""Why a connection failed, in the words of who knows."""

from __future__ import annotations

import os
import socket
import ssl

from queen.transport.engines.tls_reason import tls_reason


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
        return os.strerror(root.errno).lower() if root.errno else str(error) or otherwise
    return str(error) or otherwise
