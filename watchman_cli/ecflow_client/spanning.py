"""Text of several lines in a definition: a job's id, a trigger, a `complete`. It is joined to one line.

ecFlow escapes a new line in labels, variables and reasons. It writes these three as they are
(Submittable::write_state, PartExpression::print). So a part of one can look like a node, or end a family.

- **An expression** goes on after a line if the line's last token needs an operand, or if the next line begins
  with an operator (ExprParser.cpp). No line that makes the tree begins with an operator, and no whole
  expression ends with a token that needs an operand, except a variable's name. A server that reads its own
  checkpoint keeps the first line alone: then what follows is an attribute, and no part of a whole expression.
- **A job's id** ends on a line that ends with ` try:1 state:active …`, since a job is submitted and active
  before it has an id. So an id goes on if its node's line has no such tokens. It ends with the next line that
  has them.

A text with two meanings is refused. So is an id whose last line begins like an attribute that may hold any
text: a server that reads its own checkpoint keeps the first line of the id, and makes the last an attribute,
which has the same text. One thing cannot be seen: an id that has the lines of another definition, word for
word.
"""

from __future__ import annotations

import re

from .errors import TreeUnproved
from .raw_texts import EXPRESSION, GOES_ON, NEW_LINE, OPERATORS, STATE, split_tail, tokens_behind
from .work import UNBOUNDED, Work

LOOKED_AT_TOGETHER = 1 << 18  # characters that are searched before the clock is looked at again
_NEXT = re.compile(GOES_ON, re.ASCII)
_NODE = re.compile(r" *(?:task|family|suite|alias) [A-Za-z0-9_][\w.-]*(?P<tail> #.*)?", re.ASCII | re.DOTALL)
# All lines that matter: nodes with a job's id, expressions, and lines with a state.
_LOOKED_AT = re.compile(
    rf"\n(?= *(?:{EXPRESSION}|(?:task|alias)\b[^\n]* rid:)|[^\n]*(?<![a-z_])state:)", re.ASCII
)
# An attribute. In an expression, an operator, a colon or a slash follows a name.
_ATTRIBUTE = re.compile(
    r" *(?:edit|label|meter|event|limit|inlimit|repeat|queue|generic|time|today|cron|date|day|late|zombie"
    r"|verify|defstatus|trigger|complete|clock|calendar|auto\w+|aviso|mirror)"
    rf" +(?!(?:{'|'.join(OPERATORS)})\b)[\w'\"+-]",
    re.ASCII,
)
_KEPT = re.compile(r" *(?:trigger|complete|generic)\b")  # attributes that may hold any text
_STRUCTURE = re.compile(r"\n *(?:task|family|suite|alias|end\w+)\b", re.ASCII)
_LAST_WORD = re.compile(r"(?P<variable>: *)?[\w.]+$", re.ASCII)
_STRUCTURAL = re.compile(rf"{_NODE.pattern}| *end\w+ *", re.ASCII | re.DOTALL)
_COMPARED = re.compile(
    r"[\w./]+\s*(?:==|!=|\beq\b|\bne\b)\s*(?:complete|aborted|queued|active|submitted|unknown)", re.ASCII
)
_TOKEN = re.compile(r"[\w./]+|[<>=!]=|&&|\|\||\S", re.ASCII)
_BLANKS = re.compile(r"[\x00-\x1f\x7f\"]")  # the grammar's blanks, and what no expression has


