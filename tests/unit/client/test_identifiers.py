"""The transaction ids that the client makes."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from queen.identifiers import transaction_id

FORKING = """
import os, sys
from queen.identifiers import transaction_id
transaction_id()
child = os.fork()
if child:
    os.waitpid(child, 0)
print(*(transaction_id() for _ in range(3)), sep="\\n", flush=True)
"""


def test_an_id_is_a_uuid_of_version_7_that_holds_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(transaction_id())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_an_id_is_written_as_uuids_are() -> None:
    made = transaction_id()
    assert made == str(uuid.UUID(made))


def test_threads_make_no_id_twice() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: transaction_id(), range(20_000)))
    assert len(set(made)) == len(made)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_child_process_makes_ids_of_its_own() -> None:
    made = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True).stdout.split()
    # Beside the time, which both may share.
    assert len({identifier[14:] for identifier in made}) == len(made) == 6
