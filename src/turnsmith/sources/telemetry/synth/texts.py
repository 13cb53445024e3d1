"""Messages composed from the vocabulary, each conversation with its own few files, names and language."""

import re
from functools import cache
from typing import TYPE_CHECKING

from turnsmith.sources.telemetry.synth import prose, snippets, vocabulary
from turnsmith.sources.telemetry.synth.dice import Dice, Quantiles
from turnsmith.sources.telemetry.synth.scripts import EMOJI, SCRIPT_ANSWERS, SCRIPT_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

# Log-normal in shape; in characters.
USER_SIZES = Quantiles(
    (0, 4), (0.05, 16), (0.1, 28), (0.2, 48), (0.3, 68), (0.4, 90), (0.5, 116), (0.6, 158), (0.7, 220),
    (0.8, 325), (0.9, 580), (0.95, 930), (0.98, 1_650), (0.99, 2_400), (0.997, 4_200), (0.9995, 9_000),
    (1, 24_000),
)  # fmt: skip
MODEL_SIZES = Quantiles(
    (0, 10), (0.1, 35), (0.2, 70), (0.3, 108), (0.4, 150), (0.5, 195), (0.6, 255), (0.7, 335), (0.8, 460),
    (0.9, 720), (0.95, 1_080), (0.99, 2_300), (0.998, 4_300), (0.9999, 10_000), (1, 20_000),
)  # fmt: skip

SLOTS = ("file", "func", "cls", "var", "n", "err", "lib", "cmd", "feature")
BLOCK_SIZE = 250
SHORT_SIZE = 34
EMOJI_RATE = 0.04

Template = tuple[tuple[tuple[str, int], ...], str]


@cache
def compiled(template: str) -> Template:
    """Return ((literal, slot number) pairs, last literal); raise `ValueError` for an unknown slot."""
    literals = re.split(r"\{(\w+)\}", template)
    pairs = zip(literals[:-1:2], (SLOTS.index(name) for name in literals[1::2]), strict=True)
    return tuple(pairs), literals[-1]


def _compiled_all(templates: tuple[str, ...]) -> tuple[Template, ...]:
    return tuple(compiled(template) for template in templates)


SHORT_REPLIES = _compiled_all(vocabulary.SHORT_REPLIES)
REQUESTS = _compiled_all(vocabulary.REQUESTS)
FOLLOW_UPS = _compiled_all(vocabulary.FOLLOW_UPS)
DETAILS = _compiled_all(vocabulary.DETAILS)
STEPS = _compiled_all(prose.STEPS)
EXPLANATIONS = _compiled_all(prose.EXPLANATIONS)
BULLETS = _compiled_all(prose.BULLETS)
CLOSINGS = _compiled_all(prose.CLOSINGS)
TRACES = _compiled_all(snippets.TRACES)
LOG_LINES = _compiled_all(snippets.LOG_LINES)
CODE = {language: _compiled_all(templates) for language, templates in snippets.CODE.items()}
OTHER_REQUESTS = {script: _compiled_all(templates) for script, templates in SCRIPT_REQUESTS.items()}
OTHER_ANSWERS = {script: _compiled_all(templates) for script, templates in SCRIPT_ANSWERS.items()}
SCRIPTS = tuple(SCRIPT_REQUESTS)


