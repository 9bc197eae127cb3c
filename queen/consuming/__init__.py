"""Consuming: workers that pop, hand messages to a handler, and settle them."""
