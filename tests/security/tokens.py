"""JSON web tokens of HS256, made and checked as server 0.15 checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Optional

from tests.scripted_server import Answer, Received, answers

KEY = b"a key that only the tests have"


def token(**claims: Any) -> str:
    """A token with these claims, signed."""
    head = _text(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = f"{head}.{_text(json.dumps(claims).encode())}"
    return f"{signed}.{_signature(signed)}"


def refusal(received: Received, now: float = 0.0) -> Optional[Answer]:
    """The 401 that a request gets whose token is missing, forged or expired; None for one that is let in."""
    header = received.headers.get("authorization", "")
    if not header:
        return answers({"error": "Authentication required"}, 401)
    given = header[7:] if header[:7].lower() == "bearer " else header
    signed, _, signature = given.rpartition(".")
    if signed.count(".") != 1:
        return answers({"error": "Token decode error: invalid token supplied"}, 401)
    if not hmac.compare_digest(signature, _signature(signed)):
        return answers({"error": "HS256 validation error: invalid signature"}, 401)
    claims = signed.partition(".")[2]
    if json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"] < now:
        return answers({"error": "Token has expired"}, 401)
    return None


def _signature(signed: str) -> str:
    return _text(hmac.new(KEY, signed.encode(), hashlib.sha256).digest())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
