"""Actions on deals: add, edit, move, clone, show."""
