"""Git history: bug fixes and features as examples of patches, edits and commit messages."""
