"""Files from plain addresses, verified before they are used."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from repro.errors import BadInput, NetworkFailed

_TIMEOUT_SECONDS = 30.0
# A content-addressed blob of the GitHub API comes as bytes only when asked for; other hosts ignore this.
_HEADERS = {"User-Agent": "repro-audit", "Accept": "application/vnd.github.raw, */*"}


def download(url: str, path: Path, *, most: int | None = None) -> None:
    """Download to a file, whole or not at all.

    Args:
        url: An http or https address.
        path: The file; its folder is made.
        most: The most bytes that are taken; whatever is beyond is never asked for.

    Raises:
        BadInput: Another kind of address, or the file cannot be written.
        NetworkFailed: The host cannot be reached or refuses.
    """
    import http.client  # heavy, as is what comes with it
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        raise BadInput(f"{url[:100]}: not an http address", "only http and https are fetched")
    request = urllib.request.Request(url, headers=_HEADERS)  # noqa: S310 - checked above
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310
            tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file,
        ):
            part = Path(file.name)
            if most is None:
                shutil.copyfileobj(answer, file)
            else:
                file.write(answer.read(most + 1))
        part.replace(path)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise NetworkFailed(f"{url}: {reason}", "see `repro doctor` for what can be reached") from error
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written: {error.strerror}", "is there room on the disk?"
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
