"""Where a data set goes: a blob URL taken apart, and shown without its secrets."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from turnsmith.core.errors import UsageError

FORMS = (
    "https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX or, for Azurite, "
    "http://127.0.0.1:10000/devstoreaccount1/CONTAINER/PREFIX"
)
CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}|\$root")
REMOTE = re.compile(r"https?://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Tell whether `text` names a remote data set, not a folder."""
    return REMOTE.match(text) is not None


def redact(url: str) -> str:
    """Return a URL without user, query string and fragment, where secrets are."""
    scheme, slashes, rest = url.partition("://")
    rest = re.split(r"[?#]", rest if slashes else scheme, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return (f"{scheme}://" if slashes else "") + host.rpartition("@")[2] + slash + path


@dataclass(frozen=True)
class Location:
    """Hold a place in a container: `endpoint` has no trailing slash, `prefix` no slash at either end."""

    endpoint: str
    account: str
    container: str
    prefix: str
    sas: str | None = None

    def __repr__(self) -> str:
        return f"Location({self.url!r})"

    @property
    def url(self) -> str:
        """Return the address, without any secret."""
        return f"{self.endpoint}/{self.container}/{quote(self.prefix)}".rstrip("/")

    @property
    def host(self) -> str:
        """Return the host name and port of the server."""
        return urlsplit(self.endpoint).netloc

    @property
    def loopback(self) -> bool:
        """Tell whether the server is this machine."""
        return _is_loopback(urlsplit(self.endpoint).hostname or "")

    def below(self, name: str) -> Location:
        """Return the place of `name` under this one."""
        return replace(self, prefix=f"{self.prefix}/{name}".strip("/"))

    def blob(self, name: str) -> str:
        """Return the full name of a blob from its name below this place."""
        return f"{self.prefix}/{name}"


def parse_location(url: str) -> Location:
    """Return the parts of a blob URL; raises UsageError, which never repeats a secret."""
    shown = redact(url)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"{shown}: not a URL. Give {FORMS}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{shown}: not a URL of a blob container. Give {FORMS}")
    if parts.username or parts.password or parts.fragment:
        raise UsageError(f"{shown}: a user name, a password or a fragment (#) has no place in a blob URL")
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(f"{shown}: http would send the credentials in the clear; use https")
    return _locate(parts.scheme, parts.netloc, host, parts.path, parts.query, shown)


def _locate(scheme: str, netloc: str, host: str, path: str, query: str, shown: str) -> Location:
    names = [unquote(name) for name in path.split("/") if name]
    path_style = _is_address(host)
    if len(names) < 1 + path_style:
        raise UsageError(f"{shown}: no container in the URL. Give {FORMS}")
    account = names.pop(0) if path_style else host.split(".")[0]
    container, *folders = names
    if not CONTAINER.fullmatch(container):
        raise UsageError(
            f"{shown}: {container!r} can't be a container: 3 to 63 of a-z, 0-9 and single hyphens in between"
        )
    if any(name in (".", "..") or "\\" in name or not name.isprintable() for name in folders):
        raise UsageError(f"{shown}: the prefix has a part that no blob name should have (., .., \\)")
    if query and "sig=" not in query:
        raise UsageError(f"{shown}: the query string of the URL is no SAS token (it has no sig=)")
    endpoint = f"{scheme}://{netloc}" + (f"/{account}" if path_style else "")
    return Location(endpoint, account, container, "/".join(folders), query or None)


def _is_address(host: str) -> bool:
    """Tell whether the account stands in the path, as it does behind an IP address or localhost."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
