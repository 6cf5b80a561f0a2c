"""HubSpot: owners, companies and contacts. Reads only."""
