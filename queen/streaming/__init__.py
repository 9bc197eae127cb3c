"""Windowed streams: messages in windows of time, one window after the other."""
