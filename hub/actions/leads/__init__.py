"""Actions on leads: status, conversion, reopening, a lead of a ticket."""
