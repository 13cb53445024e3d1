"""What the scrubber promises of an example, whatever its rules find."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.core.errors import UsageError
from turnsmith.curate.scrub import Names, Scrubber
from turnsmith.curate.scrub.placeholders import PLACEHOLDER
from turnsmith.curate.scrub.rules import RULES

from .planted import armor, some

KEY = b"sixteen bytes or more"
TOKEN = "ghp" + f"_{some(36)}"
MAIL, OTHER = "jane.doe@acme.io", "tom@acme.io"

# Pieces that rules look for; put together at random they make hits that touch, nest and overlap.
PIECES = st.sampled_from(
    [MAIL, TOKEN, "/Users/", "/home/", "jane", "@", "acme.io", "://", ":", "password=", '"token": "', '"', "<EMAIL_1>",
     "<", ">", "\\n", "\n", " ", "-", "+49 30 901820", "185.199.108.153", "3c:22:fb:8a:01:9e", "Kd82kLw0", "=", "\\",
     armor("BEGIN"), some(64), "AKIA", "-Users-", ".", "é", "你", "\ud83d", "'", "0", "&pwd=", "postgres://a:", "{}",
     "id,phone\n", ",", "13826213695", "IDENTIFIED BY '", "' | chpasswd", "a:5432:b:c:", "PASSWORD '", " ist: ", "tom@"]
)  # fmt: skip


def scrub(value: Any, **options: Any) -> Any:
    """Return what becomes of a value that stands in an example."""
    example, _ = Scrubber(**options).scrub({"value": value})
    return example["value"]


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=60))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    """A scrubbed text has nothing left to scrub, and names of people make no difference."""
    for names in (None, Names({"jane", "acme"}, {"Jane Doe"})):
        once, _ = Scrubber(names).scrub({"text": text})
        twice, counts = Scrubber(names).scrub(once)
        assert twice == once
        assert not counts


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_all_else_stays_as_it_was(text: str) -> None:
    """Between placeholders stands what stood there before, in order, and each hit is counted."""
    result, counts = Scrubber().scrub({"text": text})
    place = 0
    for kept in PLACEHOLDER.split(result["text"]):
        place = text.index(kept, place) + len(kept)
    new = len(PLACEHOLDER.findall(result["text"])) - len(PLACEHOLDER.findall(text))
    assert sum(counts.values()) >= new


def test_same_value_has_the_same_placeholder() -> None:
    """Within an example a value keeps its number, in any field and spelling; another one gets the next."""
    messages = [
        {"role": "user", "content": f"mail {MAIL} and {OTHER}"},
        {"role": "assistant", "content": [{"type": "text", "text": f"sent to {MAIL.upper()}"}]},
    ]
    example, counts = Scrubber().scrub({"messages": messages, "meta": {"by": [{"who": OTHER}]}})
    assert example["messages"][0]["content"] == "mail <EMAIL_1> and <EMAIL_2>"
    assert example["messages"][1]["content"][0]["text"] == "sent to <EMAIL_1>"
    assert example["meta"] == {"by": [{"who": "<EMAIL_2>"}]}
    assert counts == {"EMAIL": 4}


def test_numbers_go_on_after_those_that_are_there() -> None:
    """A new value never gets the number of a placeholder that the example holds already."""
    assert scrub(f"<EMAIL_3> {MAIL}") == "<EMAIL_3> <EMAIL_4>"


def test_user_of_a_path_and_the_same_word_are_one() -> None:
    """A known handle has the placeholder of its home folder."""
    text = "in /Users/janedoe/x: drwxr-xr-x 5 janedoe staff 1 ask JaneDoe"
    found = scrub(text, names=Names({"janedoe"}))
    assert found == "in /Users/<USER_1>/x: drwxr-xr-x 5 <USER_1> staff 1 ask <USER_1>"


def test_arguments_are_scrubbed_decoded() -> None:
    """JSON text is scrubbed string by string, two levels deep, and stays as it was between them."""
    inner = json.dumps({"cmd": f"echo {MAIL}\n{OTHER}", "n": [1, 2.50]})
    arguments = '{ "a":"\\u0040x", "b" : ' + json.dumps(inner) + ',"' + MAIL + '":1.0e5, "password":"Kd82" }'
    found = scrub(arguments.replace('"Kd82"', '"Kd82kLw0"'))
    wanted = inner.replace(MAIL, "<EMAIL_1>").replace(OTHER, "<EMAIL_2>")
    assert found == (
        '{ "a":"\\u0040x", "b" : ' + json.dumps(wanted) + ',"<EMAIL_1>":1.0e5, "password":"<PASSWORD_1>" }'
    )


def test_lines_of_json_are_scrubbed_decoded() -> None:
    """A text of JSON Lines is read line by line."""
    text = "\n".join(json.dumps({"text": f"x\n{mail}"}) for mail in (MAIL, OTHER))
    assert scrub(text) == text.replace(MAIL, "<EMAIL_1>").replace(OTHER, "<EMAIL_2>")


def test_broken_json_is_scrubbed_as_text() -> None:
    """Cut arguments hide nothing."""
    assert (
        scrub('{"to": "' + MAIL + '", "text": "x\\n' + OTHER) == '{"to": "<EMAIL_1>", "text": "x\\n<EMAIL_2>'
    )


def test_nothing_is_too_deep() -> None:
    """What lies deeper than anyone nests is scrubbed too."""
    value: Any = MAIL
    for _ in range(300):
        value = [value]
    assert MAIL not in json.dumps(scrub(value))


def test_long_numbers_become_text_where_they_are_personal() -> None:
    """A number that is a card's is replaced by a string, in decoded values and in JSON text."""
    card = int("45391488" + "03436467")
    assert scrub({"card": card, "at": 1_700_000_000_000}) == {"card": "<CARD_1>", "at": 1_700_000_000_000}
    assert scrub(f'{{"card": {card}}}') == '{"card": "<CARD_1>"}'


