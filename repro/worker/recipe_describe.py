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
        "packages": packages(),
        "path": [entry for entry in sys.path if entry == os.path.dirname(os.path.abspath(__file__))],
    }


def packages():
    """Return the installed distributions, name to version, names as the index normalises them."""
    try:
        from importlib.metadata import distributions
    except ImportError:  # Python 3.7
        found = dict(_distributions_by_hand())
    else:
        found = {dist.metadata["Name"]: dist.version for dist in distributions() if dist.metadata["Name"]}
    return {
        name.lower().replace("_", "-").replace(".", "-"): found[name] for name in sorted(found, key=str.lower)
    }


def _distributions_by_hand():
    """Yield name and version of what lies in the folders of `sys.path`.

    Python 3.7 has no `importlib.metadata`, and an environment that uv made no setuptools, whose
    `pkg_resources` could say it.
    """
    from email.parser import HeaderParser
    from glob import escape, glob

    for folder in reversed(sys.path):  # what stands first on the path wins
        pattern = os.path.join(escape(folder), "*.dist-info", "METADATA")
        for path in sorted(glob(pattern) + glob(os.path.join(escape(folder), "*.egg-info", "PKG-INFO"))):
            with open(path, encoding="utf-8", errors="replace") as file:
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
