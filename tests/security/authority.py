"""A certificate authority for tests, which the command ``openssl`` runs."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Tuple

import pytest

_EXTENSIONS = """
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Authority:
    """Signs certificates.

    Args:
        folder: where the files are.

    Attributes:
        file: its own certificate, by which those that it signs are trusted.
    """

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl makes the certificates")
        self._folder = folder
        self.file = folder / "authority.pem"
        self._key = folder / "authority.key"
        _openssl(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=tests", "-keyout", self._key, "-out", self.file,
            "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip

    def signed(self, name: str, names: str = "DNS:localhost", *, days: int = 2) -> Tuple[Path, Path]:
        """The files of a certificate and its key.

        Args:
            name: the name of the files.
            names: whom it is for.
            days: how long it is valid; one of a negative number of days was never valid.
        """
        certificate, key, request, extensions = (
            self._folder / f"{name}.{ending}" for ending in ("pem", "key", "csr", "cnf")
        )
        extensions.write_text(_EXTENSIONS.format(names=names))
        _openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key, "-CAcreateserial",
            "-days", str(days), "-extfile", extensions, "-out", certificate,
        )  # fmt: skip
        return certificate, key


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def serving(certificate: Path, key: Path) -> ssl.SSLContext:
    """The TLS settings of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def encrypted(key: Path, password: str) -> Path:
    """A key that only a password opens."""
    file = key.with_suffix(".encrypted")
    _openssl("ec", "-in", key, "-aes256", "-passout", f"pass:{password}", "-out", file)
    return file


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def hashed_name(certificate: Path) -> str:
    """The name by which OpenSSL looks for an authority's file in a folder."""
    command = ["openssl", "x509", "-in", str(certificate), "-noout", "-hash"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() + ".0"
