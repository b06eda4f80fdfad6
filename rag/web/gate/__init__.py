"""What stands before everything: it decides which requests come in, and writes them down."""
