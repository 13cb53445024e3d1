"""Router labels: agreement."""
