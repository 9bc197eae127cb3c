"""The affinity ring is the reference's, bit for bit."""

from __future__ import annotations

import pytest

from queen.transport.ring import Ring, affinity_key, fnv1a


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)],  # the test vectors published with FNV
)
def test_fnv1a_has_the_published_values(text: str, expected: int) -> None:
    assert fnv1a(text) == expected


def test_missing_parts_of_a_key_are_stars_and_no_group_is_queue_mode() -> None:
    assert affinity_key("orders", None, None) == "orders:*:__QUEUE_MODE__"
    assert affinity_key("orders", "p", "g") == "orders:p:g"


def test_a_walk_names_every_server_once() -> None:
    ring = Ring(["http://a:1", "http://b:1", "http://c:1"], 128)
    assert sorted(ring.walk("orders:*:g")) == [0, 1, 2]


def test_when_a_server_leaves_only_its_own_keys_move() -> None:
    urls = ["http://a:1", "http://b:1", "http://c:1"]
    keys = [f"queue-{number}:*:group" for number in range(3000)]
    whole, without_b = Ring(urls, 128), Ring([urls[0], urls[2]], 128)
    moved = 0
    for key in keys:
        before = urls[next(whole.walk(key))]
        after = [urls[0], urls[2]][next(without_b.walk(key))]
        if before != after:
            assert before == urls[1]
            moved += 1
    assert 0.2 < moved / len(keys) < 0.5
