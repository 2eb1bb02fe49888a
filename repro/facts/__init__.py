"""Tables that are shipped with the program: what is known about releases."""
