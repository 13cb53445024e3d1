"""Conversations as they happened, before anything is lost: turns, rounds, tool calls, texts, token counts."""

from dataclasses import dataclass, field
from typing import NamedTuple

from turnsmith.sources.telemetry.synth.dice import Dice, Quantiles
from turnsmith.sources.telemetry.synth.rates import Rates
from turnsmith.sources.telemetry.synth.texts import SCRIPTS, TextMaker

SECOND = 1_000_000

TURN_COUNTS = Quantiles(
    (0, 1), (0.40, 2), (0.59, 3), (0.73, 4), (0.81, 5), (0.87, 6), (0.945, 11), (0.985, 21), (0.997, 34),
    (1, 64),
)  # fmt: skip
OTHER_MODE_TURN_COUNTS = Quantiles((0, 1), (0.6, 2), (0.85, 3), (1, 6))
ROUND_COUNTS = Quantiles(
    (0, 1), (0.27, 2), (0.46, 3), (0.59, 4), (0.69, 5), (0.84, 8), (0.95, 13), (0.992, 22), (0.9993, 38),
    (1, 60),
)  # fmt: skip
# In microseconds: the time of one LLM call, of the tools after it, and of the user between two turns.
LATENCIES = Quantiles(
    (0, 700_000), (0.5, 4 * SECOND), (0.9, 14 * SECOND), (0.99, 45 * SECOND), (1, 120 * SECOND)
)
TOOL_TIMES = Quantiles((0, 20_000), (0.6, 500_000), (0.9, 8 * SECOND), (0.99, 90 * SECOND), (1, 400 * SECOND))
PAUSES = Quantiles(
    (0, 3 * SECOND), (0.5, 70 * SECOND), (0.9, 600 * SECOND), (0.98, 3_600 * SECOND), (1, 9 * 3_600 * SECOND)
)
RESULT_SIZES = Quantiles((0, 20), (0.3, 350), (0.5, 1_100), (0.8, 4_200), (0.95, 12_000), (1, 40_000))
ARGUMENT_SIZES = Quantiles((0, 40), (0.6, 160), (0.9, 1_500), (1, 9_000))


class Model(NamedTuple):
    """Describe a model; `window` in tokens, `density` in characters per 1,000 tokens."""

    name: str
    window: int
    density: int


MODELS = (
    Model("claude-sonnet-4.5", 127_996, 3_350),
    Model("gpt-5", 127_997, 3_900),
    Model("gpt-5-mini", 127_997, 3_900),
    Model("claude-sonnet-4.5", 127_996, 3_350),
    Model("gemini-2.5-pro", 108_637, 3_700),
    Model("claude-opus-4.5", 127_996, 3_350),
    Model("gpt-4.1", 111_424, 4_000),
    Model("claude-haiku-4.5", 127_996, 3_350),
    Model("grok-code-fast-1", 108_637, 3_600),
)
OTHER_MODES = ("ask", "edit")
TOOLS = (
    "read_file", "grep_search", "replace_string_in_file", "run_in_terminal", "file_search", "list_dir",
    "semantic_search", "get_errors", "create_file", "apply_patch", "manage_todo_list", "runTests",
    "get_changed_files", "fetch_webpage", "insert_edit_into_file", "get_terminal_output", "run_task",
    "test_failure", "create_directory", "github_repo", "mcp_github_search_issues",
    "mcp_playwright_browser_click",
)  # fmt: skip
HUGE_WINDOW = 1_000_000
FULL_CONTEXT = 0.82
"""Share of the context window at which clients summarize the history."""


@dataclass(slots=True)
class Round:
    """Hold one LLM call; times in microseconds from the start, `text` None where it only calls tools."""

    asked_at: int
    answered_at: int
    messages_json: str
    prompt_tokens: int
    completion_tokens: int
    text: str | None


@dataclass(slots=True)
class Turn:
    """Hold one user request; `index` is 1-based, `tool_counts` empty where no tool was called."""

    message_id: str
    index: int
    mode: str
    model: str
    max_tokens: int
    user_text: str
    rounds: list[Round]
    tool_counts: dict[str, int]
    end_reason: str = "stopped"
    response_type: str = "success"
    lost: set[str] = field(default_factory=set)
    """What of the turn is lost: details, messages, user rows, last answer, inputs, outputs."""


@dataclass(slots=True)
class Conversation:
    """Hold one conversation in time order."""

    conversation_id: str
    user_name: str | None
    tools: tuple[str, ...]
    turns: list[Turn]


def _message(role: str, size: int) -> str:
    return f'{{"role":"{role}","content":{size}}}'


