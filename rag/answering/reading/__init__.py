"""Reading passages for a question: which sentences answer it, and how probably."""
