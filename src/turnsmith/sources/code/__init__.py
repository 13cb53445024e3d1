"""Source code: git history, fill-in-the-middle, licenses."""
