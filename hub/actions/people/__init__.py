"""What is done alike to leads and contacts: add, edit, give to an owner."""
