"""Actions that leads and contacts share: add, edit, give to an owner."""
