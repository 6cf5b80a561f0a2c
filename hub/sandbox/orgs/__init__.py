"""Whole orgs for a migration, each made from a seed and one number."""

from hub.sandbox.orgs.generator import generate_org
from hub.sandbox.orgs.hubspot import generate_hubspot

__all__ = ["generate_hubspot", "generate_org"]
