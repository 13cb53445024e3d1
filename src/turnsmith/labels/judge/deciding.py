"""From the answers of a turn to its label, or to the reason why it has none."""

from turnsmith.labels.judge.answer import FAILED, LABELED, Answer
from turnsmith.labels.judge.planning import Item
from turnsmith.labels.judge.prompts import Prompt
from turnsmith.labels.records import LLM, NON_REASONING, REASONING, Label

NOT_ASKED = "not_asked"
DIGITS = 6


def state_of(item: Item) -> str:
    """Return what became of a turn: LABELED, an end without a label, or FAILED or NOT_ASKED, which a new run tries.

    One good vote is enough for a label, once all votes are in.
    """
    state = ""
    for request in item.requests[: item.votes]:
        answer = item.answers.get(request.key)
        if answer is None:
            return NOT_ASKED
        if answer.state == FAILED or state == FAILED:
            state = FAILED
        elif answer.state == LABELED or not state:
            state = answer.state
    return state


def soft_label(item: Item) -> float:
    """Return P(1) of a turn in state LABELED: the mean of its good votes."""
    return _mean([vote for vote, _ in _good_votes(item)])


def _mean(values: list[float]) -> float:
    return round(values[0] if len(values) == 1 else sum(values) / len(values), DIGITS)


def _good_votes(item: Item) -> list[tuple[float, Answer]]:
    votes = []
    for request in item.requests[: item.votes]:
        answer = item.answers[request.key]
        if answer.state == LABELED:
            votes.append((answer.soft_label(request.flipped), answer))
    return votes


def hard_label(probability: float) -> int:
    """Return the label for P(1); at a tie the one that costs a user less if it is wrong: reasoning."""
    return NON_REASONING if probability > 0.5 else REASONING


def label_of(item: Item, *, model: str, strategy: str, prompt: Prompt, rationale: str | None) -> Label:
    """Return the label of a turn in state LABELED."""
    votes = _good_votes(item)
    probability = _mean([vote for vote, _ in votes])
    label = hard_label(probability)
    outside = [answer.outside for _, answer in votes if answer.outside is not None]
    agreement = None
    if item.votes > 1:
        agreement = round(sum(hard_label(vote) == label for vote, _ in votes) / len(votes), 4)
    turn = item.turn
    return Label(
        conversation_id=turn.conversation_id,
        message_id=turn.message_id,
        turn_index=turn.turn_index,
        split=turn.split,
        bucket=turn.bucket,
        request=turn.request,
        llm_vote=label,
        soft_label=probability,
        vote=None,
        strategy=strategy,
        judge_model=model,
        prompt_version=prompt.version,
        judge=LLM,
        prompt_hash=prompt.hash,
        outside=_mean(outside) if outside else None,
        agreement=agreement,
        rationale=rationale,
    )
