"""The work, as each client does it."""
