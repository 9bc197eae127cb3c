"""The TLS settings of a client."""

from __future__ import annotations

import logging
import ssl
from typing import Optional

from queen import logs
from queen.config import ClientConfig
from queen.errors import ConfigurationError


class Tls:
    """One context for all connections of a client, made with the first of them, since making one takes 17 ms.

    Args:
        config: whom servers are trusted by, and what the client shows them.

    Raises:
        ConfigurationError: a file of the configuration cannot be used.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._context: Optional[ssl.SSLContext] = None
        if not config.verify:
            advice = "tokens and messages can be read on the way; give the certificate's authority as ca_file instead"
            logs.event(logging.WARNING, "Queen.constructor", verify=False, advice=advice)
        if config.ca_file is not None or config.client_cert is not None:
            # These are read in a moment, and what is wrong with them is told where they were given.
            self.context()

    def context(self) -> ssl.SSLContext:
        """The settings of a connection.

        Raises:
            ConfigurationError: a file cannot be used.
        """
        if self._context is None:
            context = _trusting(self._config)
            _show_certificate(context, self._config)
            # What httpx, too, tells a server before it sends.
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context


def _trusting(config: ClientConfig) -> ssl.SSLContext:
    if not config.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if config.ca_file is not None:
        try:
            return ssl.create_default_context(cafile=config.ca_file)
        except OSError as error:
            raise ConfigurationError(
                f"ca_file={config.ca_file!r} holds no certificates in PEM format: {error}"
            ) from None
    import httpx

    try:
        # With httpx's, all engines trust the same.
        return httpx.create_ssl_context(trust_env=config.trust_env)
    except OSError as error:
        raise ConfigurationError(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be used: {error}") from None


def _show_certificate(context: ssl.SSLContext, config: ClientConfig) -> None:
    if config.client_cert is None:
        return
    certificate, key = (config.client_cert, None) if isinstance(config.client_cert, str) else config.client_cert
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, _EncryptedKeyError) as error:
        words = f"client_cert={config.client_cert!r} holds no certificate with its key in PEM format"
        raise ConfigurationError(f"{words}: {error}") from None


class _EncryptedKeyError(Exception):
    pass


def _no_password() -> str:
    """In place of OpenSSL's own question, which waits for somebody to type."""
    raise _EncryptedKeyError("the key is encrypted; give one that is not")
