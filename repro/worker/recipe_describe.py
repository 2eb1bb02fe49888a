"""Recipe `describe`: what this interpreter is. Standard library only, so it runs anywhere."""

import os
import platform
import sys

from . import devices


def run(request):
    """Return the interpreter, platform, processor and installed packages."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "features": devices.features(),
        "driver": devices.driver(),
        "packages": packages([entry for entry in sys.path if entry not in request.get("overlay", [])]),
        "path": [entry for entry in sys.path if entry == os.path.dirname(os.path.abspath(__file__))],
    }


def packages(path):
    """Return the distributions on a search path, name to version, names as the index normalises them."""
    try:
        from importlib.metadata import distributions
    except ImportError:  # Python 3.7
        found = dict(_distributions_by_hand(path))
    else:
        found = {
            dist.metadata["Name"]: dist.version for dist in distributions(path=path) if dist.metadata["Name"]
        }
    return {
        name.lower().replace("_", "-").replace(".", "-"): found[name] for name in sorted(found, key=str.lower)
    }


def _distributions_by_hand(path):
    """Yield name and version of what lies in the folders of a search path.

    Python 3.7 has no `importlib.metadata`, and an environment that uv made no setuptools, whose
    `pkg_resources` could say it.
    """
    from email.parser import HeaderParser
    from glob import escape, glob

    for folder in reversed(path):  # what stands first on the path wins
        pattern = os.path.join(escape(folder), "*.dist-info", "METADATA")
        for metadata in sorted(glob(pattern) + glob(os.path.join(escape(folder), "*.egg-info", "PKG-INFO"))):
            with open(metadata, encoding="utf-8", errors="replace") as file:
                stated = HeaderParser().parse(file)
            if stated["Name"] and stated["Version"]:
                yield stated["Name"], stated["Version"]


def processor():
    """Return the processor's name as the operating system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
