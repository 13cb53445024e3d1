"""How often each fault and oddity occurs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Hold the probability of each fault, all between 0 and 1; a fault that can't apply is left out.

    The first group is rolled once per conversation, the second once per turn, the third once per round.
    """

    # Once per conversation.
    before_window: float = 0.02
    """The whole conversation lies before the window."""
    straddles_window: float = 0.02
    """The conversation begins before the window and ends inside it."""
    other_mode: float = 0.05
    """All turns are in ask or edit mode."""
    mixed_modes: float = 0.02
    """Some turns of an agent conversation are in ask or edit mode."""
    other_script: float = 0.12
    """People and models write Chinese, Japanese, Arabic, Hindi or Russian."""
    full_history: float = 0.04
    """The context windows are huge, so that `messagesJson` lists all earlier messages and grows long."""
    partial_capture: float = 0.05
    """The first turns happened before the capture began, so that the start is missing."""
    lost_turn: float = 0.025
    """All events of a turn after the first are lost, so that there is a gap."""
    repeated_index: float = 0.015
    """A request was sent again: two turns report the same index."""
    failed_turn: float = 0.05
    """A turn ended with failed, cancelled or networkError."""
    lost_details: float = 0.03
    """The `toolCallDetailsInternal` row of a turn is lost, so that its index is unknown."""
    lost_messages: float = 0.012
    """All message rows of a turn are lost."""
    lost_user_row: float = 0.01
    """All user rows of a turn are lost while its model rows are there."""
    blank_user: float = 0.005
    """A user message is empty or blank."""
    no_user_name: float = 0.006
    """No row of the conversation carries `common.userName`."""

    # Once per turn.
    some_user_names_missing: float = 0.02
    """The user rows of the turn lack `common.userName`; its model rows carry it."""
    no_token_rows: float = 0.012
    """The turn has no output rows; half of the time it has no input rows either."""
    lost_output: float = 0.02
    """One output row is lost, its input row is there."""
    lost_input: float = 0.01
    """One input row is lost, its output row is there."""
    zero_prompt_tokens: float = 0.004
    """One output row has `promptTokens` 0."""
    negative_completion_tokens: float = 0.004
    """One output row has `completionTokens` -1."""
    cut_user_text: float = 0.04
    """A user row is preceded by one with only the beginning of its text."""
    cut_model_text: float = 0.04
    """A model row is preceded by one with only the beginning of its text."""
    details_twice: float = 0.015
    """The `toolCallDetailsInternal` row is sent a second time, with the right counts only then."""
    numbers_as_text: float = 0.03
    """The numbers in the Measurements of the turn's engine and details rows are strings."""
    delivered_twice: float = 0.03
    """One event of the turn is in the export twice, the same in every byte."""
    model_switch: float = 0.05
    """The user chooses another model before the turn."""
    compaction: float = 0.07
    """The history is summarized before the turn, so that `promptTokens` falls."""
    parallel_calls: float = 0.38
    """Some rounds of the turn call several tools at once."""

    # Once per round.
    tool_only_round: float = 0.35
    """The model's answer is only tool calls, so that its row has no text (never in a turn's last round)."""
    other_events: float = 0.03
    """An event of another name, to be ignored, comes with the round."""


DEFAULT_RATES = Rates()
