"""Client-side buffers: messages collect here and go to the server together."""
