"""A whole account of Zendesk Sell for a migration, made from a seed and one number."""

from hub.sandbox.sell_org.generator import generate_sell_org

__all__ = ["generate_sell_org"]
