"""Turns, requests and replies for the judge's tests."""

import json
from pathlib import Path
from typing import Any

from turnsmith.labels.judge.prompts import load_prompt
from turnsmith.labels.judge.request import Request, RequestBuilder
from turnsmith.labels.records import Exchange, Signals, Turn, encode

SECRET = b"0123456789abcdef"
PARAMETERS = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
SIGNALS = Signals(
    llm_call_count=3,
    tool_counts={"read_file": 2, "apply_patch": 1},
    tool_call_count=3,
    tool_variety=2,
    available_tool_count=12,
    completion_tokens=410,
    prompt_tokens=9000,
    prompt_growth=700,
    duration_ms=4200.4,
    model="m-1",
    response_type="success",
    turn_end_reason="stopped",
)


def turn(request: str = "Rename x to y.", number: int = 1, history: int = 0, **more: Any) -> Turn:
    """Return a turn with so many earlier ones."""
    values: dict[str, Any] = {
        "conversation_id": f"c{number}",
        "message_id": f"m{number}",
        "turn_index": history + 1,
        "turn_count": history + 3,
        "split": "train",
        "bucket": "short_3_to_5_turns",
        "request": request,
        "response": "Done.",
        "signals": SIGNALS,
        "is_likely_reasoning": True,
        "complexity_bucket": "very_complex",
        "dataset": "set_1",
        "unit": "every",
        "history": [Exchange(f"asked {i}", f"answered {i}") for i in range(1, history + 1)],
    }
    return Turn(**{**values, **more})


def builder(**more: Any) -> RequestBuilder:
    """Return what builds requests, with anything changed."""
    values: dict[str, Any] = {
        "model": "m", "prompt": load_prompt(), "parameters": PARAMETERS, "secret": SECRET, **more,
    }  # fmt: skip
    return RequestBuilder(**values)


def request(text: str = "Rename x to y.", vote: int = 0, **more: Any) -> Request:
    """Return the request for a vote on a text."""
    made = builder(**more)
    return made.voting(made.show(turn(text)), vote)


def messages(made: Request) -> list[str]:
    """Return the texts of a request's messages: system, user."""
    return [message["content"] for message in json.loads(made.body)["messages"]]


def reply(
    content: str | None = "1", probabilities: dict[str, float] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the body of a chat completion; probabilities are natural logarithms by token."""
    logprobs = None
    if probabilities is not None:
        top = [{"token": token, "logprob": value} for token, value in probabilities.items()]
        logprobs = {"content": [{"token": content, "logprob": 0.0, "top_logprobs": top}]}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": content},
        "logprobs": logprobs,
    }
    choice.update(more)
    usage = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}
    return {"id": "r", "object": "chat.completion", "model": "served-1", "choices": [choice], "usage": usage}


def write_turns(path: Path, turns: list[Turn]) -> Path:
    """Write turns as JSON Lines."""
    path.write_bytes(b"".join(map(encode, turns)))
    return path
