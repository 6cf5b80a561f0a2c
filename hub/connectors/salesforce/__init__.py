"""Salesforce: users and leads, through simple-salesforce. Reads only."""
