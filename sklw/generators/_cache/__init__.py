"""The request cache: answers in one SQLite file that many processes share."""
