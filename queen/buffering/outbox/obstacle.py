"""What the system has against a file, in words that SQLite does not have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional


def obstacle_of(path: str) -> Optional[str]:
    """Why a file cannot be opened, made or written to; None where nothing is seen.

    It is not opened: closing it again would give up the locks that this process may hold on it.
    """
    file, folder = Path(path), Path(path).parent
    if not folder.is_dir():
        return f"the folder {folder} is not there"
    if file.is_dir():
        return "it is a folder"
    if file.exists() and not _may_write(file):
        return "this process may not write to it"
    if not _may_write(folder):
        # SQLite keeps a log beside the file.
        return f"this process may not write to the folder {folder}"
    return None


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
