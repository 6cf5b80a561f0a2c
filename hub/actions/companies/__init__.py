"""Actions on companies, and on the link between a person and a company."""
