"""The code that runs *inside* an old environment; imported by nothing else in this program.

Standard library plus the environment's own packages, Python 3.7 and later. One request file in, events and
one result file out; `PROTOCOL` stands in each of them.
"""

PROTOCOL = 1
