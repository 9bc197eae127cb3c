"""What can be done with the messages of a window."""

from __future__ import annotations

from typing import Any, List

import pytest

from queen import Window


def window(*payloads: Any) -> Window:
    return Window(
        {
            "id": "w",
            "leaseId": "l",
            "key": "__GLOBAL__",
            "start": "2026-01-31 10:20:00.5+00",
            "end": "2026-01-31 10:21:00.500000+00",
            "messages": [
                {"id": str(place), "created_at": "2026-01-31 10:20:10+00", "data": payload}
                for place, payload in enumerate(payloads)
            ],
        }
    )


def data(found: Any) -> List[Any]:
    return [message["data"] for message in found]


def test_filter_keeps_and_reset_brings_back() -> None:
    found = window({"v": 1}, {"v": 2}, {"v": 3})
    assert found.filter(lambda message: message["data"]["v"] > 1) is found
    found.filter(lambda message: message["data"]["v"] < 3)
    assert (found.size(), found.original_size()) == (1, 3)
    assert data(found.messages) == [{"v": 2}]
    assert data(found.reset().messages) == [{"v": 1}, {"v": 2}, {"v": 3}]


def test_groups_are_by_a_dotted_path_or_a_function() -> None:
    found = window(
        {"user": {"id": "a"}, "n": 1}, {"user": {"id": "b"}, "n": 2}, {"user": {"id": "a"}, "n": 3}, {"n": 4}
    )
    groups = found.group_by("data.user.id")
    assert {key: [message["data"]["n"] for message in messages] for key, messages in groups.items()} == {
        "a": [1, 3], "b": [2], None: [4],
    }  # fmt: skip
    assert list(found.group_by(lambda message: message["data"]["n"] % 2)) == [1, 0]
    assert len(found.filter(lambda message: message["data"]["n"] > 1).group_by("data.user.id")["a"]) == 1


def test_aggregates() -> None:
    found = window(
        {"amount": 10, "at": "b"}, {"amount": 2.5, "at": "a"}, {"amount": None}, {"amount": True}, "no object"
    )
    assert found.aggregate(
        {
            "count": True,
            "sum": ["data.amount", "data.none"],
            "avg": ["data.amount", "data.none"],
            "min": ["data.amount", "data.at", "data.none"],
            "max": ["data.amount", "data.at"],
        }
    ) == {
        "count": 5,
        "sum": {"data.amount": 12.5, "data.none": 0},
        "avg": {"data.amount": 6.25, "data.none": None},
        "min": {"data.amount": 2.5, "data.at": "a", "data.none": None},
        "max": {"data.amount": 10, "data.at": "b"},
    }
    assert found.aggregate({}) == {}
    assert found.filter(lambda message: False).aggregate({"count": True}) == {"count": 0}


def test_sums_are_exact() -> None:
    assert window({"n": 2**60}, {"n": 1}).aggregate({"sum": "data.n"}) == {"sum": {"data.n": 2**60 + 1}}
    assert window(*({"n": 0.1} for _ in range(10))).aggregate({"sum": ["data.n"]}) == {"sum": {"data.n": 1.0}}


def test_paths_go_into_lists() -> None:
    found = window({"items": [{"price": 1}, {"price": 2}]})
    assert found.aggregate({"sum": ["data.items.1.price"]}) == {"sum": {"data.items.1.price": 2}}
    assert found.aggregate({"count": False, "sum": ["data.items.7.price"]}) == {"sum": {"data.items.7.price": 0}}


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({"cuont": True}, ValueError, "did you mean 'count'"),
        ({"sum": 7}, TypeError, "list of paths"),
        ({"count": 1}, TypeError, "count=1"),
        (["count"], TypeError, "takes a mapping"),
        ({"min": ["data.mixed"]}, ValueError, "cannot be compared"),
    ],
)
def test_wrong_aggregates_are_refused(wanted: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as raised:
        window({"mixed": 1}, {"mixed": "text"}).aggregate(wanted)
    assert words in str(raised.value)


def test_all_messages_cannot_be_changed() -> None:
    found = window({"n": 1})
    found.messages[0]["data"]["n"] = "changed"
    found.messages.clear()
    found.all_messages[0]["data"]["n"] = "changed"
    assert isinstance(found.all_messages, tuple)
    assert data(found.all_messages) == [{"n": 1}]
    assert data(found.reset().messages) == [{"n": 1}]
    with pytest.raises(AttributeError):
        found.all_messages = ()  # type: ignore[misc]  # what is tested
