"""What an admin sets up: fields, layouts, links, pipelines, lists."""
