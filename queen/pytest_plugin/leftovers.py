"""What tests leave behind, noted until their broker ends."""

from __future__ import annotations

from typing import List

import pytest

# Whether the test itself failed: what it left behind is then no news.
FAILED = pytest.StashKey[bool]()
# In words for its author.
LEFT = pytest.StashKey[List[str]]()
