"""Footnote: answers over one's own documents, each sentence footnoted to a passage."""