def join_lines(text: str, work: Work = UNBOUNDED) -> str:
    """Return a definition's text in which nothing has several lines. Raises NotUnderstood or TooSlow."""
    pieces: list[str] = []
    done = at = 0
    unfinished: int | None = None  # where the line begins whose job's id goes on
    last: int | None = None  # the same of a node without a state, since no other node came
    while found := _next_looked_at(text, at, work):
        start = found.end()
        end = _line_end(text, start)
        line = text[start:end]
        node = _NODE.fullmatch(line)
        if node is not None:
            tail = split_tail(node["tail"] or "")
            if tail.is_unfinished:
                if unfinished is not None:
                    raise TreeUnproved
                unfinished = start
            last = start if tail.text and STATE not in tail.tokens else None  # it may have been forced
        elif unfinished is None and re.match(f" *{EXPRESSION}", line):
            end = _expression_end(text, start, end)
            if NEW_LINE in text[start:end]:
                lines = text[start:end].split(NEW_LINE)
                has_nodes = any(map(_STRUCTURAL.fullmatch, lines))
                if has_nodes and not _is_whole(text[start:end]):
                    raise TreeUnproved
                if any(_is_end(line, expected=False) for line in lines):  # of an id, whose node was lost
                    raise TreeUnproved
                pieces += (text[done:start], text[start:end].replace(NEW_LINE, " "))
                done = end
        elif _is_end(line, unfinished is not None):
            owner = unfinished if unfinished is not None else last
            if (
                owner is None
                or owner < done
                or _KEPT.match(line)
                or (unfinished is None and _STRUCTURE.search(text, owner, start))
            ):
                raise TreeUnproved
            pieces += (text[done:owner], text[owner:end].replace(NEW_LINE, " "))
            done, unfinished, last = end, None, None
        at = end
    if unfinished is not None:
        raise TreeUnproved
    return "".join((*pieces, text[done:]))


def _next_looked_at(text: str, at: int, work: Work) -> re.Match[str] | None:
    """Return the next line that matters from the line end `at`, or None. Raises TooSlow."""
    while at < len(text):
        work.check()
        end = _line_end(text, at + LOOKED_AT_TOGETHER)
        if found := _LOOKED_AT.search(text, at, end):
            return found
        at = end
    return None


def _is_end(line: str, expected: bool) -> bool:
    """Return whether a line ends with the tokens that follow a job's id."""
    _, found = tokens_behind(line)
    return "state" in found and (expected or "try" in found)


def _line_end(text: str, start: int) -> int:
    end = text.find(NEW_LINE, start)
    return end if end >= 0 else len(text)


def _expression_end(text: str, start: int, end: int) -> int:
    """Return where an expression ends whose first line is text[start:end]."""
    line = re.sub(rf"^ *{EXPRESSION}(?: -[ao]\b)?", "", _BLANKS.sub(" ", text[start:end])).rstrip()
    last = end
    while end < len(text):
        start, end = end + len(NEW_LINE), _line_end(text, end + len(NEW_LINE))
        following = _BLANKS.sub(" ", text[start:end]).rstrip()
        if not following:
            continue
        is_node = " # " in following and _NODE.fullmatch(following)  # no expression has a #
        if is_node or _ATTRIBUTE.match(following):
            break  # this expression was cut when the server read its checkpoint
        if not _needs_operand(line) and not _NEXT.match(following):
            break
        last, line = end, (":" if line.endswith(":") else "") + following
    return last


def _is_whole(text: str) -> bool:
    """Return whether an expression's operands and operators alternate, as its grammar has them."""
    line = re.sub(rf"^ *{EXPRESSION}(?: -[ao]\b)?|# free$", " ", _BLANKS.sub(" ", text))
    line = re.sub(r"\s*/\s*", "/", re.sub(r"\bcal::\w+", " ", line))  # a function's name; a path
    line = re.sub(r"[\w./]*\s*(?::\s*[\w.]+|<flag>\s*\w+)", " variable ", line)
    line = _COMPARED.sub(" variable ", line)  # a node alone is not an operand
    after_operand = False
    for token in _TOKEN.findall(line):
        is_operator = token in OPERATORS or not (token[0].isalnum() or token[0] in "_./()")
        if token in ("(", "not", "!", "~"):
            if after_operand:
                return False
        elif is_operator:
            if not after_operand and token not in ("+", "-"):
                return False
            after_operand = False
        elif token == ")":  # nosec B105 # of an expression
            if not after_operand:
                return False
        elif after_operand or not (token[0].isdigit() or token in ("variable", "set", "clear")):
            return False
        else:
            after_operand = True
    return after_operand


def _needs_operand(line: str) -> bool:
    """Return whether an expression cannot end with this line."""
    word = _LAST_WORD.search(line)
    if word is None:
        return not line.endswith(")")
    return not word["variable"] and word[0].endswith(OPERATORS)
