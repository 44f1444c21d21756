"""A comparison as files that people read: Markdown, one HTML page, plain texts."""
