"""What is remembered of people: conversations, feedback and the audit, in SQL."""
