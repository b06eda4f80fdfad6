"""Measures of answers and rankings: pure functions, each with the paper that defines it."""
