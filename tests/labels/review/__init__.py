"""Router labels: review."""
