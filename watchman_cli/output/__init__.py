"""From data to text: results and statuses go in, lines for a person, a log or a program come out."""
