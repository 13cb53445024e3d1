"""Router labels."""
