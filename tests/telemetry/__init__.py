"""What is told of a client: hooks, and OpenTelemetry."""
