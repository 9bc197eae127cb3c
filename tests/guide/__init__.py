"""Every Python snippet of the users' guide, run against the embedded broker."""
