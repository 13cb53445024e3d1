"""Chat examples of a commit: a patch, an edit, a commit message, a review."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turnsmith.core.chat import Message
from turnsmith.sources.code.git.cutting import AROUND, Cut, cut, fenced, smallest_around
from turnsmith.sources.code.git.files import File, Files, sources
from turnsmith.sources.code.git.messages import Said

PATCH, EDIT, MESSAGE, REVIEW = "patch", "edit", "message", "review"
KINDS = (PATCH, EDIT, MESSAGE, REVIEW)
USUAL = (PATCH, EDIT, MESSAGE)
MOST_EDITED = 150
MOST_EDITED_FILE = 80
MOST_HEADLINE = 160
# A patch or an edit of more changed lines than this, plus so many for each word of the message, can't be told from it.
LINES_UNTOLD, LINES_A_WORD = 30, 10

SYSTEM = {
    PATCH: "You change code in a git repository. You get a task and the code before the change, with line numbers in "
    "the headings. Answer with one unified diff that `git apply` accepts, and nothing else.",
    EDIT: "You change code in a git repository. You get a task and a piece of code. Answer with the whole piece after "
    "the change, and nothing else.",
    MESSAGE: "You write commit messages. You get a diff. Answer with its commit message: a short subject, and where "
    "the reason is not plain, a blank line and a body.",
    REVIEW: "You review changes in a git repository. You get a diff that is about to go in. Answer with what still has "
    "to change, and why.",
}

Fits = Callable[[Sequence[Message]], bool]


@dataclass(frozen=True, slots=True)
class Built:
    """Hold the messages of an example, or why there is none."""

    messages: list[Message]
    reason: str = ""


def build(kind: str, said: Said, files: Files, used: Sequence[File], fits: Fits) -> Built:
    """Return the example of one kind other than a review."""
    if (
        kind != MESSAGE
        and sum(file.patch.changed for file in used) > LINES_UNTOLD + LINES_A_WORD * said.words
    ):
        return Built([], "message says too little for so large a change")
    builder = {PATCH: _patch, EDIT: _edit, MESSAGE: _message}[kind]
    return builder(said, files, used, fits)


def diff_of(used: Sequence[File]) -> str:
    """Return the diff of an example's files."""
    return b"".join(file.patch.text() for file in used).decode()


def _patch(said: Said, files: Files, used: Sequence[File], fits: Fits) -> Built:
    """Ask for a diff: the intent and the code before, as much of it as the budget allows."""
    diff = diff_of(used)
    for level in range(len(AROUND)):
        cuts = [cut(files, file, level) for file in used]
        messages = _messages(PATCH, f"{said.text}\n\n{_code(cuts)}", diff)
        if fits(messages):
            return Built(messages)
    return Built([], "over the budget")


def _edit(said: Said, files: Files, used: Sequence[File], fits: Fits) -> Built:
    """Ask for the new version of the one definition, or the one short file, that changes outside tests."""
    changed = sources(used)
    if len(changed) != 1 or len(changed) != sum(file.kind != "test" for file in used):
        return Built([], "more than one file")
    file = changed[0]
    if file.patch.old_path != file.patch.new_path or not file.patch.hunks:
        return Built([], "renamed")
    touched = [each for hunk in file.patch.hunks for each in hunk.touched()]
    first, last = touched[0][0], touched[-1][1]
    around = smallest_around(files.around(file, first, last), first, last)
    if around is not None and around.lines <= MOST_EDITED:
        begin, end = around.first - 1, around.last
        what = f"`{_headline(file, around.head)}` in `{file.patch.path}`"
    elif len(file.before) <= MOST_EDITED_FILE:
        begin, end = 0, len(file.before)
        what = f"`{file.patch.path}`"
    else:
        return Built([], "no definition holds it all")
    before = file.before[begin:end]
    after = file.after[begin : len(file.after) - (len(file.before) - end)]
    shown = fenced(b"".join(before).decode(), file.patch.path)
    answer = b"".join(after).decode()
    messages = _messages(EDIT, f"{said.text}\n\n{what} before the change:\n{shown}", answer)
    return Built(messages) if fits(messages) else Built([], "over the budget")


def _message(said: Said, _files: Files, used: Sequence[File], fits: Fits) -> Built:
    """Ask for the commit message of a diff."""
    messages = _messages(MESSAGE, diff_of(used), said.text)
    return Built(messages) if fits(messages) else Built([], "over the budget")


def review_of(used: Sequence[File], note: str) -> list[Message]:
    """Return a review: the diff of a commit, and what was found wrong with it."""
    return _messages(REVIEW, diff_of(used), note)


def _headline(file: File, line: int) -> str:
    """Return the line where a definition begins, without what only opens its block."""
    return file.before[line - 1].decode().strip().rstrip("{: ")[:MOST_HEADLINE]


def _code(cuts: Sequence[Cut]) -> str:
    return "\n\n".join(["The code before the change:", *(each.text() for each in cuts)])


def _messages(kind: str, user: str, assistant: str) -> list[Message]:
    return [
        {"role": "system", "content": SYSTEM[kind]},
        {"role": "user", "content": user},
        {"role": "assistant", "content": assistant},
    ]
