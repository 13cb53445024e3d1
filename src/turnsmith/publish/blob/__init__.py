"""Publish a finished data set to Azure Blob Storage, and verify it there.

The Azure packages are imported when the first address is opened: they are the extra `turnsmith[azure]`.
"""

from turnsmith.publish.blob.location import is_url, redact
from turnsmith.publish.blob.remote import Fetched, fetch_for_verify, verify_remote
from turnsmith.publish.blob.upload import Published, check_destination, publish_dataset

__all__ = [
    "Fetched",
    "Published",
    "check_destination",
    "fetch_for_verify",
    "is_url",
    "publish_dataset",
    "redact",
    "verify_remote",
]
