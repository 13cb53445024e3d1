"""Verifying a published set: nothing that was done to it there stays hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from turnsmith.core.errors import UsageError
from turnsmith.publish.blob import fetch_for_verify, publish_dataset, verify_remote
from turnsmith.verify import verify_dataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Place


def _breached(url: str) -> dict[str, list[str]]:
    return {check.name: check.samples for check in verify_remote(url).checks if check.breaches}


def _tamper(place: Place, name: str, before: bytes, after: bytes) -> None:
    """Change the bytes of a blob behind our back, its metadata as it was."""
    blob = next(blob for key, blob in place.blobs().items() if key == name)
    data = place.client.download_blob(blob.name).readall()
    assert before in data
    place.client.upload_blob(
        blob.name, data.replace(before, after, 1), overwrite=True, metadata=blob.metadata
    )


def test_a_corrupted_blob_is_found(place: Place, make_dataset: Callable[..., Path]) -> None:
    """A byte that changed on the server breaches the checksums, by metadata.json and by the blob's own hash."""
    published = publish_dataset(make_dataset(), place.url())
    _tamper(place, "test/short_3_to_5_turns.json", b"some-model", b"same-model")
    samples = _breached(published.url)["checksums"]
    assert len(samples) == 2
    assert all("test/short_3_to_5_turns.json" in sample for sample in samples)


def test_a_corrupted_metadata_json_is_found(place: Place, make_dataset: Callable[..., Path]) -> None:
    """metadata.json lists no checksum of itself: the hash in the blob's metadata guards it."""
    published = publish_dataset(make_dataset(), place.url())
    _tamper(place, "metadata.json", b'"versions"', b' "versions"')
    assert "metadata.json" in " ".join(_breached(published.url)["checksums"])


def test_a_missing_or_extra_blob_is_found(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Blobs that are gone and blobs that came by are breaches, whatever their names."""
    dataset = make_dataset()
    published = publish_dataset(dataset, place.url())
    prefix = f"sets/{dataset.name}"
    place.client.delete_blob(f"{prefix}/val/short_3_to_5_turns.json")
    place.client.upload_blob(f"{prefix}/extra.json", b"[]")
    place.client.upload_blob(f"{prefix}/train/a\\..\\..\\b.json", b"[]")
    place.client.upload_blob(f"{prefix}/metadata.json/inner.json", b"[]")
    samples = " ".join(_breached(published.url)["listed_files"])
    assert all(name in samples for name in ("val/short_3_to_5", "extra.json", "inner.json", "b.json"))


def test_markers_of_folders_are_no_files(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Accounts with real folders list them as empty blobs; they are neither files nor strangers."""
    dataset = make_dataset()
    marker = {"hdi_isfolder": "true"}
    place.client.upload_blob(f"sets/{dataset.name}/train", b"", metadata=marker)
    published = publish_dataset(dataset, place.url())
    assert verify_remote(published.url) == verify_dataset(dataset)


@pytest.mark.parametrize("below", ["", "/sets", "/sets/none"])
def test_no_data_set_is_wrong_usage(below: str, place: Place) -> None:
    """A URL without a metadata.json below it is no data set: exit code 2, as for a folder."""
    url = f"{place.server.endpoint()}/{place.name}{below}"
    with pytest.raises(UsageError, match=r"no metadata\.json there"):
        verify_remote(url)


def test_the_copy_goes_away(place: Place, make_dataset: Callable[..., Path]) -> None:
    """The fetched copy is named as the data set, and is gone after verification."""
    dataset = make_dataset()
    published = publish_dataset(dataset, place.url())
    seen: list[tuple[str, int, int]] = []
    with fetch_for_verify(published.url, on_progress=lambda *step: seen.append(step)) as fetched:
        assert fetched.path.name == dataset.name
        assert (fetched.path / "metadata.json").read_bytes() == (dataset / "metadata.json").read_bytes()
    assert not fetched.path.parent.exists()
    assert sum(count for _, count, _ in seen) == fetched.bytes == published.bytes
