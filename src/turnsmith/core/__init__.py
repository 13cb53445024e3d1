"""Ground floor: records, hash, files, errors, progress; imports nothing from the floors above."""
