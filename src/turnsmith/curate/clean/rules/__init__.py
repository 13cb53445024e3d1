"""The quality rules in the order in which they are asked; the first that takes an example is counted."""

from turnsmith.core.errors import UsageError
from turnsmith.curate.clean.counting import token_counter
from turnsmith.curate.clean.options import CleanOptions
from turnsmith.curate.clean.rules import arguments, fences, language, noise, presence, refusal, truncated
from turnsmith.curate.clean.rules.rule import Rule

MALFORMED = "malformed"
DUPLICATE = "exact_duplicate"
NAMES = (
    "no_assistant", "no_user", "no_trainable_token", "broken_arguments", "non_text", "short_user", "noise",
    "refusal", "truncated", "unbalanced_fences", "language", "over_tokens", DUPLICATE,
)  # fmt: skip
"""Rules that can be chosen, in order. `malformed` goes before them and can't be left out."""


def chosen(options: CleanOptions) -> tuple[str, ...]:
    """Return the names of the rules to apply, in order.

    Raises UsageError for names that are no rules, and for a rule that was asked for without what it needs.
    """
    for name in (*options.only, *options.skip):
        if name not in NAMES:
            raise UsageError(f"{name!r} is no rule; the rules are {', '.join(NAMES)}")
    needs = {
        "over_tokens": (options.max_tokens, "--max-tokens"),
        "language": (options.languages, "--languages"),
    }
    for name, (given, option) in needs.items():
        if name in options.only and not given:
            raise UsageError(f"rule {name} needs {option}")
    return tuple(
        name
        for name in NAMES
        if (not options.only or name in options.only)
        and name not in options.skip
        and (name not in needs or needs[name][0])
    )


def build(options: CleanOptions) -> list[Rule]:
    """Return the rules to apply, in order, but for exact duplicates, which need the examples before."""
    return [
        Rule(MALFORMED, "no messages with roles and no text", presence.malformed, any_shape=True),
        *(_rule(name, options) for name in chosen(options) if name != DUPLICATE),
    ]


def _rule(name: str, options: CleanOptions) -> Rule:
    match name:
        case "no_assistant":
            return Rule(name, "no assistant message", presence.no_assistant)
        case "no_user":
            return Rule(name, "no user message", presence.no_user)
        case "no_trainable_token":
            return Rule(name, "last answer is empty", presence.no_trainable_token)
        case "broken_arguments":
            return Rule(name, "tool arguments are no JSON object", arguments.broken_arguments)
        case "non_text":
            return Rule(name, "user text has no letters", presence.non_text)
        case "short_user":
            chars = options.min_user_chars
            return Rule(
                name,
                f"under {chars} characters of user text",
                presence.short_user(chars),
                {"min_chars": chars},
                before_scrub=True,
            )
        case "noise":
            share = options.noise_share
            return Rule(
                name,
                "mostly repeated characters or base64",
                noise.noise(share),
                {"share": share},
                any_shape=True,
            )
        case "refusal":
            most = options.refusal_max_chars
            return Rule(name, "assistant declines", refusal.refusal(most), {"max_chars": most}, prose=True)
        case "truncated":
            return Rule(name, "last answer was cut", truncated.truncated, prose=True)
        case "unbalanced_fences":
            return Rule(name, "code fence not closed", fences.unbalanced_fences, prose=True)
        case "language":
            wanted = options.languages
            return Rule(
                name,
                "user text in another language",
                language.language(wanted),
                {"wanted": list(wanted)},
                prose=True,
            )
        case _:
            return _token_rule(name, options)


def _token_rule(name: str, options: CleanOptions) -> Rule:
    limit = options.max_tokens or 0
    count = token_counter(options.tokenizer, options.chat_template)
    parameters = {"max_tokens": limit, "tokenizer": options.tokenizer, "chat_template": options.chat_template}
    return Rule(name, f"over {limit} tokens", presence.over_tokens(limit, count), parameters, any_shape=True)
