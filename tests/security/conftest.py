"""The certificates of these tests, made once."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Tuple

import pytest

from tests.security.authority import Authority, serving


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that no machine trusts by itself."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def localhost(authority: Authority) -> ssl.SSLContext:
    """The TLS settings of a server with a certificate for localhost."""
    return serving(*authority.signed("localhost"))


@pytest.fixture(scope="session")
def client_certificate(authority: Authority) -> Tuple[Path, Path]:
    """The files of a certificate for a client, and of its key."""
    return authority.signed("client")
