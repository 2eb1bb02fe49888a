"""The command: a thin file for each verb, and one place that turns errors into two lines."""
