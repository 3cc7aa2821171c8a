"""Whether a time, date, day or cron of a node is fulfilled at the suite's time.

Sources: libs/attribute/src/ecflow/attribute/{Time,Today,Cron,Date,Day}Attr.cpp, ../core/TimeSeries.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

from watchman_cli.details.attributes import Date, Day, Time
from watchman_cli.details.dates import DAYS, Moment, last_of_month, parse_date
from watchman_cli.waits.condition import At, Wait, WaitKind


def _unknown(at: At, kind: WaitKind, what: str) -> Wait:
    return Wait(at.node.path, kind, None, f"{what}: the suite's calendar is unknown")


def day_condition(at: At, day: Day) -> Wait:
    """Return the condition of a day of the week, which has the date of its next one."""
    what = f"day {day.name}"
    if day.expired:
        return Wait(at.node.path, "day", False, f"{what} has expired until the node is requeued")
    if day.free:
        return Wait(at.node.path, "day", True, f"{what} is free")
    if at.now is None:
        return _unknown(at, "day", what)
    today = DAYS[at.now.weekday]
    holds = at.now.date == parse_date(day.date) if day.date else today == day.name
    return Wait(
        at.node.path, "day", holds, f"{what}{day.date and f' ({day.date})'}; the suite's day is {today}"
    )


def date_condition(at: At, date: Date) -> Wait:
    """Return the condition of a date, each part of which may be any."""
    what = "date " + ".".join(str(each or "*") for each in (date.day, date.month, date.year))
    if date.free:
        return Wait(at.node.path, "date", True, f"{what} is free")
    if at.now is None:
        return _unknown(at, "date", what)
    year, month, day = at.now.date // 10000, at.now.date // 100 % 100, at.now.date % 100
    wanted = zip((date.day, date.month, date.year), (day, month, year), strict=True)
    holds = all(each in (0, now) for each, now in wanted)
    return Wait(at.node.path, "date", holds, f"{what}; the suite's date is {day}.{month}.{year}")


def time_condition(at: At, time: Time) -> Wait:
    """Return the condition of a time, a today or a cron."""
    what = f"{time.kind} {time.text}"
    if time.free:
        return Wait(at.node.path, time.kind, True, f"{what} is free")
    try:
        *options, _ = slots = time.text.split()
        first = next(index for index, word in enumerate(slots) if ":" in word)
    except (ValueError, StopIteration):
        return Wait(at.node.path, time.kind, None, f"{what} cannot be read")
    relative = slots[first].startswith("+")
    now = _minutes(time.relative or "00:00") if relative else at.now and at.now.hour * 60 + at.now.minute
    if now is None:
        return _unknown(at, time.kind, what)
    clock = f"{'+' if relative else ''}{now // 60:02}:{now % 60:02}"
    holds: bool | None = _in_slot(time, [_minutes(each) for each in slots[first:]], now)
    if time.kind == "cron" and options and holds:
        holds = None if at.now is None else _cron_day(slots[:first], at.now)
    if holds is None:
        return Wait(at.node.path, time.kind, None, f"{what}: watchman does not evaluate it")
    coming = f", next {time.next_slot}" if time.next_slot and not holds else ""
    expired = ", expired" if not time.valid and not holds else ""
    return Wait(at.node.path, time.kind, holds, f"{what}{coming}{expired}; the suite's time is {clock}")


def _minutes(text: str) -> int:
    hours, minutes = text.lstrip("+").split(":")[:2]
    return int(hours) * 60 + int(minutes)


def _in_slot(time: Time, slots: list[int], now: int) -> bool:
    if len(slots) < 3:
        after = time.kind == "today" and now > slots[0]  # also if it has expired
        return after or (time.valid and now == slots[0])
    if not time.valid:
        return False
    following = _minutes(time.next_slot) if time.next_slot else slots[0]
    step = slots[2]
    return following <= now <= slots[1] and step > 0 and (now - following) % step == 0


def _cron_day(options: Sequence[str], now: Moment) -> bool | None:
    """Return whether a cron's days of the week, days of the month and months are all today's."""
    lists = dict(zip(options[::2], options[1::2], strict=False))
    today = {"-w": now.weekday, "-d": now.date % 100, "-m": now.date // 100 % 100}
    for option, text in lists.items():
        if option not in today:
            return None
        days = text.split(",")
        if any("L" in each for each in days):
            if option == "-d" and days == ["L"]:
                if today["-d"] != last_of_month(now.date):
                    return False
                continue
            return None
        if str(today[option]) not in days:
            return False
    return True
