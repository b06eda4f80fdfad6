"""What a question asks for, what it leaves out, and what it leaves open."""