class Context:
    """Follow what each LLM call sends: the client's message sizes and the tokens the server counts."""

    def __init__(self, dice: Dice, *, full_history: bool) -> None:
        self._dice = dice
        self.full_history = full_history
        self._instructions = dice.between(9_000, 18_000)
        self._tool_tokens = dice.between(3_000, 13_000)
        self.serve(MODELS[0])
        self._reset()

    def serve(self, model: Model) -> None:
        """Let `model` take the next calls."""
        self.window = HUGE_WINDOW if self.full_history else model.window
        self.density = model.density

    def _reset(self) -> None:
        self.characters = self._instructions
        self._history = "[" + _message("system", self._instructions)
        self.json = self._history

    def add(self, role: str, size: int) -> None:
        """Append a message of `size` characters."""
        self.characters += size
        self.json += "," + _message(role, size)

    def summarize(self) -> None:
        """Replace the history by a summary, as clients do when the context is nearly full."""
        self._reset()
        self.add("user", self._dice.between(1_500, 7_000))
        self._history = self.json

    def close_turn(self, user_size: int, before: int) -> None:
        """Fold the tool calls of a turn into one answer; `before` is what `characters` was when it began."""
        if not self.full_history:
            rest = self.characters - before - user_size
            user, assistant = _message("user", user_size), _message("assistant", rest)
            self.json = f"{self._history},{user},{assistant}"
        self._history = self.json

    def tokens(self) -> int:
        """Return what the server counts for the prompt; tool definitions included."""
        return self._tool_tokens + self.characters * 1_000 // self.density


def simulate(dice: Dice, user_name: str, rates: Rates) -> Conversation:
    """Return a conversation that starts at time 0, with nothing lost yet."""
    script = dice.pick(SCRIPTS) if dice.happens(rates.other_script) else None
    other_mode = dice.pick(OTHER_MODES) if dice.happens(rates.other_mode) else None
    mixed = dice.happens(rates.mixed_modes)
    writer = TextMaker(dice, script)
    context = Context(dice, full_history=dice.happens(rates.full_history))
    conversation = Conversation(dice.uuid(), user_name, dice.window(TOOLS, dice.between(6, len(TOOLS))), [])
    model = dice.pick(MODELS)
    now = 0
    for index in range(1, 1 + dice.draw(OTHER_MODE_TURN_COUNTS if other_mode else TURN_COUNTS)):
        if index > 1 and dice.happens(rates.model_switch):
            model = dice.pick(MODELS)
        if index > 1 and dice.happens(rates.compaction) and not context.full_history:
            context.summarize()
        # The first turn stays in agent mode, so that a mixed conversation exists for the pipeline.
        mode = other_mode or (
            dice.pick(OTHER_MODES) if mixed and index > 1 and dice.happens(0.5) else "agent"
        )
        context.serve(model)
        text = writer.user_message(first=index == 1)
        turn = Turn(dice.uuid(), index, mode, model.name, context.window, text, [], {})
        now = _play(turn, conversation.tools, context, writer, dice, rates, now)
        conversation.turns.append(turn)
        now += dice.draw(PAUSES)
    return conversation


def _play(
    turn: Turn,
    tools: tuple[str, ...],
    context: Context,
    writer: TextMaker,
    dice: Dice,
    rates: Rates,
    now: int,
) -> int:
    """Add the rounds of a turn that begins at `now`; return when it ended."""
    parallel = dice.happens(rates.parallel_calls)
    count = dice.draw(ROUND_COUNTS) if turn.mode == "agent" else 1
    favorites = dice.window(tools, 4)
    before = context.characters
    context.add("user", len(turn.user_text))
    for number in range(1, count + 1):
        if context.tokens() > context.window * FULL_CONTEXT:
            context.summarize()
            before = context.characters - len(turn.user_text)
        asked_at, messages_json = now, context.json + "]"
        prompt_tokens = context.tokens()
        now += dice.draw(LATENCIES)
        if number == count:
            text: str | None = writer.answer()
        else:
            text = None if dice.happens(rates.tool_only_round) else writer.step()
        written = len(text) if text else 0
        answered_at = now
        if number < count:
            calls = 1 + dice.below(4) if parallel and dice.happens(0.4) else 1
            now += dice.draw(TOOL_TIMES)
            written += calls * dice.draw(ARGUMENT_SIZES)
            context.add("assistant", written)
            for _ in range(calls):
                tool = dice.pick(favorites if dice.happens(0.8) else tools)
                turn.tool_counts[tool] = turn.tool_counts.get(tool, 0) + 1
                context.add("tool", dice.draw(RESULT_SIZES))
        completion_tokens = 12 + written * 1_000 // context.density
        turn.rounds.append(
            Round(asked_at, answered_at, messages_json, prompt_tokens, completion_tokens, text)
        )
    context.add("assistant", written)
    context.close_turn(len(turn.user_text), before)
    return now
