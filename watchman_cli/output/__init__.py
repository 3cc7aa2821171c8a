"""From data to text: results go in, lines for a person or a log collector come out."""
