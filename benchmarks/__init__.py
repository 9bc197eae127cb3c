"""The same work done by this client and by its peers, side by side: ``make bench`` writes ``results.md``."""
