"""The texts in a line of a definition, as ecFlow writes them."""


def escaped(text: str) -> str:
    """Return a text as it stands in a line."""
    return text.replace("\n", "\\n")


def with_state(line: str, *state: str) -> str:
    """Return a line with its state, if it has one."""
    words = " ".join(word for word in state if word)
    return f"{line} # {words}" if words else line


def one_line(text: str) -> str:
    """Return an expression or a job's id in one line, as the reader of a definition makes it."""
    return text.replace("\n", " ")
