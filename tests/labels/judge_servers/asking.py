"""Requests of a job against the tiny model, and plain calls of a server."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.labels.making import turn
from tests.labels.servers.llama import MODEL
from turnsmith.labels.judge.prompts import load_prompt
from turnsmith.labels.judge.request import Request, RequestBuilder

PARAMETERS = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 5}


def builder(secret: bytes = b"0" * 16, **parameters: Any) -> RequestBuilder:
    """Return what builds the requests of a job."""
    return RequestBuilder(
        model=MODEL, prompt=load_prompt(), parameters=PARAMETERS | parameters, secret=secret
    )


def voting(text: str, vote: int = 0) -> Request:
    """Return the request for the label of a turn."""
    made = builder()
    return made.voting(made.show(turn(text)), vote)


def post(url: str, body: bytes) -> bytes:
    """Send a chat to a server and return its reply; errors are raised."""
    request = urllib.request.Request(f"{url}/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        content: bytes = response.read()
    return content


def prompt_tokens(url: str, text: str) -> int:
    """Return how many tokens a server makes of a message of a user."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 1}
    count: int = json.loads(post(url, json.dumps(body).encode()))["usage"]["prompt_tokens"]
    return count
