"""Data on standard output: tables for people, JSON for programs.

Lists are one JSON document. Messages, dead letters and trace events are JSON lines, one for each, as they come.
"""

from __future__ import annotations

import sys
from typing import Callable, List, Mapping, Sequence

import attrs
from cyclopts import Parameter
from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text
from typing_extensions import Annotated, Literal

from queen.cli.consoles import console
from queen.cli.plain import as_json, on_one_line

AsJson = Annotated[bool, Parameter(name="--json", negative=())]
Row = Mapping[str, object]


def _shown(value: object) -> str:
    if value is None or value == "":
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@attrs.frozen
class Column:
    """A column of a table.

    Attributes:
        title: what stands above it.
        key: which value of a row it shows.
        is_number: whether it is set to the right.
        shown: how a value is shown.
    """

    title: str
    key: str
    is_number: bool = False
    shown: Callable[[object], str] = _shown


def show_rows(rows: Sequence[Row], columns: Sequence[Column], *, json: bool) -> None:
    """Show a list: a table, or one JSON document."""
    if json:
        write_line(as_json(rows, indent=True))
        return
    cells = [[on_one_line(column.shown(row[column.key])) for column in columns] for row in rows]
    if sys.stdout.isatty():
        _show_table(cells, columns)
    else:
        for line in _aligned([[column.title for column in columns], *cells], columns):
            write_line(line)


def show_facts(facts: Row, *, json: bool, words: str) -> None:
    """Show what came of a command: a sentence, or one JSON document."""
    write_line(as_json(facts, indent=True) if json else on_one_line(words))


def show_message(message: Row, parts: Sequence[str], data: object, *, json: bool) -> None:
    """Show one message: a line for people, which ends with its payload, or a JSON line.

    Args:
        message: what the JSON line says.
        parts: what stands before the payload.
        data: the payload.
        json: which of the two.
    """
    if json:
        write_line(as_json(message))
        return
    head = "  ".join(on_one_line(part) for part in parts)
    body = as_json(data)
    if sys.stdout.isatty():
        text = Text.assemble((head, "dim"), "  ", body)
        console(sys.stdout).print(text, soft_wrap=True)
    else:
        write_line(f"{head}  {body}")


def write_line(line: str) -> None:
    """Write a line of data."""
    sys.stdout.write(f"{line}\n")


def flush() -> None:
    """Let everybody see what was written.

    Raises:
        BrokenPipeError: nobody reads it.
        OSError: it cannot be written.
    """
    sys.stdout.flush()


def _show_table(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        side: Literal["left", "right"] = "right" if column.is_number else "left"
        # Texts are folded where the terminal is narrow: nothing is cut off.
        table.add_column(Text(column.title), justify=side, overflow="fold", no_wrap=column.is_number)
    for row in cells:
        table.add_row(*[Text(cell) for cell in row])
    console(sys.stdout).print(table)


def _aligned(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> List[str]:
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(columns))]
    lines: List[str] = []
    for row in cells:
        padded = [
            _padded(cell, width, to_the_right=column.is_number) for cell, width, column in zip(row, widths, columns)
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def _padded(cell: str, width: int, *, to_the_right: bool) -> str:
    blanks = " " * (width - cell_len(cell))
    return f"{blanks}{cell}" if to_the_right else f"{cell}{blanks}"
