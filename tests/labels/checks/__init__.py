"""Router labels: checks after a run."""
