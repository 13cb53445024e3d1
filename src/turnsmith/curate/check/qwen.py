"""The fine-tuning script of Qwen2.5-Coder, `finetuning/sft/binarize_data.py`.

It puts the first message away as the system message whatever its role is, knows the roles user and assistant
after it and stops at any other, reads `content` only, and trains the last answer alone by default.
"""

from turnsmith.core.chat import Example
from turnsmith.curate.check.problems import Problem, Problems, Trainer, messages_in


def _more(example: Example) -> Problems:
    messages = messages_in(example)
    if not messages or messages[0].get("role") != "system":
        yield Problem("first-message-lost")
    elif messages[0].get("content") == "":
        yield Problem("system-empty")
    if any(message.get("tool_calls") for message in messages):
        yield Problem("calls-lost", "render them as <tool_call> in the assistant's text")
    answers = sum(message.get("role") == "assistant" for message in messages)
    if answers > 1 and example.get("only_last_turn_loss", True):
        yield Problem("last-turn-only", f"{answers} answers")


QWEN = Trainer(
    name="qwen",
    roles=frozenset({"system", "user", "assistant"}),
    columns=frozenset({"messages", "only_last_turn_loss", "meta"}),
    keys=frozenset({"role", "content", "tool_calls", "tool_call_id"}),
    own=("barred", "hermes"),
    warns=frozenset(
        {
            "role-order",
            "system-empty",
            "last-turn-only",
            "foreign-token",
            "unknown-column",
            "unknown-key",
            "weight-ignored",
        }
    ),
    more=_more,
)
