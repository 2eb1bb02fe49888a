"""Cases: what makes a card runnable. The bundled ones are folders beside this file."""

from repro.cases.loader import LoadedCase, bundled, load_case

__all__ = ["LoadedCase", "bundled", "load_case"]
