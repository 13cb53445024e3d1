"""Run Azurite on a free port of the loopback interface, with an account of its own."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerClient

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "turnsmithtest"
LISTENS = re.compile(r"successfully listens on https?://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Azurite:
    """Hold where the server listens and the key of its account."""

    port: int
    key: str
    scheme: str = "http"

    def endpoint(self, port: int | None = None) -> str:
        """Return the address of the account, through another port if one is given."""
        return f"{self.scheme}://127.0.0.1:{port or self.port}/{ACCOUNT}"

    def connection_string(self, key: str | None = None) -> str:
        """Return a connection string."""
        return (
            f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};AccountKey={key or self.key};"
            f"BlobEndpoint={self.endpoint()};"
        )

    def container(self, name: str) -> Any:
        """Return a plain client of the container, with its own retries off."""
        credential = {"account_name": ACCOUNT, "account_key": self.key}
        return ContainerClient(self.endpoint(), name, credential=credential, retry_total=0)


def install() -> None:
    """Install the Node packages of the repository if Azurite is not among them; skip without Node."""
    if shutil.which("node") is None:
        pytest.skip("Azurite needs Node.js, and there is no `node` on this machine")
    with (Path(tempfile.gettempdir()) / f"turnsmith-npm-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process of pytest-xdist installs, the others wait
        if not PROGRAM.is_file():
            command = ["npm", "ci", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=REPOSITORY, check=True, timeout=300, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def azurite(*options: str, scheme: str = "http") -> Iterator[Azurite]:
    """Run the server; all that it holds is in memory."""
    install()
    key = base64.b64encode(b"canary-key-" + secrets.token_bytes(53)).decode()
    command = ["node", str(PROGRAM), "--silent", "--blobHost", "127.0.0.1", "--blobPort", "0"]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", *options]
    environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield Azurite(_port(process, Path(folder) / "log"), key, scheme)
        finally:
            process.terminate()
            process.wait(20)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if match := LISTENS.search(log.read_text()):
            return int(match[1])
        time.sleep(0.05)
    raise RuntimeError(f"Azurite did not start: {log.read_text()}")
