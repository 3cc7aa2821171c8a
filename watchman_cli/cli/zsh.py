"""The script of completion for zsh, which typer writes: it must answer the Tab at which zsh loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# zsh loads the script's file as a function, at the first Tab in a shell, and expects the answer of that Tab.
# typer's script only registers another function for later Tabs.
_REGISTER = "\ncompdef %(complete_func)s %(prog_name)s\n"
_ANSWER = 'if [[ $zsh_eval_context[-1] == loadautofunc ]]; then %(complete_func)s "$@"; fi\n'


def is_script_wanted(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether the command prints or installs a script of completion."""
    options = {"--install-completion", "--show-completion"}
    return not options.isdisjoint(arguments) or "source_zsh" in environment.values()


def answer_first_tab() -> None:
    """Have typer's script for zsh answer the first Tab, too. An unknown script stays as it is."""
    from typer import _completion_classes as classes
    from typer import _completion_shared as shared

    script = shared.COMPLETION_SCRIPT_ZSH
    if script.endswith(_REGISTER):
        shared._completion_scripts["zsh"] = script + _ANSWER  # --install-completion, --show-completion
        classes.ZshComplete.source_template = script + _ANSWER  # the variable _WATCHMAN_COMPLETE
