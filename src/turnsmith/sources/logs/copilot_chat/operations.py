"""Operation logs, `chatSessions/<id>.jsonl`: a session is what remains after all operations.

A line is `{"kind": 0, "v": session}`, `{"kind": 1, "k": path, "v": value}` (set), `{"kind": 2, "k": path, "v":
values, "i": length}` (cut the list to the length, if given, then append) or `{"kind": 3, "k": path}` (delete).
"""

from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.documents import first_records, read_records
from turnsmith.sources.logs.values import Record, count, items

INITIAL, SET, PUSH, DELETE = range(4)
CUT = "[JustRide: value truncated"


class _MisfitError(ValueError):
    """Say that an operation does not fit the session as it stands."""


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is an operation log."""
    return any({"kind", "v"} <= fields.keys() <= {"kind", "v", "k", "i"} for fields in first_records(head))


def replay(path: str, account: Account) -> Any:
    """Return the session after all operations that could be carried out; what could not is counted as bad."""
    state: Any = None
    for place, operation in read_records(path, account):
        account.read -= 1  # the records are the requests that remain
        try:
            state = _apply(state, operation)
        except _MisfitError as misfit:
            account.read += 1
            account.spoil(place, str(misfit))
            continue
        cut = _cut_values(operation)
        if cut:
            account.note("values that the editor cut", cut)
    return state


def _cut_values(operation: Record) -> int:
    found, waiting = 0, [operation.get("v")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found += CUT in value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def _apply(state: Any, operation: Record) -> Any:
    kind, path, value = operation.get("kind"), items(operation.get("k")), operation.get("v")
    if kind == INITIAL:
        return value
    if kind not in (SET, PUSH, DELETE):
        raise _MisfitError("operation of an unknown kind")
    if not path:
        if kind != SET:
            raise _MisfitError("operation without a path")
        return value
    parent = state
    for key in path[:-1]:
        parent = _inside(parent, key)
    if kind == SET:
        _set(parent, path[-1], value)
    elif kind == PUSH:
        _push(parent, path[-1], items(value), operation.get("i"))
    elif isinstance(parent, dict) and isinstance(path[-1], str):
        parent.pop(path[-1], None)
    else:
        raise _MisfitError("operation on what is not there")
    return state


def _inside(parent: Any, key: Any) -> Any:
    if isinstance(parent, dict) and isinstance(key, str) and key in parent:
        return parent[key]
    if isinstance(parent, list) and (index := count(key)) is not None and index < len(parent):
        return parent[index]
    raise _MisfitError("operation on what is not there")


def _set(parent: Any, key: Any, value: Any) -> None:
    if isinstance(parent, dict) and isinstance(key, str):
        parent[key] = value
    elif isinstance(parent, list) and (index := count(key)) is not None and index <= len(parent):
        parent[index : index + 1] = [value]
    else:
        raise _MisfitError("operation on what is not there")


def _push(parent: Any, key: Any, values: list[Any], length: Any) -> None:
    if isinstance(parent, dict) and isinstance(key, str):
        parent.setdefault(key, [])
    target = _inside(parent, key)
    if not isinstance(target, list):
        raise _MisfitError("operation on what is no list")
    if (kept := count(length)) is not None:
        del target[kept:]
    target += values
