"""TRL's SFTTrainer: messages, prompt and completion, or text, loaded with Arrow.

It applies the model's own chat template to the messages as they are and takes other columns for none of its
business. Arrow gives every message every key and fills it with null, so types must agree and arguments be text.
"""

from turnsmith.curate.check.calls import TEMPLATE_WARNINGS, check_for_template
from turnsmith.curate.check.problems import MESSAGES, PAIR, TEXT, TEXT_PAIR, Trainer
from turnsmith.curate.check.tokens import ALL

TRL = Trainer(
    name="trl",
    roles=frozenset({"system", "developer", "user", "assistant", "tool"}),
    columns=frozenset({"messages", "prompt", "completion", "text", "tools", "meta", "chat_template_kwargs"}),
    keys=frozenset(
        {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "thinking"}
    ),
    own=ALL,
    warns=TEMPLATE_WARNINGS | {"foreign-token"},
    kinds=frozenset({MESSAGES, PAIR, TEXT_PAIR, TEXT}),
    parts=True,
    arrow=True,
    more=check_for_template,
)
