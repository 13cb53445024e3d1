"""Router labels: balance."""
