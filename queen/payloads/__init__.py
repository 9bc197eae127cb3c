"""Payloads as instances of a model: which library reads and writes them, and how."""
