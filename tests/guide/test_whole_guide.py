"""Every snippet is run, replaced by a twin for a reason, or compared with the library; none is left out."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Callable

import pytest

from tests.guide import bindings
from tests.guide.program import compiled
from tests.guide.snippets import ASSERTED, GUIDE, SNIPPETS, TWINNED

# The document is the users'; it changes when they change it.
GUIDE_SHA256 = "cf98f3a1760aad77f94e64f060415f6889dde4d5397f690e02200216e9fedc93"


def test_the_guide_is_word_for_word_what_was_published() -> None:
    assert hashlib.sha256(GUIDE.read_bytes()).hexdigest() == GUIDE_SHA256
    assert list(SNIPPETS) == list(range(1, 85))
    assert len(SNIPPETS) == GUIDE.read_text(encoding="utf-8").count("```python")


@pytest.mark.parametrize("number", list(SNIPPETS))
def test_the_snippets_that_do_not_run_are_those_with_a_reason(number: int) -> None:
    if number in TWINNED:
        with pytest.raises(SyntaxError):
            compiled(SNIPPETS[number])
    elif number not in ASSERTED:
        assert compiled(SNIPPETS[number])


def test_every_snippet_has_a_test(record_property: Callable[[str, object], None]) -> None:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"{__package__}.{path.stem}")
    assert sorted(bindings.BOUND) == list(SNIPPETS)
    assert (len(SNIPPETS) - len(ASSERTED) - len(TWINNED), len(ASSERTED), len(TWINNED)) == (76, 6, 2)
    record_property("guide", bindings.summary())


def test_every_snippet_was_run_by_the_tests_before(request: pytest.FixtureRequest) -> None:
    chosen = {item.originalname for item in request.session.items if isinstance(item, pytest.Function)}
    if not all(set(tests) & chosen for tests in bindings.BOUND.values()):
        pytest.skip("only some of the guide's tests were chosen")
    assert set(SNIPPETS) == bindings.RUN | bindings.REPLACED | bindings.COMPARED, "see the tests that failed"
    assert set(TWINNED) == bindings.REPLACED
