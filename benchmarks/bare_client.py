"""Send requests as a client without gate, cache and labels does: the baseline of benchmarks/judge.py.

    python benchmarks/bare_client.py --client openai --url http://127.0.0.1:1234/v1 --concurrency 200 bodies.jsonl

Each line of the file is the body of a chat completion. `openai` is the client that the judge uses, in a loop of
asyncio; `aiohttp` is the HTTP library below it, alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

Send = Callable[[bytes], Awaitable[Any]]


@contextlib.asynccontextmanager
async def with_openai(url: str, concurrency: int) -> AsyncIterator[Send]:
    """Give a function that sends through the openai client, with its own retries off."""
    import httpx2
    import openai

    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    http = openai.DefaultAioHttpClient(limits=limits, timeout=60)
    told: dict[str, Any] = {"base_url": url, "api_key": "none", "max_retries": 0, "timeout": 60}
    async with openai.AsyncOpenAI(**told, http_client=http) as client:

        async def send(body: bytes) -> Any:
            return await client.chat.completions.create(**json.loads(body))

        yield send


@contextlib.asynccontextmanager
async def with_aiohttp(url: str, concurrency: int) -> AsyncIterator[Send]:
    """Give a function that sends through aiohttp."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(body: bytes) -> Any:
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
                return await response.json()

        yield send


CLIENTS = {"openai": with_openai, "aiohttp": with_aiohttp}


async def run(client: str, url: str, concurrency: int, bodies: list[bytes]) -> None:
    """Send all bodies, so many at a time; every answer must be a digit."""
    waiting = iter(bodies)
    async with CLIENTS[client](url, concurrency) as send:

        async def worker() -> None:
            for body in waiting:
                answer = await send(body)
                content = answer.choices[0].message.content if client == "openai" else _content(answer)
                assert content in ("0", "1")

        await asyncio.gather(*(worker() for _ in range(concurrency)))


def _content(answer: dict[str, Any]) -> str:
    content: str = answer["choices"][0]["message"]["content"]
    return content


def main() -> None:
    """Read the options and send."""
    parser = argparse.ArgumentParser(description="Send requests without any judge around them.")
    parser.add_argument("bodies", type=Path, help="bodies of chat completions, a line each")
    parser.add_argument("--client", choices=CLIENTS, default="openai")
    parser.add_argument("--url", required=True)
    parser.add_argument("--concurrency", type=int, default=200)
    options = parser.parse_args()
    bodies = options.bodies.read_bytes().splitlines()
    asyncio.run(run(options.client, options.url, options.concurrency, bodies))


if __name__ == "__main__":
    main()
