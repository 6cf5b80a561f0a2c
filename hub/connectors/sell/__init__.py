"""Zendesk Sell: lists by page, read from the last page back; ranges of ids; stages, conversions, orders."""
