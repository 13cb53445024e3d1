"""OpenAI's fine-tuning API.

Rules from its guide to supervised fine-tuning (at least 10 examples; `messages`, `tools`, `parallel_tool_calls`;
`weight` 0 or 1 on the assistant's messages) and from the refusals of its validator: extra keys, a last message
that is not the assistant's.
"""

import re
from typing import Any

from turnsmith.core.chat import Example
from turnsmith.curate.check.calls import check_tools
from turnsmith.curate.check.problems import Problem, Problems, Trainer, messages_in, show

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _more(example: Example) -> Problems:
    names = [
        (index, name)
        for index, message in enumerate(messages_in(example), 1)
        for name in _names(message.get("tool_calls"))
    ]
    for index, name in names:
        if not NAME.fullmatch(name):
            yield Problem("call-name", f"message {index}: {show(name)}")
    yield from check_tools(example)


def _names(calls: Any) -> list[str]:
    functions = (
        [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    names = [function.get("name") for function in functions if isinstance(function, dict)]
    return [name for name in names if isinstance(name, str) and name]


OPENAI = Trainer(
    name="openai",
    roles=frozenset({"system", "developer", "user", "assistant", "tool"}),
    columns=frozenset({"messages", "tools", "parallel_tool_calls", "functions"}),
    keys=frozenset(
        {"role", "content", "name", "tool_calls", "tool_call_id", "weight", "refusal", "function_call"}
    ),
    own=("barred",),
    warns=frozenset({"role-order", "system-late", "foreign-token", "tools-missing"}),
    parts=True,
    null_beside_calls=True,
    examples=10,
    more=_more,
)
