"""A small curated set for the tests of the router recipe."""

import json
import random
from pathlib import Path
from typing import Any

HARD = ("Find out why the deadlock in {} hits {}", "Design the {} anew so that {} scales")
EASY = ("Rename the {} to {}", "Show the {} of {}")
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


def write_curated(folder: Path, conversations: int = 120, turns: int = 3) -> Path:
    """Write a curated set with splits; half of the requests are hard, and their length does not tell which."""
    dice = random.Random(0)
    for split, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        made = [_conversation(dice, f"{split}{n}", split, turns) for n in range(int(conversations * share))]
        path = folder / split / "short_3_to_5_turns.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(made), encoding="utf-8")
    (folder / "metadata.json").write_text("{}", encoding="utf-8")
    return folder


def _conversation(dice: random.Random, name: str, split: str, turns: int) -> dict[str, Any]:
    rows = [
        {
            "turnIndex": number,
            "messageId": f"{name}-m{number}",
            "userMessage": _request(dice),
            "modelMessage": f"Done with the {_word(dice)}.",
            "llmCalls": [{"promptTokens": 900 * number, "completionTokens": 50}],
        }
        for number in range(1, turns + 1)
    ]
    ids = {"conversationId": name, "split": split, "bucket": "short_3_to_5_turns", "turnCount": turns}
    return {**ids, "turnsArray": rows}


def _request(dice: random.Random) -> str:
    text = dice.choice(dice.choice((HARD, EASY))).format(_word(dice), _word(dice))
    return f"{text}, in {' '.join(_word(dice) for _ in range(dice.randint(4, 30)))}."


def _word(dice: random.Random) -> str:
    return "".join(dice.choice(CONSONANTS) + dice.choice(VOWELS) for _ in range(3))
