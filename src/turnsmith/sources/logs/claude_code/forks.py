"""Find the branches that a person left by editing or retrying a prompt.

Most records with two children are no forks: parallel tool calls make them. So file order holds, and only sibling
prompts of a person are a choice, of which the one with the last record below it counts.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from turnsmith.sources.logs.claude_code.records import Record


def left_behind(
    records: Sequence[Record], parents: dict[str, str | None], is_prompt: Callable[[Record], bool]
) -> set[str]:
    """Return the uuids of the records on abandoned branches; `parents` links all records of the conversation."""
    siblings = _siblings(records, parents, is_prompt)
    if not siblings:
        return set()
    latest = _latest_below(records, parents)
    roots: set[str] = set()
    for prompts in siblings:
        kept = max(prompts, key=lambda uuid: latest[uuid])
        roots.update(uuid for uuid in prompts if uuid != kept)
    return _below(roots, parents)


def _siblings(
    records: Sequence[Record], parents: dict[str, str | None], is_prompt: Callable[[Record], bool]
) -> list[list[str]]:
    messages = {record.uuid for record in records}
    linked = all(record.parent_uuid in parents for record in records if record.type == "assistant")
    prompts: dict[str | None, list[str]] = defaultdict(list)
    for record in records:
        if record.type == "user" and record.uuid and is_prompt(record):
            parent = _message_above(record, parents, messages)
            # Without links at all, every prompt looks like a first one.
            if parent in parents or (parent is None and linked):
                prompts[parent].append(record.uuid)
    return [uuids for uuids in prompts.values() if len(uuids) > 1]


def _message_above(record: Record, parents: dict[str, str | None], messages: set[str | None]) -> str | None:
    """Return the nearest message above; progress and system records are links only."""
    above, seen = record.parent_uuid, set()
    while above in parents and above not in messages and above not in seen:
        seen.add(above)
        above = parents[above]
    return above


def _latest_below(records: Sequence[Record], parents: dict[str, str | None]) -> dict[str, int]:
    """Return for each record the place in the file of the last message that descends from it."""
    latest = {record.uuid: place for place, record in enumerate(records) if record.uuid}
    for uuid in reversed(parents):
        parent = parents[uuid]
        if parent in parents and uuid in latest:
            latest[parent] = max(latest.get(parent, -1), latest[uuid])
    return latest


def _below(roots: set[str], parents: dict[str, str | None]) -> set[str]:
    left = set(roots)
    for uuid, parent in parents.items():
        if parent in left:
            left.add(uuid)
    return left
