"""`split_units.jsonl`: the unit of each record, so that its split can be proven from the files alone.

A unit is named by the portable hash of its smallest conversation id, as 15 hex digits, because the conversation
with that id need not be in the set. The files of records keep the contract's fields.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import msgspec

from turnsmith.core.files import HashingWriter, writing
from turnsmith.curate.sample import Group
from turnsmith.engines.duckdb import file_list, quoted

NAME = "split_units.jsonl"


def write_units(
    folder: Path, cursor: duckdb.DuckDBPyConnection, files: list[Path], groups: Iterable[Group]
) -> dict[str, dict[str, str | int]]:
    """Write conversation id and unit of all sampled candidates, in the order of the ids; return the checksum."""
    source = f"read_parquet({file_list(files)})"
    sampled = " UNION ALL ".join(
        f"(SELECT conversation_id, unit FROM {source} WHERE split = {quoted(group.split)} "
        f"AND bucket = {quoted(group.bucket)} ORDER BY order_hash, conversation_id LIMIT {group.target})"
        for group in groups
    )
    cursor.execute(f"SELECT conversation_id, unit FROM ({sampled}) ORDER BY conversation_id")
    with writing(folder / NAME) as part, part.open("wb") as file:
        writer = HashingWriter(file)
        while rows := cursor.fetchmany(1024):
            for conversation, unit in rows:
                line = {"conversationId": conversation, "unit": f"{unit:015x}"}
                writer.write(msgspec.json.encode(line) + b"\n")
    return {NAME: writer.checksum}
