"""Axolotl with `type: chat_template`.

Its default `roles` mapping knows human and gpt beside the usual ones. It takes nulls out before the template sees
them, in newer versions decodes JSON text in arguments, and loads files with Arrow.
"""

from turnsmith.curate.check.calls import TEMPLATE_WARNINGS, check_for_template
from turnsmith.curate.check.problems import MESSAGES, TEXT, Trainer
from turnsmith.curate.check.tokens import ALL

AXOLOTL = Trainer(
    name="axolotl",
    roles=frozenset({"system", "user", "human", "assistant", "gpt", "tool"}),
    columns=frozenset({"messages", "tools", "system", "text", "images", "meta"}),
    keys=frozenset(
        {
            "role",
            "content",
            "name",
            "tool_calls",
            "tool_call_id",
            "reasoning_content",
            "training",
            "training_detail",
        }
    ),
    own=ALL,
    warns=TEMPLATE_WARNINGS | {"foreign-token"},
    kinds=frozenset({MESSAGES, TEXT}),
    null_beside_calls=True,
    parts=True,
    arrow=True,
    more=check_for_template,
)
