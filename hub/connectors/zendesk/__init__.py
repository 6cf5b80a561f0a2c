"""Zendesk Support: organizations, users and tickets. Reads only."""
