"""The program: its commands, how one is run, and how its errors are told."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import os
import sys
from pathlib import Path
from typing import Sequence

from cyclopts import App, CycloptsError

from queen.cli import notes
from queen.cli.consoles import console
from queen.cli.exits import MEANINGS, Exit, code_of
from queen.cli.running import run_until_end

_HELP = """Queen MQ from the command line.

The servers are those of `--url`, else of `QUEEN_URL`, else `http://localhost:6632`; a token is read from
`--token-file`, else from `QUEEN_TOKEN`. Data goes to standard output, everything else to standard error.
"""

# Commands are imported when they are run; their first line stands here, so that the help imports none of them.
_COMMANDS = (
    ("serve", "queen.cli.serve:serve", "Serve the embedded broker, for development."),
    ("push", "queen.cli.push:push", "Push messages: arguments, a file, or JSON lines from a pipe."),
    ("pop", "queen.cli.pop:pop", "Take messages, and give them back or acknowledge them."),
    ("tail", "queen.cli.tail:tail", "Show the latest messages, and follow; nothing is taken."),
    ("queues", "queen.cli.listings:queues", "List queues."),
    ("groups", "queen.cli.listings:groups", "List consumer groups."),
    ("lag", "queen.cli.lag:lag", "Tell how far consumer groups are behind, or check it."),
    ("seek", "queen.cli.seek:seek", "Move a consumer group to a time, the beginning or the end."),
    ("trace", "queen.cli.trace:trace", "Show the timeline of a workflow."),
    ("bench", "queen.cli.bench:bench", "Measure a server, in a queue of its own."),
    ("doctor", "queen.cli.doctor:doctor", "Check this installation and each server."),
    ("completion", "queen.cli.completion:completion", "Print the completion script of a shell."),
)
_DEAD_LETTERS = (
    ("list", "queen.cli.dead_letters:list_", "List dead letters, the latest failure first."),
    ("redrive", "queen.cli.dead_letters:redrive", "Push dead letters again."),
    ("purge", "queen.cli.dead_letters:purge", "Delete dead letters."),
)


def program() -> App:
    """The program, with all its commands."""
    app = App(
        name="queen",
        help=_HELP,
        help_epilogue=MEANINGS,
        version=_version,
        help_format="markdown",
        console=console(sys.stdout),
        error_console=console(sys.stderr),
        result_action="return_value",
    )
    for name, path, words in _COMMANDS:
        app.command(path, name=name, help=words)
    letters = App(name="dlq", help="List, redrive and purge dead letters.", help_format="markdown")
    for name, path, words in _DEAD_LETTERS:
        letters.command(path, name=name, help=words)
    app.command(letters)
    app.register_install_completion_command(help="Install the completion of this shell.")
    return app


def run(words: Sequence[str]) -> int:
    """Run one command.

    Returns:
        the exit code.
    """
    _have_all_streams()
    _write_whatever_it_is()
    _log_beside_the_data()
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return Exit.CLOSED_PIPE
    except Exception as error:
        expected = code_of(error)
        if expected is None:
            raise
        notes.error(str(error))
        return expected
    return code


def _run(words: Sequence[str]) -> int:
    try:
        command, bound, _ = program().parse_args(list(words), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        notes.error(" ".join(str(error).split()))
        return Exit.BAD_INPUT
    result = command(*bound.args, **bound.kwargs)
    if inspect.iscoroutine(result):
        result = run_until_end(result)
    return result if isinstance(result, int) else Exit.FINE


def _version() -> str:
    from importlib.metadata import version

    return f"queen {version('queen-mq')}"


def _have_all_streams() -> None:
    """A stream that was closed by who started the program is an empty one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  (until the program ends)


def _write_whatever_it_is() -> None:
    """What the terminal's encoding does not have is written as an escape, and is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _log_beside_the_data() -> None:
    """What ``QUEEN_CLIENT_LOG`` asks the client to print to standard output stands among no data."""
    if os.environ.pop("QUEEN_CLIENT_LOG", "").strip().lower() in ("true", "1"):
        logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stderr)
        logging.getLogger("queen").setLevel(logging.DEBUG)


def _forget_output() -> None:
    """Let the end of the process not try once more to write what nobody reads."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
