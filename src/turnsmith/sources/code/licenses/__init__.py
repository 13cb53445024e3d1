"""Licenses: what a repository's files may be used under, decided before a single example is written."""

from turnsmith.sources.code.licenses.policy import OTHER_LICENSE, UNKNOWN_LICENSE, Policy, policy
from turnsmith.sources.code.licenses.repository import Licenses, licenses_at, licenses_of
from turnsmith.sources.code.licenses.verdict import UNKNOWN, Verdict

__all__ = [
    "OTHER_LICENSE",
    "UNKNOWN",
    "UNKNOWN_LICENSE",
    "Licenses",
    "Policy",
    "Verdict",
    "licenses_at",
    "licenses_of",
    "policy",
]
