"""Text, taken apart: sentences, words, tables, and what of it can be quoted or compared."""
