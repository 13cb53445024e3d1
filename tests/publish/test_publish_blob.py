"""Publishing to a real server: what arrives, in which order, and what is never touched."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import BlobBlock

from turnsmith.core.errors import UsageError
from turnsmith.core.files import checksum
from turnsmith.publish.blob import blocks as blocks_module
from turnsmith.publish.blob import publish_dataset, verify_remote
from turnsmith.publish.blob import upload as upload_module
from turnsmith.publish.blob.errors import ExistsError, UnfinishedError
from turnsmith.verify import verify_dataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Place
    from .faulty_proxy import Proxy

KIB = 1 << 10


def _bytes_of(dataset: Path) -> dict[str, bytes]:
    files = (path for path in dataset.rglob("*") if path.is_file())
    return {path.relative_to(dataset).as_posix(): path.read_bytes() for path in files}


def _remote_bytes(place: Place) -> dict[str, bytes]:
    return {name: place.client.download_blob(blob.name).readall() for name, blob in place.blobs().items()}


@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
def test_a_published_set_is_the_same_set(form: str, place: Place, make_dataset: Callable[..., Path]) -> None:
    """The remote holds the files byte for byte, and `verify` proves it there, at the address it was told."""
    dataset = make_dataset(300 * KIB, form)
    published = publish_dataset(dataset, place.url(), block_bytes=64 * KIB)
    assert _remote_bytes(place) == _bytes_of(dataset)
    assert published.url == f"{place.url()}/{dataset.name}"
    assert published.bytes == published.bytes_sent == sum(map(len, _bytes_of(dataset).values()))
    report = verify_remote(published.url)
    assert report == verify_dataset(dataset)
    assert sum(check.examined for check in report.checks) > 100


def test_blobs_carry_hash_and_type(place: Place, make_dataset: Callable[..., Path]) -> None:
    """The blob's own metadata holds the SHA-256 of the file; the content type follows the ending."""
    dataset = make_dataset()
    publish_dataset(dataset, place.url())
    for name, blob in place.blobs().items():
        assert blob.metadata["sha256"] == checksum(dataset / name)["sha256"]
        assert blob.content_settings.content_type == "application/json"


def test_metadata_comes_last(place: Place, proxy: Proxy, make_dataset: Callable[..., Path]) -> None:
    """No blob appears before all blocks are there, and metadata.json is the last to appear."""
    publish_dataset(make_dataset(300 * KIB), place.url(proxy.port), block_bytes=64 * KIB)
    blocks = [at for at, target in enumerate(proxy.targets) if "comp=block&" in target]
    commits = [at for at, target in enumerate(proxy.targets) if "comp=blocklist" in target]
    commits = [at for at in commits if "blocklisttype" not in proxy.targets[at]]
    assert len(blocks) > 10
    assert max(blocks) < min(commits)
    assert "metadata.json" in proxy.targets[commits[-1]]
    assert sum("metadata.json" in proxy.targets[at] for at in commits) == 1


def test_once_more_sends_nothing(place: Place, proxy: Proxy, make_dataset: Callable[..., Path]) -> None:
    """A data set that is there already is left alone, and that is a success."""
    dataset = make_dataset()
    publish_dataset(dataset, place.url())
    before = {name: blob.etag for name, blob in place.blobs().items()}
    again = publish_dataset(dataset, place.url(proxy.port))
    assert (again.blocks_sent, again.bytes_sent, again.files_skipped) == (0, 0, again.files)
    assert {name: blob.etag for name, blob in place.blobs().items()} == before
    assert all("comp=list" in target for target in proxy.targets)


