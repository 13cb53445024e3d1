"""One HTTP attempt through the `openai` client, whose own retries are off: waiting is the gate's business."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from turnsmith.core.errors import UsageError

OPENAI = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
NO_CONNECTION, DISCONNECTED, TIMEOUT = "no connection", "disconnected", "timeout"
_SHORTEST_KEY = 8  # a shorter one, such as `none`, may be a word
_KEY_LIKE = re.compile(rb"\b(?:sk|sess)-[\w*-]{6,}")


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold what an attempt brought: status, headers about limits and body, or in `failure` why there are none."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float
    failure: str | None = None


def endpoint_of(endpoint: str | None) -> str:
    """Return the address to ask, OpenAI's by default. Raises UsageError for what is no http(s) address."""
    address = endpoint or os.environ.get("OPENAI_BASE_URL") or OPENAI
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"--endpoint {address}: give an address such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"--endpoint: no passwords or parameters in it; put the key into {KEY_VARIABLE}")
    return address.rstrip("/")


def key_for(endpoint: str) -> str:
    """Return the key from the environment; servers without one get a word that is none.

    Raises UsageError where a server elsewhere needs a key, or would get it without encryption.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    parts = urlsplit(endpoint)
    if _is_local(parts.hostname or ""):
        return key or "none"
    if parts.scheme == "https" and not key:
        raise UsageError(
            f"{endpoint} needs a key: export {KEY_VARIABLE}=…, or use --judge weak, which needs none"
        )
    if parts.scheme == "http" and key:
        raise UsageError(
            f"{endpoint} would get your key without encryption; use https, or unset {KEY_VARIABLE} if it needs none"
        )
    return key or "none"


def redacted(body: bytes, key: str | None = None, *, answer: bool = False) -> bytes:
    """Return what a server said without the key (None: that of the environment), which some repeat.

    What only looks like a key goes, too, but not from an answer, whose words are the model's.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip() if key is None else key
    if len(key) >= _SHORTEST_KEY:
        body = body.replace(key.encode(), b"[key]")
    return body if answer else _KEY_LIKE.sub(b"[key]", body)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Client:
    """Send requests to one endpoint, `most` at a time; a reply is data, whatever its status."""

    def __init__(self, endpoint: str, *, timeout: float, most: int) -> None:
        try:
            import aiohttp
            import httpx2
            import openai
        except ModuleNotFoundError as error:
            raise UsageError(
                f"the judge needs the package {error.name}: pip install 'turnsmith[judge]'"
            ) from error
        key = key_for(endpoint)
        self._key = key
        self._status_error, self._error = openai.APIStatusError, openai.APIError
        self._unconnected, self._response = aiohttp.ClientConnectorError, httpx2.Response
        # aiohttp takes half the processor time of the client's default for each request.
        limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
        self.openai = openai.AsyncOpenAI(
            base_url=endpoint,
            api_key=key,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAioHttpClient(limits=limits, timeout=timeout),
        )

    async def send(self, body: bytes) -> Reply:
        """Send a chat completion once."""
        started = perf_counter()
        try:
            response: Any = await self.openai.post(
                "/chat/completions", cast_to=self._response, content=body, options=_JSON
            )
        except self._status_error as error:
            response = error.response
        except self._error as error:
            return Reply(None, {}, b"", _since(started), self._failure(error))
        body = redacted(response.content, self._key, answer=response.status_code == 200)
        return Reply(response.status_code, _limits(response), body, _since(started))

    def _failure(self, error: BaseException) -> str:
        """Return why there was no response, by the causes: the client calls a lost connection a timeout, too."""
        causes = [error]
        while (cause := causes[-1].__cause__) is not None:
            causes.append(cause)
        if any(isinstance(each, self._unconnected) for each in causes):
            return NO_CONNECTION
        return TIMEOUT if any(isinstance(each, TimeoutError) for each in causes) else DISCONNECTED

    async def close(self) -> None:
        """Close all connections."""
        await self.openai.close()


def _limits(response: Any) -> dict[str, str]:
    """Return the headers about limits, names in lower case; to ask the client for each of them takes longer."""
    raw = ((name.lower(), value) for name, value in response.headers.raw)
    return {name.decode(): value.decode("latin-1") for name, value in raw if name.startswith(_ABOUT_LIMITS)}


_ABOUT_LIMITS = (b"x-ratelimit-", b"retry-after")
_JSON: Any = {"headers": {"content-type": "application/json"}}


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)
