"""Consumer Groups, Subscription Modes, Consumer Group Management, Fan-Out Pattern."""

from __future__ import annotations

from typing import Any

from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide, data


@runs(s22="Basic Consumer Groups")
async def test_workers_of_one_group_share_the_load(guide: Guide) -> None:
    for user in range(10):
        await guide.queen.queue("emails").partition(f"user-{user}").push([{"data": [user, n]} for n in range(3)])
    async with guide.running(22) as program:
        await program.until(lambda: len(guide.printed) == 30)
    workers, messages = zip(*(line.split(": ") for line in guide.printed))
    assert set(workers) == {"Worker 1", "Worker 2"}
    assert sorted(messages) == [str([user, n]) for user in range(10) for n in range(3)]
    assert await guide.unsettled("emails", "processors") == []


@runs(s23="Multiple Consumer Groups (Fan-Out)")
async def test_every_group_gets_every_message(guide: Guide) -> None:
    await guide.queen.queue("notifications").push([{"data": n} for n in range(3)])
    emails, events = Calls(), Calls()
    async with guide.running(23, send_email=emails, track_event=events) as program:
        await program.until(lambda: len(emails.seen) == len(events.seen) == 3)
    assert emails.seen == events.seen == [0, 1, 2]
    for group in ("email-sender", "analytics"):
        assert await guide.unsettled("notifications", group) == []
    assert await guide.unsettled("notifications", "a-third") == [0, 1, 2]


@runs(s24="Default Behavior (All Messages)")
async def test_a_group_starts_at_the_beginning(guide: Guide) -> None:
    await push(guide, "events", "historical")
    async with guide.running(24) as program:
        await program.until(lambda: guide.broker.parked_polls == 1)
        await push(guide, "events", "new")
        await program.until(lambda: len(guide.printed) == 2)
    assert guide.printed == ["Processing: historical", "Processing: new"]


@runs(s25="Subscription Mode: 'new'")
async def test_a_group_in_mode_new_skips_what_was_there(guide: Guide) -> None:
    await push(guide, "events", "historical")
    async with guide.running(25) as program:
        await program.until(lambda: guide.broker.parked_polls == 1)
        await push(guide, "events", "new")
        await program.until(lambda: guide.printed)
    assert guide.printed == ["New event: new"]
    assert await guide.unsettled("events", "realtime-monitor") == []


@runs(s26="Subscription From Timestamp")
async def test_groups_start_at_a_time_now_or_an_hour_ago(guide: Guide) -> None:
    for moment in ("09:59", "10:01", "13:01"):
        guide.time.move_to(f"2025-10-28T{moment}:00")
        await guide.queen.queue("events").push([{"data": moment}])
    guide.time.move_to("2025-10-28T14:00:00")
    expected = [["10:01", "13:01", "replay"], ["now"], ["13:01", "replay", "now", "hour"]]
    async with guide.running(26) as program:
        seen = 0
        for word, found in zip(("replay", "now", "hour"), expected):
            await program.until(lambda: guide.broker.parked_polls == 1)
            await push(guide, "events", word)
            await program.until(lambda: f"Processing: {word}" in guide.printed[seen:])  # noqa: B023  (awaited at once)
            assert guide.printed[seen:] == [f"Processing: {message}" for message in found]
            seen += len(found)
            await program.interrupt()


@runs(s27="Real-World Example")
async def test_three_groups_start_at_three_places(guide: Guide) -> None:
    for moment in ("15:29", "15:31"):
        guide.time.move_to(f"2025-10-28T{moment}:00")
        await guide.queen.queue("user-actions").push([{"data": moment}])
    guide.time.move_to("2025-10-28T16:00:00")
    report, alert, replay = Calls(), Calls(), Calls()
    supplied = {"generate_full_report": report, "send_realtime_alert": alert, "debug_specific_timeframe": replay}
    async with guide.running(27, **supplied) as program:
        await program.until(lambda: guide.broker.parked_polls == 3)
        await push(guide, "user-actions", "new")
        await program.until(lambda: report.seen[-1] == replay.seen[-1] == "new" and alert.seen)
    assert report.seen == ["15:29", "15:31", "new"]
    assert alert.seen == ["new"]
    assert replay.seen == ["15:31", "new"]


@runs(s56="Delete Consumer Group")
async def test_a_deleted_group_starts_anew_and_at_its_subscription_when_that_is_kept(guide: Guide) -> None:
    await push(guide, "events", "historical")
    events = guide.queen.queue("events").group("my-group").batch(10).auto_ack(True)
    assert await events.subscription_mode("new").pop() == []
    await push(guide, "events", "new")
    assert data(await events.pop()) == ["new"]
    async with guide.stepping(56) as program:
        await program.next()
        assert data(await events.pop()) == ["historical", "new"]

        await guide.queen.delete_consumer_group("my-group")
        assert await events.subscription_mode("new").pop() == []
        await push(guide, "events", "later")
        assert data(await events.pop()) == ["later"]
        await program.next()
        assert data(await events.pop()) == ["later"]


@runs(s57="Update Subscription Timestamp")
async def test_a_group_is_reset_to_a_time(guide: Guide) -> None:
    for moment in ("09T09:00", "10T09:00", "10T11:00", "11T09:00"):
        guide.time.move_to(f"2025-11-{moment}:00")
        await guide.queen.queue("events").push([{"data": moment}])
    guide.time.move_to("2025-11-12T00:00:00")
    events = guide.queen.queue("events").group("my-group").batch(10).auto_ack(True)
    assert len(await events.pop()) == 4
    await guide.run(57)
    assert data(await events.pop()) == ["10T11:00", "11T09:00"]


@runs(s81="Fan-Out Pattern")
async def test_two_groups_process_the_same_messages(guide: Guide) -> None:
    await guide.queen.queue("events").push([{"data": n} for n in range(3)])
    emails, analytics = Calls(), Calls()
    async with guide.running(81, send_email_handler=emails, analytics_handler=analytics) as program:
        await program.until(lambda: len(emails.seen) == len(analytics.seen) == 3)
    assert data(emails.seen) == data(analytics.seen) == [0, 1, 2]
    for group in ("emailer", "analytics"):
        assert await guide.unsettled("events", group) == []


async def push(guide: Guide, queue: str, word: Any) -> None:
    """Push one message, at a time of its own."""
    guide.time.advance(1)
    await guide.queen.queue(queue).push([{"data": word}])
    guide.time.advance(1)
