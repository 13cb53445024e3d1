"""Errors of publishing, the branch of the tree in `core.errors` that is about blobs.

DataError
└── BlobError              the remote side can't be used as asked
    ├── CredentialError    the server does not accept who we are, or what we may do
    ├── ContainerError     there is no such container
    ├── ExistsError        something else stands where the data set should go
    ├── UnfinishedError    the folder or the remote is no finished data set
    └── ConnectionLostError  the server could not be reached, or not for long enough

None of them carries a secret: they are raised `from None`, with addresses without their query string.
"""

from turnsmith.core.errors import DataError


class BlobError(DataError):
    """Report that the remote side can't be used as asked."""


class CredentialError(BlobError):
    """Report that the server refused the credentials or lacks a right for them."""


class ContainerError(BlobError):
    """Report that the container does not exist."""


class ExistsError(BlobError):
    """Report that other content stands where the data set should go."""


class UnfinishedError(BlobError):
    """Report a data set that is not whole, here or there."""


class ConnectionLostError(BlobError):
    """Report that the server could not be reached, however often it was tried."""
