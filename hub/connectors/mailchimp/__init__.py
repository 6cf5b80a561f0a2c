"""Mailchimp: audiences and their members. Reads only."""
