"""Router labels: weak."""
