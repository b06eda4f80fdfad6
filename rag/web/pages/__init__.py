"""The pages of documents, of their originals and of evaluation runs."""
