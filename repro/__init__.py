"""Is what a model card says true, and can it be had again?

The public Python API is `repro.workflows`; the command is `repro`.
"""

__version__ = "0.1.0"
