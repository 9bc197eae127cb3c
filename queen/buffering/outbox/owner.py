"""Which process has a file locked."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from typing_extensions import Final

_LOCKS: Final = Path("/proc/locks")


def owner_of(path: str) -> Optional[int]:
    """The process that holds a lock on a file; None where the system does not tell, as only Linux does.

    The file is not opened: closing it again would give up the locks that this process may hold itself.
    """
    try:
        inode = Path(path).stat().st_ino
        locks = _LOCKS.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    # 1: POSIX  ADVISORY  WRITE 4711 fd:00:131077 1073741826 1073742335
    for fields in (line.split() for line in locks):
        if len(fields) >= 8 and "->" not in fields and fields[5].rpartition(":")[2] == str(inode):
            return int(fields[4])
    return None
