"""Suites with random states, attributes and triggers, to compare with ecFlow's own evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

STATES = ("complete", "queued", "aborted", "submitted", "active", "unknown")
ORDERS = ("==", "eq", "!=", "ne", ">=", "ge", "<=", "le", ">", "gt", "<", "lt")
CALENDAR = (
    "calendar initTime:2026-May-04 00:00:00 suiteTime:2026-May-06 17:20:00 duration:65:20:00 "
    "initLocalTime:2026-May-04 00:00:00 lastTime:2026-May-06 17:20:00 calendarIncrement:00:01:00"
)
# Each kind of attribute that a name may stand for, with the name that it has here.
ATTRIBUTES = (
    "edit V '{n}'",
    "edit W '-{n}'",
    "edit BIG '99999999999'",
    "edit WORD 'x{n}'",
    "event ev # set",
    "event 7 opened",
    "meter m 0 100 90 # {n}",
    "limit lim {n} # 3 /s/a",
    "queue q 10 20 {n} # 1 complete active queued",
    'label l "a == b # {n}"',
)
REPEATS = (
    "repeat integer R 0 30 3 # {n}",
    "repeat date R 20260227 20260310 1 # 20260301",
    'repeat string R "a" "b" # 1',
    'repeat enumerated R "07" "x" "9" # {m}',
    'repeat datelist R "20251231" "20260704" # {b}',
)
TIMES = (
    "time 17:20",
    "time 18:00 # free",
    "time 00:00 23:00 01:00 # nextTimeSlot/18:00",
    "today 08:00",
    "today 23:00",
    "date 6.5.2026",
    "date 7.*.*",
    "day wednesday # date:2026-May-06",
    "day friday # date:2026-May-08",
    "cron -w 3 17:20",
    "cron -d 6,7 17:20",
    "cron -m 1,2 17:20",
    "inlimit lim",
    "inlimit lim 9",
    "inlimit /s:none",
)
NAMES = (
    "V",
    "W",
    "BIG",
    "WORD",
    "ev",
    "7",
    "opened",
    "m",
    "lim",
    "q",
    "R",
    "R_DD",
    "R_DOW",
    "TASK",
    "DOW",
    "DOY",
)


class RandomSuite:
    """A suite from a seed: `text` is a definition with its states, as a checkpoint has it."""

    def __init__(self, seed: int, nodes: int = 12) -> None:
        self._random = Random(seed)
        self._paths: list[str] = ["/s"]
        self.text = self._definition(nodes)

    def _definition(self, nodes: int) -> str:
        pick = self._random
        families = [f"f{number}" for number in range(pick.randint(1, 3))]
        tasks = [chr(ord("a") + number) for number in range(nodes)]
        places = {task: pick.choice([*families, ""]) for task in tasks}
        self._paths += [f"/s/{family}" for family in families]
        self._paths += [f"/s/{places[task]}/{task}".replace("//", "/") for task in tasks]
        lines = [
            "#5.9.2",
            "defs_state NET state>:queued state_change:3 modify_change:3 server_state:RUNNING cal_count:0",
        ]
        lines += [
            f"suite s # begun:1 state:{self._state()}",
            CALENDAR,
            "limit lim 5 # 4 /s/a /s/b",
            *self._attributes("/s", 3),
        ]
        for family in ["", *families]:
            path = f"/s/{family}".rstrip("/")
            if family:
                lines += [
                    f"family {family} # {self._tokens()}",
                    *self._attributes(path, 3),
                    *self._conditions(path),
                ]
            for task in tasks:
                if places[task] == family:
                    below = f"{path}/{task}"
                    lines += [f"task {task} # {self._tokens()}", *self._attributes(below, 4, tasks=True)]
                    lines += self._conditions(below)
            if family:
                lines.append("endfamily")
        return "\n".join([*lines, "endsuite", "# enddef", ""])

    def _state(self) -> str:
        return self._random.choice(STATES)

    def _tokens(self) -> str:
        state = "queued" if self._random.random() < 0.6 else self._state()
        flags = " flag:late" if self._random.random() < 0.2 else ""
        return f"state:{state}{flags}" + (" suspended:1" if self._random.random() < 0.1 else "")

    def _attributes(self, path: str, most: int, tasks: bool = False) -> list[str]:
        pick = self._random
        found = pick.sample(ATTRIBUTES, pick.randint(0, most))
        if not tasks and pick.random() < 0.4:
            found.append(pick.choice(REPEATS))
        if path != "/s" and pick.random() < 0.3:
            found += pick.sample(TIMES, pick.randint(1, 2))
        return [
            each.format(n=pick.randint(0, 40), m=pick.randint(0, 2), b=pick.randint(0, 1)) for each in found
        ]

    def _conditions(self, path: str) -> list[str]:
        pick = self._random
        lines = []
        if pick.random() < 0.8:
            text = self.expression(path, 3)
            # ECMWF's client forgets that a trigger of one word was freed.
            free = " # free" if pick.random() < 0.1 and " " in text else ""
            lines.append(f"trigger {text}{free}")
            for option in pick.choice([(), (), ("-a",), ("-o",), ("-o", "-a")]):
                lines.append(f"trigger {option} {self.expression(path, 1)}{free}")
        if pick.random() < 0.15:
            lines.append(f"complete {self.expression(path, 2)}")
        return lines

    # --------------------------------------------------------------------- expressions

    def expression(self, path: str, depth: int) -> str:
        """Return a random expression of the node at `path`."""
        pick = self._random
        if depth == 0 or pick.random() < 0.4:
            return self._comparison(path)
        kind = pick.random()
        if kind < 0.15:
            return f"{pick.choice(('not ', '!', '~'))}({self.expression(path, depth - 1)})"
        left, right = self.expression(path, depth - 1), self.expression(path, depth - 1)
        left = f"({left})" if pick.random() < 0.4 else left
        right = f"({right})" if pick.random() < 0.4 else right
        return f"{left} {pick.choice(('and', 'or', '&&', '||', 'AND', 'OR'))} {right}"

    def _comparison(self, path: str) -> str:
        pick = self._random
        text = pick.choice((self._node_is, self._node_is, self._event_is, self._numbers, self._alone))(path)
        # `(not :NAME)` is the name of a node called `not` up to ecFlow 5.13.
        negation = "! " if text.startswith(":") else pick.choice(("not ", "! "))
        return f"{negation}{text}" if pick.random() < 0.15 else text

    def _node_is(self, path: str) -> str:
        return f"{self._reference(path)} {self._random.choice(ORDERS[:4])} {self._state()}"

    def _event_is(self, path: str) -> str:
        word = self._random.choice(("set", "clear"))
        return (
            f"{self._reference(path)}:{self._random.choice(NAMES)} {self._random.choice(ORDERS[:4])} {word}"
        )

    def _numbers(self, path: str) -> str:
        pick = self._random
        negated = "! " if pick.random() < 0.05 else ""
        return f"{self._sum(path)} {pick.choice(ORDERS)} {negated}{self._sum(path)}"

    def _alone(self, path: str) -> str:
        flag = self._random.choice(("late", "zombie"))
        return self._random.choice((self._name(path), f"{self._reference(path)}<flag>{flag}"))

    def _sum(self, path: str) -> str:
        pick = self._random
        terms = [self._factor(path) for _ in range(pick.choice((1, 1, 1, 2, 3)))]
        text = terms[0]
        for each in terms[1:]:
            # `:none - 1` has the wrong sign up to ecFlow 5.13, so that nothing is taken from a name of none.
            text += f" {pick.choice('*/%' if ':' in terms[0] else '+-*/%')} {each}"
        return text

    def _factor(self, path: str) -> str:
        pick = self._random
        kind = pick.random()
        if kind < 0.4:
            return str(pick.choice((0, 1, 2, 3, 7, 20260301, 2147483647)))
        if kind < 0.8:
            return self._name(path)
        if kind < 0.9:
            return f"({self._sum(path)})"
        function = pick.choice(("date_to_julian", "julian_to_date"))
        return f"cal::{function}({pick.choice(('20260301', '2461101', '5'))})"

    def _name(self, path: str) -> str:
        name = self._random.choice(NAMES)
        return f":{name}" if self._random.random() < 0.3 else f"{self._reference(path)}:{name}"

    def _reference(self, path: str) -> str:
        """Return one of the ways in which an expression names another node, or one that is not there."""
        pick = self._random
        if pick.random() < 0.08:
            return pick.choice(("ghost", "/no/such", "../../../../x", "./nothing"))
        other = pick.choice(self._paths[1:])
        above = path.rpartition("/")[0]
        ways: list[str] = [other, "/" + other[1:].replace("/", "//")]
        if other.rpartition("/")[0] == above:
            name = other.rpartition("/")[2]
            ways += [name, f"./{name}", f"../{above.rpartition('/')[2]}/{name}"]
        elif above == "/s":
            ways += [other.removeprefix("/s/"), f"./{other.removeprefix('/s/')}"]
        else:
            ways.append(f"../{other.removeprefix('/s/')}")
        return pick.choice(ways)


def suites(seeds: Sequence[int]) -> list[str]:
    """Return the text of a suite for each seed."""
    return [RandomSuite(seed).text for seed in seeds]
