"""The routes of server 0.7: each reads a request, has the work done, and writes that server's answer."""
