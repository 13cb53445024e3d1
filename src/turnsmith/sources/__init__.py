"""What the world gives."""
