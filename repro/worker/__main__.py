"""`python <this folder> request.json result.json`: run one recipe in this interpreter.

The request names the recipe; what the recipe returns, or why it failed, goes into the result file. Errors
become data here and are raised again, as one line and one hint, by the program that started this one.
"""

import importlib.util
import json
import os
import sys
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__))
_NAME = "repro_worker"


def _load_package():
    """Load this folder as a package of its own name, and take the folder off `sys.path`.

    Python put it there because it was asked to run it; left there, `events` or `life` would shadow modules
    of the environment.
    """
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _HERE]
    spec = importlib.util.spec_from_file_location(
        _NAME, os.path.join(_HERE, "__init__.py"), submodule_search_locations=[_HERE]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
    return module


def _write_result(path, protocol, body):
    """Write the result whole or not at all."""
    temporary = path + ".part"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(dict(body, protocol=protocol), file, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def main(argv):
    """Run the recipe that the request names.

    Returns:
        0 when the recipe went through, 1 when it failed (the result file says why), 2 for a bad request.
    """
    package = _load_package()
    if len(argv) != 3:
        sys.stderr.write("usage: python <worker folder> request.json result.json\n")
        return 2
    with open(argv[1], encoding="utf-8") as file:
        request = json.load(file)
    if request.get("protocol") != package.PROTOCOL:
        sys.stderr.write(f"this worker speaks protocol {package.PROTOCOL}\n")
        return 2
    # Behind the environment's own packages, so that none of these is shadowed.
    sys.path.extend(request.get("overlay", []))
    from repro_worker import determinism, devices, life, memory

    life.end_with_parent()
    life.show_stack_when_asked()
    try:
        recipe = importlib.import_module(_NAME + ".recipe_" + request["recipe"])
        body = {"status": "completed", "value": recipe.run(request)}
    except Exception as raised:  # noqa: BLE001 - the border of the process: whatever happened becomes data
        error = determinism.explained(raised)
        body = {
            "status": "failed",
            "error": type(error).__name__,
            "message": str(error),
            "hint": getattr(error, "hint", ""),
            "details": error.details if isinstance(error, devices.UnusableDevice) else {},
            "out_of_memory": memory.ran_out(error),
            "traceback": traceback.format_exc(),
        }
    _write_result(argv[2], package.PROTOCOL, body)
    return 0 if body["status"] == "completed" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
