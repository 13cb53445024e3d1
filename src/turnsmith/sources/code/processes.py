"""Run git where neither the machine's nor the caller's settings count, and nothing can reach the network."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO


def environment() -> dict[str, str]:
    """Return the environment for git: no settings of the machine or the caller, no questions, no network."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def run(
    arguments: Sequence[str], *, output: IO[bytes] | None = None, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `git` with arguments to its end; what it prints goes to `output` where given, else into the result.

    `more` adds to the environment.
    """
    return subprocess.run(  # noqa: S603 - git, with arguments that no shell reads
        ["git", *arguments],  # noqa: S607 - the user's own git
        env=environment() | dict(more or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output is None else output,
        stderr=subprocess.PIPE,
        check=False,
    )


def start(
    arguments: Sequence[str],
    *,
    stdin: IO[bytes] | int = subprocess.PIPE,
    stderr: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `git` with arguments; its output is a pipe."""
    return subprocess.Popen(  # noqa: S603 - git, with arguments that no shell reads
        ["git", *arguments],  # noqa: S607 - the user's own git
        env=environment(),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def words(stderr: bytes) -> str:
    """Return the first two things that git said, on one line: the cause stands before what follows from it."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    told = [line.removeprefix("fatal: ").removeprefix("error: ") for line in lines if line]
    return "; ".join(told[:2]) or "no reason given"
