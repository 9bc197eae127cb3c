"""Durable buffers: messages that were accepted stay in a file until a server has them."""
