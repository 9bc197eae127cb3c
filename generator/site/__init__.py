"""What the documentation site has beside its pages: the wire's, made of the spec, and those of the repository's root."""
