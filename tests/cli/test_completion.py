"""Completion in bash and zsh: the real scripts in real shells."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

import pytest

from queen.cli import main
from tests.cli.conftest import Cli, environment

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
needs_zsh = pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")


@pytest.fixture
def script(cli: Cli, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The script of the shell that a test is about."""
    file = tmp_path / "completion"
    file.write_text(cli.fine("completion", getattr(request, "param", "bash")))
    return file


def completed(script: Path, url: str, *words: str) -> List[str]:
    """What bash offers for the last word."""
    program = (
        f"source {shlex.quote(str(script))}\n"
        f"COMP_WORDS=(queen {' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words)}\n"
        '_queen; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        env=environment(url, PATH=path),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stderr == ""
    return [word.strip() for word in done.stdout.splitlines() if word.strip()]


@needs_bash
def test_bash_accepts_the_script(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


@needs_bash
def test_bash_completes_commands_and_options(script: Path, broker_url: str) -> None:
    assert set(completed(script, broker_url, "p")) >= {"push", "pop"}
    assert completed(script, broker_url, "dlq", "re") == ["redrive"]
    assert "--partition" in completed(script, broker_url, "pop", "q", "--pa")
    assert completed(script, broker_url, "serve", "--dialect", "emb") == ["embedded"]


@needs_bash
def test_bash_completes_the_names_that_the_server_knows(script: Path, broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, "1")
    cli.fine("pop", name, "--group", f"{name}-group", "--ack")
    assert completed(script, broker_url, "tail", name[:8]) == [name]
    assert f"{name}-group" in completed(script, broker_url, "pop", name, "--group", "cli-")
    assert completed(script, broker_url, "seek", f"{name}-g") == [f"{name}-group"]


@needs_bash
def test_no_name_can_make_a_shell_run_something(script: Path, broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, "1")
    cli.fine("pop", name, "--group", "$(touch /tmp/oops)", "--ack")
    assert completed(script, broker_url, "seek", "$") == []


@needs_bash
def test_without_a_server_no_names_are_completed(script: Path) -> None:
    assert completed(script, "http://127.0.0.1:1", "tail", "x") == []


@needs_zsh
@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_accepts_the_script(script: Path) -> None:
    subprocess.run(["zsh", "-n", script], check=True)


@pytest.mark.parametrize(("shell", "first"), [("bash", "# Bash completion for queen"), ("zsh", "#compdef queen")])
def test_each_shell_has_its_own_script(cli: Cli, shell: str, first: str) -> None:
    assert cli.fine("completion", shell).startswith(first)


def test_the_script_can_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "queen.bash"
    code: Optional[int] = main(["--install-completion", "--shell", "bash", "--output", str(file)])
    assert code == 0
    assert file.read_text().startswith("# Bash completion for queen")
    capsys.readouterr()
