"""What is done to deals: add, edit, move, clone, show."""
