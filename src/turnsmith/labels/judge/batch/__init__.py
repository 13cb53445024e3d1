"""OpenAI's Batch API: the judge's requests as files, at half the price and within a day."""

from turnsmith.labels.judge.batch.collect import Collected, collect
from turnsmith.labels.judge.batch.cutting import Allowance, Limits
from turnsmith.labels.judge.batch.submit import Submitted, submit

__all__ = ["Allowance", "Collected", "Limits", "Submitted", "collect", "submit"]
