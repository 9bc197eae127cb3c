"""Settling: acks, nacks and lease renewals of popped messages."""