def test_an_existing_set_is_refused(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Another data set of the same name is an error, and not one blob of it is changed."""
    publish_dataset(make_dataset(), place.url())
    before = _remote_bytes(place)
    with pytest.raises(ExistsError, match=r"Nothing was changed.*--overwrite"):
        publish_dataset(make_dataset(10 * KIB), place.url())
    assert _remote_bytes(place) == before


def test_overwrite_replaces_the_whole_set(place: Place, make_dataset: Callable[..., Path]) -> None:
    """--overwrite replaces what differs and removes what an earlier publication left over."""

    def more(dataset: Any) -> None:
        dataset.raw["invalid_records_left_over_20260116_000000.json"] = b"{}"

    first = make_dataset(change=more)
    publish_dataset(first, place.url())
    (first / "invalid_records_left_over_20260116_000000.json").unlink()
    second = make_dataset(10 * KIB)
    published = publish_dataset(second, place.url(), overwrite=True)
    assert _remote_bytes(place) == _bytes_of(second)
    assert 0 < published.files_skipped < published.files
    assert verify_remote(published.url) == verify_dataset(second)


@pytest.mark.parametrize("overwrite", [False, True])
def test_strangers_are_never_touched(
    overwrite: bool, place: Place, make_dataset: Callable[..., Path]
) -> None:
    """A blob that was not published by turnsmith keeps its place, with --overwrite as without."""
    dataset = make_dataset()
    place.client.upload_blob(f"sets/{dataset.name}/notes.txt", b"mine")
    with pytest.raises(ExistsError, match=r"notes\.txt.*not published by turnsmith"):
        publish_dataset(dataset, place.url(), overwrite=overwrite)
    assert _remote_bytes(place) == {"notes.txt": b"mine"}


def test_a_blob_that_appears_meanwhile_is_not_overwritten(
    place: Place, make_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between listing and commit someone else writes: the commit is refused, and metadata.json stays away."""
    dataset = make_dataset()
    commit = upload_module.commit

    def late(container: Any, plan: Any, before: Any) -> None:
        if plan.file.name.startswith("val/"):
            place.client.upload_blob(f"sets/{dataset.name}/{plan.file.name}", b"theirs", overwrite=True)
        commit(container, plan, before)

    monkeypatch.setattr(upload_module, "commit", late)
    with pytest.raises(ExistsError, match="val/"):
        publish_dataset(dataset, place.url())
    remote = _remote_bytes(place)
    assert b"theirs" in remote.values()
    assert "metadata.json" not in remote


def test_repeated_and_empty_content_arrives(place: Place, make_dataset: Callable[..., Path]) -> None:
    """A file of equal blocks keeps them all; an empty file becomes an empty blob."""

    def change(dataset: Any) -> None:
        dataset.raw[dataset.path("train", "short")] = b"x" * (10 * KIB)
        dataset.raw[dataset.path("train", "long")] = b""

    dataset = make_dataset(change=change)
    publish_dataset(dataset, place.url(), block_bytes=KIB)
    assert _remote_bytes(place) == _bytes_of(dataset)


def test_blocks_of_another_tool_are_named(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Unfinished blocks with ids of another length can't be mixed with ours; the error says what to do."""
    dataset = make_dataset()
    blob = place.client.get_blob_client(f"sets/{dataset.name}/train/short_3_to_5_turns.json")
    blob.stage_block("1", b"half")
    with pytest.raises(ExistsError, match=r"unfinished upload of another tool"):
        publish_dataset(dataset, place.url())
    blob.commit_block_list([BlobBlock("1")])


def test_a_changed_file_is_never_published(place: Place, make_dataset: Callable[..., Path]) -> None:
    """A file that is not that of its checksum stops the publication; nothing appears."""
    dataset = make_dataset()
    path = dataset / "test" / "short_3_to_5_turns.json"
    path.write_bytes(path.read_bytes().replace(b"some-model", b"same-model", 1))
    with pytest.raises(UnfinishedError, match=r"short_3_to_5_turns\.json.*Nothing was published"):
        publish_dataset(dataset, place.url())
    assert place.blobs() == {}


def test_a_file_touched_on_the_way_is_not_committed(
    place: Place, make_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changes between its check and its sending stops the publication; nothing appears."""
    dataset = make_dataset()
    plan_blocks = blocks_module.plan_blocks

    def touch(container: Any, file: Any) -> Any:
        os.utime(file.path)
        return plan_blocks(container, file)

    monkeypatch.setattr(upload_module, "plan_blocks", touch)
    with pytest.raises(UnfinishedError, match="changed while it was being published"):
        publish_dataset(dataset, place.url())
    assert place.blobs() == {}


def test_an_unfinished_folder_is_no_data_set(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Without metadata.json, or with a file too many or too few, nothing is published."""
    dataset = make_dataset()
    (dataset / "extra.json").write_text("[]")
    with pytest.raises(UnfinishedError, match=r"extra\.json.*does not list it"):
        publish_dataset(dataset, place.url())
    (dataset / "extra.json").rename(dataset / "metadata.json")
    with pytest.raises(UsageError, match="no readable checksums"):
        publish_dataset(dataset, place.url())
    (dataset / "metadata.json").write_text(json.dumps({"checksums": {"../x": {"sha256": "", "bytes": 0}}}))
    with pytest.raises(UsageError, match="no readable checksums"):
        publish_dataset(dataset, place.url())
    (dataset / "metadata.json").unlink()
    with pytest.raises(UsageError, match=r"no metadata\.json.*written last"):
        publish_dataset(dataset, place.url())
    with pytest.raises(UsageError, match="no such folder"):
        publish_dataset(dataset / "none", place.url())
    assert place.blobs() == {}
