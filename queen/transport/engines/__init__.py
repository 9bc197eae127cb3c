"""The engines. Nothing outside an engine's own module imports an HTTP library."""