def test_name_of_a_field_tells_a_secret() -> None:
    """A value under a name such as `password` is judged by that name."""
    assert scrub({"password": "Kd82kLw0", "title": "Kd82kLw0"}) == {
        "password": "<PASSWORD_1>",
        "title": "Kd82kLw0",
    }


def test_key_makes_placeholders_the_same_everywhere() -> None:
    """With a key a value has one placeholder in every example; another key gives another, and none shows."""
    first, second = scrub(f"a {MAIL}", key=KEY), scrub([OTHER, MAIL], key=KEY)
    assert first == f"a {second[1]}"
    assert PLACEHOLDER.fullmatch(second[1])
    assert scrub(MAIL, key=KEY + b"2") != second[1]
    assert scrub(first, key=KEY) == first


def test_rules_can_be_chosen() -> None:
    """Only the rules asked for apply, and one that does not exist is refused by name."""
    assert scrub(f"{MAIL} {TOKEN}", rules={"email"}) == f"<EMAIL_1> {TOKEN}"
    with pytest.raises(UsageError, match="e-mial"):
        Scrubber(rules={"e-mial"})
    assert "email" in RULES


def test_clean_example_is_returned_as_it_came() -> None:
    """An example without a hit is the same object, with nothing counted."""
    example = {
        "messages": [{"role": "user", "content": "plain"}],
        "meta": {"n": 1, "x": None, "y": 1.5, "z": True},
    }
    assert Scrubber(Names({"jane"})).scrub(example) == (example, {})


HOSTILE = {
    "at signs": "@",
    "addresses": "a@",
    "dots": "a.",
    "digits": "4111 ",
    "plus": "+1 ",
    "quotes": '\\"',
    "keys": "password=",
    "passwords": "password: ",
    "urls": "://a:",
    "armor": armor("BEGIN"),
    "ends": "A" * 40 + "\n" + armor("END"),
    "base64": "A+/",
    "colons": "aa:",
    "homes": "/home/",
    "users": "-Users-",
    "eyes": "eyJ",
    "backslashes": "\\",
    "braces": '{"a":',
    "azure": "ASt",
    "tokens": "sk-",
    "listing": "-rw-r--r--  1 ",
    "iban": "DE89 ",
    "words": "secret_token_key ",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_grows_with_the_text_only(kind: str) -> None:
    """Eight times as much of what a rule looks for takes about eight times as long, not sixty-four."""
    piece = HOSTILE[kind]
    seconds = []
    for size in (10_000, 80_000):
        text = (piece * (size // len(piece) + 1))[:size]
        best = 9e9
        for _ in range(3):
            started = time.process_time()
            Scrubber(Names({"jane"})).scrub({"text": text})
            best = min(best, time.process_time() - started)
        seconds.append(best)
    assert seconds[1] < 24 * max(seconds[0], 0.004)


def turn(group: str | None, text: str) -> dict[str, Any]:
    """Return an example of a conversation."""
    return {"messages": [{"role": "user", "content": text}], "meta": {"group": group} if group else {}}


def said(scrubber: Scrubber, group: str | None, text: str) -> str:
    """Return the scrubbed text of the next example."""
    content: str = scrubber.scrub(turn(group, text))[0]["messages"][0]["content"]
    return content


def test_examples_of_one_conversation_share_placeholders() -> None:
    """Pairs of one session number a person alike; another session, or no group, begins anew."""
    scrubber = Scrubber()
    assert said(scrubber, "s1", f"{OTHER} {MAIL}") == "<EMAIL_1> <EMAIL_2>"
    assert said(scrubber, "s1", f"ask {MAIL}") == "ask <EMAIL_2>"
    assert said(scrubber, "s2", f"ask {MAIL}") == "ask <EMAIL_1>"
    assert said(scrubber, None, f"ask {OTHER}") == "ask <EMAIL_1>"
    assert said(scrubber, None, f"ask {MAIL}") == "ask <EMAIL_1>"


def test_a_number_that_stands_there_is_not_given_again() -> None:
    """An example that holds placeholders already gets new ones beyond them, in the same conversation, too."""
    scrubber = Scrubber()
    assert said(scrubber, "s1", MAIL) == "<EMAIL_1>"
    assert said(scrubber, "s1", f"<EMAIL_1> is not {OTHER}") == "<EMAIL_1> is not <EMAIL_2>"
