"""The spec of this project against copies of it."""

from __future__ import annotations

from tests.generator.diff.specs import Diff, findings
from tests.generator.packages import ROOT

SPEC = (ROOT / "openapi" / "queen.yaml").read_text(encoding="utf-8")


def test_it_is_the_same_as_itself(diff: Diff) -> None:
    assert diff(SPEC, SPEC, "--documentation") == (0, "no changes\n")


def test_a_shorter_name_and_another_status_break_callers_wherever_they_are_used(diff: Diff) -> None:
    queue = "queue: {type: string, maxLength: 255, "
    statuses = "enum: [queued, duplicate, buffered, failed]"
    assert queue in SPEC
    assert statuses in SPEC
    changed = SPEC.replace(queue, queue.replace("255", "200"), 1)
    changed = changed.replace(statuses, statuses.replace("failed", "failed, delayed"), 1)
    status, report = diff(SPEC, changed)
    assert status == 1
    told = findings(report)
    assert "breaks callers request body.items[].queue: maxLength changed: 255 -> 200" in told
    assert any(line.startswith("breaks callers response 200<PushResults>[].status: enum changed: ") for line in told)
    assert all(line.startswith("breaks callers ") for line in told)
    assert "push (POST /api/v1/push)\n" in report
    assert "commit (POST /api/v1/transaction)\n" in report
    assert diff(changed, SPEC)[1].endswith(f"breaking callers: 0, breaking servers: {len(told)}\n")
