"""Lead Hub."""
