"""What a client asks of a server, one module for each thing: push, pop, settle, transactions, dead letters, queues."""
