"""Typeform: form definitions and completed responses. Reads only."""
