"""Sending: one request in, one value out."""
