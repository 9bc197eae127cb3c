"""The fluent grammar: builders collect and check what the user says, then ask for one thing."""
