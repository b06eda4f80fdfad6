"""Who asks, what proves it, and what they may do and read."""
