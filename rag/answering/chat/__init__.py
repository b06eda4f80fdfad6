"""Chat models: setting them up, waiting for them, what they are given and what they reply."""
