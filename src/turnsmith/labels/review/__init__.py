"""Review by people: draw labels to vote on, read the votes, write them into the labeled set."""

from turnsmith.labels.review.applying import ApplyReport, apply
from turnsmith.labels.review.sampling import SampleOptions, SampleReport, sample, stratum_of
from turnsmith.labels.review.voting import THUMBS, Vote, Votes, consensus, read_votes

__all__ = [
    "THUMBS", "ApplyReport", "SampleOptions", "SampleReport", "Vote", "Votes", "apply", "consensus", "read_votes",
    "sample", "stratum_of",
]  # fmt: skip
