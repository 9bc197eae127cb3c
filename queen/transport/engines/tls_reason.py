"""What is wrong with a certificate or a TLS connection, and what can be done about it."""

from __future__ import annotations

import ssl

from typing_extensions import Final

# OpenSSL's codes of X509_verify_cert.
_NOT_VALID_NOW: Final = (9, 10)
_OTHER_NAME: Final = (62, 64)
# OpenSSL's names; those that begin with TLS or SSL are what a server said.
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG")
_ASKS_FOR_CERTIFICATE: Final = ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE")
_REFUSES_CERTIFICATE: Final = (
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "TLSV1_ALERT_UNKNOWN_CA",
)


def tls_reason(error: ssl.SSLError) -> str:
    """The words for an error of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error)
    name = error.reason or ""
    if name in _NO_TLS:
        return "the server does not speak TLS at this port; an http:// URL may be meant"
    if name in _ASKS_FOR_CERTIFICATE:
        return f"the server asks for a certificate of the client ({name}); give it as client_cert"
    if name in _REFUSES_CERTIFICATE:
        return f"the server does not accept the certificate of the client ({name}); check client_cert"
    return error.strerror or str(error)


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    # The message ends with a full stop for a wrong name, and with none otherwise.
    words = f"certificate verify failed: {error.verify_message.rstrip('.')}"
    if error.verify_code in _OTHER_NAME:
        return f"{words}; check the host in the URL, or give the server a certificate for it"
    if error.verify_code in _NOT_VALID_NOW:
        return f"{words}; renew the server's certificate, or set the clock of this machine"
    return f"{words}; if the server is yours, give the certificate of the authority that signed its own as ca_file"
