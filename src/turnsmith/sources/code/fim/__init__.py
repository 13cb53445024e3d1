"""Fill-in-the-middle examples of source code."""
