"""The documentation's picture of a page, as chromium shows it."""

from __future__ import annotations

import hashlib
import inspect
import io
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.browser import chromium
from tests.support.stored import ago, put_snapshot, since
from watchman_cli import StatusRecord
from watchman_cli.health import Failure, Health
from watchman_cli.output import page
from watchman_cli.output.page import render
from watchman_cli.readback import read_servers
from watchman_cli.store.directory.store import DirectoryStore

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "images" / "page.png"
SIZE = (1100, 1290)
COLOURS = 64
DRAWN_FROM = "drawn from"  # the name of the text in the picture that says what it shows


def forecast() -> Iterator[StatusRecord]:
    """Yield the nodes of a forecast whose model was aborted in the middle."""
    yield StatusRecord("/forecast", "aborted", since(7860))
    families = (("get_data", "complete"), ("model", "aborted"), ("products", "active"), ("archive", "queued"))
    for family, status in families:
        lasts = since(7800) if status in ("active", "aborted") else None
        yield StatusRecord(f"/forecast/{family}", status, lasts)
        for hour in range(0, 240, 6):
            path, status_of = f"/forecast/{family}/step_{hour:03}", "queued"
            if hour < {"get_data": 240, "model": 96, "products": 60}.get(family, 0):
                status_of = "complete"
            elif (family, hour) == ("model", 96):
                yield StatusRecord(path, "aborted", since(7800), ("task_aborted",))
                continue
            elif (family, hour) in (("products", 60), ("products", 66)):
                yield StatusRecord(path, "active", since(7300 - 100 * hour), ("late",) if hour == 60 else ())
                continue
            elif (family, hour) == ("products", 72):
                yield StatusRecord(path, "submitted", since(50))
                continue
            yield StatusRecord(path, status_of)
    yield StatusRecord("/maintenance", "suspended")
    yield StatusRecord("/maintenance/clean", "queued")


def draw() -> bytes:
    """Return the picture of a page of three servers."""
    with tempfile.TemporaryDirectory(prefix="watchman-docs-") as name:
        folder = Path(name)
        refused = Failure("refused", "login07:3141 refused the connection")
        put_snapshot(folder, "nwp_xp/nwpc_op", list(forecast()), age=21, root="aborted")
        well = [
            StatusRecord("/obs", "complete"),
            *(StatusRecord(f"/obs/t{n}", "complete") for n in range(48)),
        ]
        put_snapshot(folder, "nwp_xp/nwpc_qu", well, age=22, root="complete")
        failing = Health(checked_time=ago(20), failures=9, error=refused)
        put_snapshot(folder, "nwp_xp/nwpc_pd", well[:1], age=560, record=failing, root="complete")
        servers = ["nwp_xp/nwpc_op", "nwp_xp/nwpc_qu", "nwp_xp/nwpc_pd"]
        file = folder / "page.html"
        file.write_text(render(read_servers(DirectoryStore(folder), servers), datetime.now(timezone.utc)))
        with chromium() as browser:
            shown = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
            shown.goto(file.as_uri())
            shown.get_by_role("tree").wait_for()
            return shown.screenshot()


def drawn_from() -> str:
    """Return a number of all that the picture is made from."""
    digest = hashlib.sha256(inspect.getsource(sys.modules[__name__]).encode())
    for file in sorted(Path(page.__file__).parent.glob("*.*")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stored() -> str | None:
    """Return the number of what the stored picture was made from; None where there is no picture."""
    if not PICTURE.exists():
        return None
    with Image.open(PICTURE) as image:
        return str(image.info.get(DRAWN_FROM))


def write() -> None:
    """Write the picture where it would be another than before."""
    if stored() == drawn_from():
        return
    text = PngInfo()
    text.add_text(DRAWN_FROM, drawn_from())
    with Image.open(io.BytesIO(draw())) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(PICTURE, optimize=True, pnginfo=text)
    print(f"written: docs/images/{PICTURE.name}")
