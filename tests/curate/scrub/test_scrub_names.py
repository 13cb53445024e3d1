"""Names of people come from the data, and are found as whole words."""

from __future__ import annotations

from typing import Any

import pytest

from turnsmith.curate.scrub import Names, Scrubber


def scrubbed(text: str, names: Names) -> str:
    """Return a text as it comes out with known names."""
    result, _ = Scrubber(names).scrub({"text": text})
    found: str = result["text"]
    return found


def collected(*texts: str) -> Names:
    """Return the names that texts make known."""
    return Names.collect({"text": text} for text in texts)


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("in /Users/janedoe/x", "janedoe"),
        ("cd C:\\Users\\janedoe\\x", "janedoe"),
        ("mail jane.doe+list@acme.io", "jane.doe"),
        ("by 12345+janedoe@users.noreply.github.com", "janedoe"),
    ],
)
def test_handle_is_known_from_paths_and_addresses(text: str, handle: str) -> None:
    """Home folders and the local parts of addresses name people."""
    assert collected(text).handles == {handle}


@pytest.mark.parametrize(
    "text",
    [
        "Author: Jane Doe <jane@acme.io>",
        "Co-authored-by: Jane Doe <jane@acme.io>",
        "Signed-off-by: Jane Doe <12345+jane@users.noreply.github.com>",
        "3f2b8c1 Jane Doe <jane@acme.io> fix",
        'git config --global user.name "Jane Doe"',
        "user.name=Jane Doe\nuser.email=x",
        '{"author": {"name": "Jane Doe", "email": "jane@acme.io"}}',
    ],
)
def test_person_is_known_from_git(text: str) -> None:
    """Authors of commits and git's settings name people."""
    assert collected(text).people == {"Jane Doe"}


def test_person_is_known_from_an_answer() -> None:
    """What a tool answers to `git config user.name` is a name."""
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "Bash", "arguments": '{"command": "git config user.name"}'},
    }
    example: dict[str, Any] = {
        "messages": [
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "Jane Doe\n"},
        ]
    }
    assert Names.collect([example]).people == {"Jane Doe"}
    assert Names.collect([{"userName": "janedoe"}]).handles == {"janedoe"}


@pytest.mark.parametrize(
    "text",
    [
        "/home/runner/x /Users/test/x /home/dev",
        "Co-authored-by: Claude Opus <noreply@anthropic.com>",
        "mail support@acme.io, will@acme.io, me@example.com",
        "Author: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
    ],
)
def test_roles_and_words_are_no_names(text: str) -> None:
    """Roles, robots and common words are not taken up, so they erase no prose."""
    names = collected(text)
    assert not names.handles
    assert not names.people


def test_name_is_found_as_a_whole_word() -> None:
    """A handle counts in any case and beside an underscore, never inside a word; parts of names are capitalized."""
    names = Names({"soph"}, {"Jane Doe"})
    assert (
        scrubbed("Soph, soph_x, \\nsoph; philosophy", names)
        == "<USER_1>, <USER_1>_x, \\n<USER_1>; philosophy"
    )
    assert scrubbed("jane doe and Jane; a doe, Janet", names) == "<NAME_1> and <NAME_2>; a doe, Janet"


def test_name_beyond_latin_is_found() -> None:
    """Names in any script count."""
    assert scrubbed("von 李小龙 und Łukasz Żak", Names((), {"李 小龙", "Łukasz Żak"})).endswith("<NAME_1>")
