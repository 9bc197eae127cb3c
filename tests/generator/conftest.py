"""The generator needs Python 3.11 and openapi-python-client; where they are not, its tests are left out."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("openapi_python_client") else ["test_*.py"]
