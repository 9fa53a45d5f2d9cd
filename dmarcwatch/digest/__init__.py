"""A week or a month of a domain in figures, as plain text and as HTML for mail clients; nothing is sent."""
