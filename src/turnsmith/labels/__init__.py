"""Router labels: turns to judge, what a judge or a person says of them, and balanced training files (contract §5)."""