class TextMaker:
    """Write the messages of one conversation."""

    def __init__(self, dice: Dice, script: str | None = None) -> None:
        """Choose the language, files and names the conversation is about; `script` None means English."""
        self._dice = dice
        self._random = dice.random
        self.language = dice.pick(vocabulary.LANGUAGES)
        self._pools = (
            dice.window(vocabulary.FILES[self.language], 7),
            dice.window(vocabulary.FUNCTIONS[self.language], 11),
            dice.window(vocabulary.CLASSES, 5),
            dice.window(vocabulary.VARIABLES, 9),
            vocabulary.NUMBERS,
            vocabulary.ERRORS,
            dice.window(vocabulary.LIBRARIES, 6),
            dice.window(vocabulary.COMMANDS, 5),
            vocabulary.FEATURES,
        )
        self._details = OTHER_REQUESTS[script] if script else DETAILS
        self._requests = OTHER_REQUESTS[script] if script else REQUESTS
        self._follow_ups = OTHER_REQUESTS[script] if script else FOLLOW_UPS
        self._steps = OTHER_ANSWERS[script] if script else STEPS
        self._explanations = OTHER_ANSWERS[script] if script else EXPLANATIONS
        self._code = CODE[self.language]

    def user_message(self, *, first: bool) -> str:
        """Return a request; `first` tells whether it opens the conversation."""
        size = self._dice.draw(USER_SIZES)
        if size < SHORT_SIZE and not first:
            return self._filled(SHORT_REPLIES)
        parts = [self._filled(self._requests if first else self._follow_ups)]
        self._extend(parts, size, self._pasted, self._details)
        if self._random() < EMOJI_RATE:
            parts.append(" " + self._dice.pick(EMOJI))
        return "".join(parts)

    def step(self) -> str:
        """Return what a model says between two tool calls."""
        parts = [self._filled(self._steps)]
        self._extend(parts, self._dice.draw(MODEL_SIZES), self._shown, self._explanations)
        return "".join(parts)

    def answer(self) -> str:
        """Return what a model says at the end of a turn."""
        size = self._dice.draw(MODEL_SIZES)
        parts = [self._filled(self._explanations)]
        self._extend(parts, size, self._shown, self._explanations)
        if size > BLOCK_SIZE:
            parts.append("\n\n" + self._filled(CLOSINGS))
        return "".join(parts)

    def _extend(
        self, parts: list[str], size: int, block: "Callable[[int], str]", sentences: tuple[Template, ...]
    ) -> None:
        """Add sentences and, where there is room, blocks until the text has about `size` characters."""
        random = self._random
        length = len(parts[0])
        index = int(random() * len(sentences))
        while length < size:
            room = size - length
            if room > BLOCK_SIZE and random() < 0.4:
                part = block(room)
            else:
                # A jump that is never 0 keeps a message from saying the same thing twice in a row.
                index = (index + 1 + int(random() * 7)) % len(sentences)
                part = self._written(sentences[index])
                if parts[-1][-1] != "\n":
                    part = ("\n\n" if random() < 0.12 else " ") + part
            parts.append(part)
            length += len(part)

    def _pasted(self, room: int) -> str:
        """Return something a user pastes: a trace, code or a log of up to about `room` characters."""
        kind = self._random()
        if kind < 0.35:
            return f"\n\n```\n{self._filled(TRACES)}```\n"
        if kind < 0.7:
            return f"\n\n```{self.language}\n{self._filled(self._code)}```\n"
        lines = 2 + int(self._random() * room / 70)
        return "\n\n" + "".join([self._filled(LOG_LINES) for _ in range(lines)])

    def _shown(self, room: int) -> str:
        """Return something a model shows: code, or a heading with a list."""
        if self._random() < 0.5:
            return f"\n\n```{self.language}\n{self._filled(self._code)}```\n\n"
        lines = 2 + int(self._random() * min(room, 900) / 90)
        listed = "".join([f"\n- {self._filled(BULLETS)}" for _ in range(lines)])
        return f"\n\n{self._dice.pick(prose.HEADINGS)}\n{listed}\n\n"

    def _filled(self, templates: tuple[Template, ...]) -> str:
        """Return one of `templates` with a word in each slot."""
        return self._written(templates[int(self._random() * len(templates))])

    def _written(self, template: Template) -> str:
        """Return `template` with a word in each slot."""
        random, pools = self._random, self._pools
        pairs, last = template
        parts = []
        for literal, slot in pairs:
            pool = pools[slot]
            parts.append(literal)
            parts.append(pool[int(random() * len(pool))])
        parts.append(last)
        return "".join(parts)
