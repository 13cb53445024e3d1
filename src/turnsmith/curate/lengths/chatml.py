"""ChatML: the built-in template, as Qwen's models have it, without a default system message."""

import json
from typing import Any

from turnsmith.core.chat import Example, Message, text_of
from turnsmith.curate.lengths.tokenizers import Tokenizer
from turnsmith.curate.lengths.tokens import Tokens, messages_of
from turnsmith.curate.lengths.vocabularies import CHATML

START, END = CHATML


def turns(messages: list[Message]) -> list[tuple[str, str, bool]]:
    """Return (role, text, trained) of each turn of ChatML.

    Calls go into the assistant's turn as `<tool_call>`, results that follow each other into one turn of the user
    as `<tool_response>`: so do Qwen's own templates. The assistant's turns are trained, but for `weight: 0`.
    """
    rendered: list[tuple[str, str, bool]] = []
    in_results = False
    for message in messages:
        role, text = str(message.get("role")), text_of(message.get("content"))
        if role == "tool":
            text = f"<tool_response>\n{text}\n</tool_response>"
            if in_results:
                text = f"{rendered.pop()[1]}\n{text}"
        elif isinstance(message.get("tool_calls"), list):
            text = "\n".join([*filter(None, [text]), *map(_call, message["tool_calls"])])
        in_results = role == "tool"
        trained = role == "assistant" and message.get("weight") != 0
        rendered.append(("user" if in_results else role, text, trained))
    return rendered


def _call(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    function = function if isinstance(function, dict) else {}
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return f'<tool_call>\n{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}\n</tool_call>'


class ChatML:
    r"""Count `<|im_start|>role\ncontent<|im_end|>\n` for each turn; trained are content and end mark."""

    name = "chatml"

    def tokens(self, example: Example, tokenizer: Tokenizer) -> Tokens:
        """Return the tokens of an example's messages."""
        parts = turns(messages_of(example))
        if not tokenizer.special.issuperset(CHATML):
            return self._without_marks(parts, tokenizer)
        count = tokenizer.count_content
        marks, newline, head = 2, count("\n"), count("assistant\n")
        total = trained = 0
        for role, text, is_trained in parts:
            # In one piece: a newline at the start of the content merges with the one after the role.
            tokens = count(f"{role}\n{text}")
            total += tokens + marks + newline
            if is_trained:
                trained += tokens - head + 1
        return Tokens(total, trained)

    def _without_marks(self, parts: list[tuple[str, str, bool]], tokenizer: Tokenizer) -> Tokens:
        """Count with a vocabulary to which the marks are ordinary text: turns may then merge with each other."""
        total = tokenizer.count("".join(f"{START}{role}\n{text}{END}\n" for role, text, _ in parts))
        trained = sum(tokenizer.count(f"{text}{END}") for _, text, is_trained in parts if is_trained)
        return Tokens(total, trained)
