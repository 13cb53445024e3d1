"""Run llama.cpp's OpenAI server on loopback with the tiny model: a real engine with known answers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from .tiny_model import CONTEXT, Words, write_model

if TYPE_CHECKING:
    from collections.abc import Iterator

# The engine is compiled once and lives in an environment of its own: `make .venv-llama/.stamp`.
PYTHON = Path(__file__).resolve().parents[3] / ".venv-llama" / "bin" / "python"
MODEL = "turnsmith-test"
START_SECONDS = 60


@contextlib.contextmanager
def llama_server(folder: Path, words: Words) -> Iterator[str]:
    """Run the server in a process of its own; give its address, such as http://127.0.0.1:1234/v1.

    The model's file and the log lie in `folder`.
    """
    if not PYTHON.exists():
        raise RuntimeError("llama.cpp's server is not built: make .venv-llama/.stamp")
    model = folder / "tiny.gguf"
    write_model(model, words)
    port = _free_port()
    command = [str(PYTHON), "-m", "llama_cpp.server", "--model", str(model), "--model_alias", MODEL]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(CONTEXT), "--n_threads", "1"]
    command += ["--logits_all", "true", "--verbose", "false"]
    log = folder / "llama.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_environment()
        )
    try:
        _wait(server, f"http://127.0.0.1:{port}/v1/models", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait(20)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _environment() -> dict[str, str]:
    # The server reads its settings from the environment, too: none of this machine's may reach it.
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"llama.cpp's server did not start: {log.read_text(errors='replace')[-4000:]}")
