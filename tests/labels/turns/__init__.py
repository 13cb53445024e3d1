"""Router labels: turns."""
