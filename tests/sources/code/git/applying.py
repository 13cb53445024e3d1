"""Hold an example against the history that it came from, with git's own `apply`."""

import re
import subprocess
from pathlib import Path

from tests.sources.code.git.repositories import Example

SHOWN = re.compile(
    r"^`([^`]+)`, (?:lines (\d+)-(\d+) of (\d+)|all of it)(, without a line end at the end)?:$"
)


def git(repository: Path, *arguments: str) -> bytes:
    """Return what git prints about a repository."""
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=True).stdout


def check_patch(repository: Path, example: Example, folder: Path) -> None:
    """Apply a patch's answer to the files before it; they must become those after it, byte for byte.

    Every line that the answer takes away or names as context must stand in the prompt, under its number.
    """
    diff, commit = example["messages"][2]["content"], example["meta"]["commit"]
    old_paths = re.findall(r"^(?:--- a/|rename from )(.+?)\t?$", diff, re.MULTILINE)
    for path in old_paths:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(git(repository, "cat-file", "blob", f"{commit}^:{path}"))
        if git(repository, "ls-tree", f"{commit}^", "--", path).startswith(b"100755"):
            target.chmod(0o755)
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=diff.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"{commit}: {done.stderr.decode()}"
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    deleted = set(re.findall(r"^diff --git a/(.+) b/.+\ndeleted file mode", diff, re.MULTILINE))
    assert left == set(example["meta"]["paths"]) - deleted
    for path in left:
        assert (folder / path).read_bytes() == git(repository, "cat-file", "blob", f"{commit}:{path}"), path
    _check_shown(example["messages"][1]["content"], diff)


def _check_shown(prompt: str, diff: str) -> None:
    shown = _shown_lines(prompt)
    path, number = "", 0
    in_hunk = False
    for line in diff.split("\n")[:-1]:
        if line.startswith("diff --git "):
            in_hunk = False
        elif not in_hunk and line.startswith("--- "):
            path = line.removeprefix("--- a/").rstrip("\t")
        elif found := re.match(r"@@ -(\d+)(?:,(\d+))? ", line):
            number, in_hunk = int(found[1]), True
        elif in_hunk and line[:1] in ("-", " "):
            assert shown[path, number] == line[1:], f"{path}:{number}"
            number += 1


def _shown_lines(prompt: str) -> dict[tuple[str, int], str]:
    """Return the lines of code that a prompt shows, by path and number."""
    shown: dict[tuple[str, int], str] = {}
    lines = prompt.split("\n")
    position = 0
    while position < len(lines):
        found = SHOWN.match(lines[position])
        position += 1
        if not found:
            continue
        fence = re.match("`+", lines[position])
        assert fence is not None
        number = int(found[2] or 1)
        position += 1
        while lines[position] != fence[0]:
            shown[found[1], number] = lines[position]
            number += 1
            position += 1
        if found[3]:
            assert number - 1 == int(found[3])
    return shown


def check_edit(repository: Path, example: Example) -> None:
    """Put an edit's answer in place of the code that the prompt shows; the file must become that after it."""
    commit, path = example["meta"]["commit"], example["meta"]["path"]
    before = git(repository, "cat-file", "blob", f"{commit}^:{path}").decode()
    after = git(repository, "cat-file", "blob", f"{commit}:{path}").decode()
    block = re.search(
        r" before the change:\n(`{3,})\w*\n(.*?)\n?\1\Z", example["messages"][1]["content"], re.DOTALL
    )
    assert block is not None
    shown, answer = block[2], example["messages"][2]["content"]
    assert shown in before
    places = [found.start() for found in re.finditer(re.escape(shown), before)]
    ends = {"", "\n"}
    made = {
        before[:place] + answer.removesuffix("\n") + end + before[place + len(shown) :].removeprefix("\n")
        for place in places
        for end in ends
    }
    assert after in made, commit
