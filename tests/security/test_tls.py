"""Servers are verified, by the authorities that the configuration names, and clients show their certificate."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path
from typing import Any, Tuple

import pytest

from queen import ConfigurationError, ConnectionFailedError, Queen
from tests.scripted_server import ScriptedServer, answers
from tests.security import authority as certificates
from tests.security.authority import Authority, serving
from tests.security.guarded import DELETED, Guarded, Issuer, client
from tests.security.tokens import token

pytestmark = pytest.mark.sockets


async def test_a_server_must_be_trusted_unless_verification_is_off(
    authority: Authority, localhost: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async with Guarded(tls=localhost) as server:
        for options, trusted in (({}, False), ({"ca_file": authority.file}, True), ({"verify": False}, True)):
            async with client(server, bearer_token=token(exp=60), **options) as queen:
                if trusted:
                    assert await queen.queue("q").delete() == DELETED
                    continue
                with pytest.raises(ConnectionFailedError, match="certificate verify failed") as raised:
                    await queen.queue("q").delete()
                assert "give the certificate of the authority that signed its own as ca_file" in str(raised.value)
                assert not raised.value.maybe_delivered
    # Who is not trusted learns no token.
    assert len(server.received) == 2


async def test_verification_that_is_off_is_told_once_for_each_client(
    localhost: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "queen"):
        async with Guarded(tls=localhost) as server, client(server, verify=False, auth=Issuer(server)) as queen:
            for _ in range(3):
                await queen.queue("q").delete()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "'verify': False" in record.getMessage()


async def test_tokens_are_checked_behind_tls_and_renewed(authority: Authority, localhost: ssl.SSLContext) -> None:
    async with Guarded(tls=localhost) as server:
        issuer = Issuer(server)
        async with client(server, ca_file=authority.file, auth=issuer) as queen:
            assert await queen.queue("q").delete() == DELETED
            server.now = 100
            assert await queen.queue("q").wait().pop() == []
            assert await queen.queue("q").delete() == DELETED
    assert len(issuer.given) == 2


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_the_environment_names_authorities_unless_it_is_not_trusted(
    authority: Authority,
    localhost: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if variable == "SSL_CERT_FILE":
        monkeypatch.setenv(variable, str(authority.file))
    else:
        (tmp_path / certificates.hashed_name(authority.file)).write_bytes(authority.file.read_bytes())
        monkeypatch.setenv(variable, str(tmp_path))
    async with ScriptedServer(lambda _: answers(DELETED), localhost) as server:
        async with client(server) as queen:
            for _ in range(2):
                assert await queen.queue("q").delete() == DELETED
        async with client(server, trust_env=False) as queen:
            with pytest.raises(ConnectionFailedError, match="certificate verify failed"):
                await queen.queue("q").delete()
    assert [received.connection for received in server.received] == [1, 1]


async def test_a_file_of_the_environment_that_cannot_be_read_is_named(
    localhost: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    async with ScriptedServer(lambda _: answers(DELETED), localhost) as server, client(server) as queen:
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE or SSL_CERT_DIR cannot be used"):
            await queen.queue("q").delete()


async def test_one_context_serves_all_connections_of_a_client(
    authority: Authority, localhost: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    create = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda *args, **named: made.append(1) or create(*args, **named))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with ScriptedServer(lambda _: answers(DELETED), localhost) as first:
        async with ScriptedServer(lambda _: answers(DELETED), localhost) as second:
            async with Queen([first.url, second.url], load_balancing_strategy="round-robin") as queen:
                assert made == []
                for _ in range(4):
                    assert await queen.queue("q").delete() == DELETED
    assert made == [1]
    assert first.received
    assert second.received


@pytest.mark.parametrize(
    ("names", "days", "words"),
    [
        ("DNS:elsewhere.test", 2, "Hostname mismatch.*; check the host in the URL"),
        ("DNS:localhost", -1, "certificate has expired; renew the server's certificate"),
    ],
)
async def test_a_certificate_for_another_name_or_time_is_refused(
    authority: Authority, names: str, days: int, words: str
) -> None:
    tls = serving(*authority.signed(f"wrong{days}", names, days=days))
    async with ScriptedServer(lambda _: answers(DELETED), tls) as server:
        async with client(server, ca_file=authority.file) as queen:
            with pytest.raises(ConnectionFailedError, match=words):
                await queen.queue("q").delete()
    assert server.received == []


async def test_a_server_without_tls_is_told_from_one_that_is_not_trusted() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with Queen(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", retry_attempts=0) as queen:
        with pytest.raises(ConnectionFailedError, match="does not speak TLS at this port; an http:// URL"):
            await queen.queue("q").delete()
    server.close()


@pytest.mark.parametrize("together", [False, True])
async def test_a_client_shows_its_certificate(
    authority: Authority, client_certificate: Tuple[Path, Path], tmp_path: Path, together: bool
) -> None:
    certificate, key = client_certificate
    given: Any = (certificate, key)
    if together:
        given = tmp_path / "both.pem"
        given.write_text(key.read_text() + certificate.read_text())
    async with ScriptedServer(lambda _: answers(DELETED), asking(authority)) as server:
        async with client(server, ca_file=authority.file, client_cert=given) as queen:
            assert await queen.queue("q").delete() == DELETED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_asks_for_a_certificate_and_gets_none_is_understood(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    tls = asking(authority)
    tls.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        serving = asyncio.get_running_loop().run_in_executor(None, refuse_handshake, listener, tls)
        url = f"https://localhost:{listener.getsockname()[1]}"
        async with Queen(url, retry_attempts=0, ca_file=authority.file) as queen:
            with pytest.raises(ConnectionFailedError, match=r"asks for a certificate of the client .*; give it as"):
                await queen.queue("q").delete()
        await serving


def test_files_that_cannot_be_used_are_refused_by_the_constructor(
    authority: Authority, client_certificate: Tuple[Path, Path], tmp_path: Path
) -> None:
    certificate, key = client_certificate
    nothing = tmp_path / "nothing.pem"
    nothing.touch()
    for options, words in (
        ({"ca_file": nothing}, "ca_file='.*nothing.pem' holds no certificates in PEM format"),
        ({"client_cert": nothing}, "client_cert='.*nothing.pem' holds no certificate with its key"),
        ({"client_cert": certificate}, "holds no certificate with its key"),
        ({"client_cert": (certificate, authority.file)}, "holds no certificate with its key"),
        ({"client_cert": (certificate, certificates.encrypted(key, "hunter2"))}, "the key is encrypted"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            Queen("https://a", **options)


def asking(authority: Authority) -> ssl.SSLContext:
    """The TLS settings of a server that asks clients for a certificate."""
    tls = serving(*authority.signed("asking"))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.file)
    return tls


def refuse_handshake(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Tell one client why its handshake failed, which the servers of asyncio do not, and read what it sends after."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    handshake = tls.wrap_bio(incoming, outgoing, server_side=True)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        while True:
            try:
                handshake.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
            except ssl.SSLError:
                connection.sendall(outgoing.read())
                break
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
