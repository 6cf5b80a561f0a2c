"""A whole Salesforce org for a migration, made from a seed and one number."""

from hub.sandbox.orgs.generator import generate_org

__all__ = ["generate_org"]
