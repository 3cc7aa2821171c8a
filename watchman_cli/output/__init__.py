"""From data to text: lines for a person, a log or a program."""
