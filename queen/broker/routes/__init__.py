"""The routes: each reads a request, has the work done in one transaction, and writes the answer of server 0.15."""
