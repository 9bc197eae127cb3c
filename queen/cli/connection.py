"""Which servers a command speaks to, and how it shows who it is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import attrs
from cyclopts import Parameter
from typing_extensions import Annotated

from queen import Queen
from queen.cli.exits import CommandError, bad_input
from queen.errors import ConfigurationError, ServerRefusedError

_DEFAULT_URL = "http://localhost:6632"
_URL_VARIABLE = "QUEEN_URL"
_TOKEN_VARIABLE = "QUEEN_TOKEN"  # noqa: S105  (the name of a variable)
_FILE = "sqlite:///"
# A person waits for the answer: repeats come sooner than those of a worker, and end sooner.
_RETRIES = {"retry_attempts": 2, "retry_delay_millis": 200}


@Parameter(name="*", group="Server")
@attrs.frozen(kw_only=True)
class Server:
    """Which servers, and the token for them."""

    url: Annotated[Optional[List[str]], Parameter(negative=())] = None
    """A server, or several with commas between them; may be said more than once. Without it `QUEEN_URL`, else
    http://localhost:6632. `sqlite:///file.db` is the embedded broker's file."""

    token_file: Optional[Path] = None
    """The file with the bearer token; without it the token in `QUEEN_TOKEN`, if there is one."""


LOCAL = Server()


def connect(server: Server, *, makes: bool = False) -> Queen:
    """A client of the servers.

    Args:
        server: which servers.
        makes: whether the file of an embedded broker is made where there is none; else a mistyped name would look like
            an empty broker.

    Raises:
        CommandError: a URL or the token is not accepted.
    """
    urls, source = _urls(server)
    if any(url.startswith("memory:") for url in urls):
        raise bad_input(
            source, "a broker in memory ends with its command; accepted are http://, https:// and sqlite:///"
        )
    for url in urls:
        path = url[len(_FILE) :]
        if url.startswith(_FILE) and path and not makes and not Path(path).exists():
            raise bad_input(source, f"there is no file {path}; queen push and queen serve --db make one")
    options: Dict[str, object] = {**_RETRIES}
    token = _token(server)
    if token is not None:
        options["bearer_token"] = token
    try:
        return Queen(urls, **options)
    except ConfigurationError as error:
        raise bad_input(source, str(error)) from None
    except ImportError as error:
        raise CommandError(str(error)) from None


async def check_queue(client: Queen, queue: str) -> None:
    """Refuse a queue that is not there; for commands that found nothing in it, or would do harm to another.

    Raises:
        CommandError: there is no such queue.
    """
    try:
        await client.admin.get_queue(queue)
    except ServerRefusedError as error:
        raise CommandError(f"{queue}: {error.words}") from None


def _urls(server: Server) -> Tuple[List[str], str]:
    """The URLs, and what they were given as."""
    given, source = server.url or [], "--url"
    if not given:
        given, source = [os.environ.get(_URL_VARIABLE) or _DEFAULT_URL], _URL_VARIABLE
    # A comma may stand in the name of a file, but not before a scheme.
    urls = [url.strip() for text in given for url in re.split(r",(?=\s*\w+://)", text)]
    return urls, source


def _token(server: Server) -> Optional[str]:
    if server.token_file is None:
        token, source = os.environ.get(_TOKEN_VARIABLE), _TOKEN_VARIABLE
        if not token:
            return None
    else:
        source = f"--token-file {server.token_file}"
        try:
            token = server.token_file.read_text(encoding="ascii").strip()
        except UnicodeDecodeError:
            token = ""
        except OSError as error:
            raise bad_input(source, error.strerror or str(error)) from None
    if not re.fullmatch(r"[!-~]+", token):
        raise bad_input(source, "holds no token; visible ASCII text without blanks is accepted")
    return token
