"""What expressions are worth: each row was tried with the bindings of ecFlow 5.9.2, but where it says so."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
from watchman_cli.waits.evaluate import Truth, evaluate
from watchman_cli.waits.parse import parse

TREE = DefinitionTree(
    """\
#5.9.2
defs_state NET state>:queued flag:late server_state:RUNNING
edit SERVER '9' # server
suite s # begun:1 state:queued
calendar initTime:2026-Mar-01 00:00:00 suiteTime:2026-Mar-05 09:04:07 duration:105:04:07
edit UP '3'
repeat date YMD 20260226 20260310 1 # 20260301
family f # state:aborted flag:late,message
edit V '5'
edit MINUS '-3'
edit PLUS '+5'
edit ZEROS '007'
edit BLANK ' 5'
edit REAL '5.0'
edit HUGE '99999999999'
edit EDGE '2147483647'
edit SECRET_KEY '***'
edit both '1'
event both set # set
event 7 opened # set
event closed
meter m 0 100 90 # 45
meter v 0 9 9 # 3
limit lim 9 # 4 /a
queue q 100 200 300 # 1 complete active queued
queue words a b # 1 complete active
task a # state:complete suspended:1
task b # state:queued
task t # state:active
repeat enumerated E "north" "007" "x9" # 1
endfamily
family g # state:complete
repeat integer R 1 9 4 # 13
family h # state:unknown
repeat datelist L "20251231" "20260704" # 1
task t # state:submitted
endfamily
endfamily
family past # state:complete
repeat date D 20260101 20260105 1 # 20260106
family word # state:queued
repeat string W "spring" "summer" # 1
endfamily
endfamily
endsuite
# enddef
"""
)


def worth(text: str, path: str = "/s/f/b") -> Truth:
    node = TREE.node(path)
    assert node
    return evaluate(TREE, node, parse(text))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        # a node's state is the one that is shown
        ("a == complete", False),
        ("a != complete", True),
        ("a == queued", False),
        ("b == queued", True),
        ("../f == aborted", True),
        ("t eq active", True),
        ("../g ne complete", False),
        ("../g/h/t == submitted", True),
        ("../g/h == unknown", True),
        ("/s == queued", True),
        ("./b == queued", True),
        ("../../s/f == aborted", True),
        # what is not there
        ("ghost == unknown", True),
        ("ghost != complete", True),
        ("ghost:V == 0", True),
        ("../f:none == clear", True),
        ("ghost<flag>late", False),
        ("../../../s/f == aborted", False),
        (":SERVER == 9", False),
        # names, in the order in which ecFlow looks
        ("../f:both == 1", True),
        ("../f:both == set", True),
        ("../f:opened", True),
        ("../f:opened eq set", True),
        ("../f:closed eq set", False),
        ("../f:closed ne set", True),
        ("../f:7 == set", True),
        ("../f:closed == clear", True),
        ("../f:closed != set", True),
        ("../f:m ge 45 and ../f:m lt 46", True),
        ("../f:v == 3", True),
        ("../f:V == 5", True),
        ("../f:lim == 4", True),
        ("../f:q == 200", True),
        ("../f:words == 1", True),
        (":UP == 3", True),
        ("../f:UP == 0", True),
        ("/s:DOW == 4", True),
        ("../f:m == set", False),
        # a variable as a number
        ("../f:MINUS == 0 - 3", True),
        ("../f:PLUS == 5", True),
        ("../f:ZEROS == 7", True),
        ("../f:BLANK == 0", True),
        ("../f:REAL == 0", True),
        ("../f:HUGE == 0", True),
        ("../f:EDGE == 2147483647", True),
        # sums
        ("../f:V + 2 * 2 == 14", True),
        ("../f:V + (2 * 2) == 9", True),
        ("(0 - 7) / 2 == 0 - 3", True),
        ("(0 - 7) % 2 == 0 - 1", True),
        ("7 / 2 == 3", True),
        ("(0 - 7) / (0 - 2) == 3", True),
        ("0 / 5 == 0 and 1 / 3 == 0 and (0 - 1) / 3 == 0", True),
        ("1 % 3 == 1 and 0 % 3 == 0", True),
        ("../f:V / 0 == 0", True),
        ("../f:V % 0 == 0", True),
        ("2147483647 + 1 == 0 - 2147483647 - 1", True),
        ("7 % (0 - 2) == 1", True),
        ("../f:V - 5", True),
        ("0 * 1", True),
        ("0", False),
        ("../f:closed", False),
        ("not ../f:V - 5", False),
        ("1 == ! 0", True),
        ("1 == ! 5", False),
        ("(../f:V) == 5", True),
        # dates
        ("/s:YMD - 1 == 20260228", True),
        ("(/s:YMD) - 1 == 20260228", True),
        ("/s:YMD + 31 == 20260401", True),
        (":YMD - 1 - 1 == 20260227", True),
        ("1 + :YMD == 20260302", True),
        (":YMD * 1 - 1 == 20260300", True),
        (":YMD_MM == 3 and :YMD_DD == 1 and :YMD_DOW == 0 and :YMD_YYYY == 2026", True),
        (":YMD_JULIAN == cal::date_to_julian(20260301)", True),
        ("cal::date_to_julian(20260301) == 2461101", True),
        ("cal::date_to_julian(2026030100) == 2461101", True),
        ("cal::julian_to_date(2461101) == :YMD", True),
        ("cal::date_to_julian(5) == 0", True),
        ("cal::julian_to_date(5) == 0 - 47119927", True),
        # repeats
        ("t:E == 7", True),
        ("../g:R == 9", True),
        ("../g/h:L == 20260704", True),
        ("../g/h:L + 1 == 20260705", True),
        ("../g/h:L - 4 == 20260630", True),
        ("../past:D == 20260105", True),
        ("../past:D_DD == 0", True),
        ("../past/word:W == 1", True),
        # flags
        ("../f<flag>late", True),
        ("../f<flag>zombie", False),
        ("/<flag>late == 1", True),
        ("/<flag>zombie", False),
        # generated variables
        ("/s:ECF_DATE == 20260305 and /s:DOY == 64 and /s:TIME == 904 and /s:ECF_JULIAN == 2461105", True),
        ("/s:MONTH == 0", True),
        ("t:ECF_TRYNO == 0", True),
    ],
)
def test_an_expression(text: str, holds: bool) -> None:
    assert worth(text).holds is holds


def test_the_values_of_references() -> None:
    truth = worth("a == complete and (../f:V > 7 or ghost:W == 1) and ../f:both == set and ../f<flag>late")
    assert truth.values == {
        "a": "suspended",
        "../f:V": 5,
        "ghost:W": None,
        "../f:both": 1,
        "../f<flag>late": 1,
    }
    assert truth.operator == "and"
    assert [each.holds for each in truth.terms] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("../f:SECRET_KEY == 5", None),
        ("not ../f:SECRET_KEY == 5", None),
        ("../f:SECRET_KEY == 5 and b == complete", False),
        ("b == complete and ../f:SECRET_KEY == 5", False),
        ("../f:SECRET_KEY == 5 and b == queued", None),
        ("../f:SECRET_KEY == 5 or b == queued", True),
        ("../f:SECRET_KEY == 5 or b == complete", None),
        ("t:ECF_PASS == 5", None),
        ("20260101T000000 < 5", None),
        ("1 == 1 == 1", None),
        ("1 == 1 == 1 and b == complete", False),
    ],
)
def test_what_cannot_be_told(text: str, holds: bool | None) -> None:
    truth = worth(text)
    assert truth.holds is holds
    assert bool(truth.reason) is (holds is None)
    assert "***" not in str(truth)


def test_a_masked_value_is_named_as_nothing() -> None:
    truth = worth("../f:SECRET_KEY == 5")
    assert (truth.values, truth.reason) == ({"../f:SECRET_KEY": None}, "it depends on a value that is masked")
    assert worth("a == complete").reason == worth("a == complete and b == queued").reason == ""


def test_the_tree_of_terms() -> None:
    document = worth("not (a == complete or b == complete)").as_dict()
    assert (document["operator"], document["holds"]) == ("not", True)
    (inner,) = document["terms"]
    assert (inner["operator"], inner["expression"]) == ("or", "a == complete or b == complete")
    assert [each["operator"] for each in inner["terms"]] == [None, None]
