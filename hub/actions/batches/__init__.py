"""What is done to a whole batch or home: undo, backup, restore."""
