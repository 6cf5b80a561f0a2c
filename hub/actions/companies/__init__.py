"""What is done to companies, and to the link between a person and a company."""
