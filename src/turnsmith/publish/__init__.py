"""Where a finished set goes."""
