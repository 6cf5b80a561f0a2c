"""What is done to leads: status, conversion, reopening, a lead of a ticket."""
