"""Steps over conversations of any source: split, sample, validate."""
