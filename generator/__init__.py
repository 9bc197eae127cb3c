"""Writes ``generated/queen_api`` from ``openapi/queen.yaml``: openapi-python-client reads, our templates write."""
