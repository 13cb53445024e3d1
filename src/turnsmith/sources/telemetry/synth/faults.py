"""What goes wrong between a conversation and its telemetry, as far as it concerns whole turns."""

from turnsmith.sources.telemetry.synth.conversations import Conversation, Turn
from turnsmith.sources.telemetry.synth.dice import Dice
from turnsmith.sources.telemetry.synth.rates import Rates

FAILURES = (
    ("failed", "failed"),
    ("cancelled", "canceled"),
    ("networkError", "networkError"),
)
BLANKS = ("", " ", "\n", " \n\t ")


def damage(conversation: Conversation, dice: Dice, rates: Rates) -> None:
    """Apply the faults that are rolled once per conversation; `rates` says how likely each is."""
    turns = conversation.turns
    count = len(turns)
    if dice.happens(rates.failed_turn):
        _fail(dice.pick(turns), dice)
    if dice.happens(rates.blank_user):
        dice.pick(turns).user_text = dice.pick(BLANKS)
    if dice.happens(rates.repeated_index) and count > 1:
        _repeat_index(turns, dice.between(1, count - 1))
    if dice.happens(rates.lost_details):
        dice.pick(turns).lost.add("details")
    if dice.happens(rates.lost_messages):
        dice.pick(turns).lost.add("messages")
    if dice.happens(rates.lost_user_row):
        dice.pick(turns).lost.add("user rows")
    if dice.happens(rates.partial_capture) and count > 1:
        del turns[: dice.between(1, count - 1)]
    if dice.happens(rates.lost_turn) and len(turns) > 2:
        del turns[dice.between(1, len(turns) - 2)]
    if dice.happens(rates.no_user_name):
        conversation.user_name = None


def _fail(turn: Turn, dice: Dice) -> None:
    """End a turn badly: no model row is sent for its last call."""
    turn.end_reason, turn.response_type = dice.pick(FAILURES)
    turn.lost.add("last answer")


def _repeat_index(turns: list[Turn], position: int) -> None:
    """Let the turn at `position` report the index of the one before; later ones go on from there."""
    for turn in turns[position:]:
        turn.index -= 1
