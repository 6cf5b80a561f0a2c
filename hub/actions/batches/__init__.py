"""Actions on a whole batch or home: undo, backup, restore."""
