"""Pages opened in a real browser without a window; where there is none, their tests are skipped."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
WATCH = """<script>
const failures = [];
addEventListener("error", (event) => failures.push(event.message || `not loaded: ${event.target.outerHTML}`), true);
addEventListener("unhandledrejection", (event) => failures.push(String(event.reason)));
console.error = (...texts) => failures.push(texts.join(" "));
</script>
"""
ASK = """<script>
(async () => {
  let answer;
  try { answer = await (async () => { SCRIPT })(); } catch (error) { failures.push(String(error)); }
  const probe = document.createElement("pre");
  probe.textContent = "PROBE" + JSON.stringify({ answer, failures }) + "END";
  document.body.appendChild(probe);
})();
</script>
"""


def visit(page: Path, profile: Path, milliseconds: int = 30_000, width: int = 1440) -> str:
    """The page's DOM after its scripts have run."""
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--allow-file-access-from-files", f"--window-size={width},1000"]
    command += [f"--user-data-dir={profile}", f"--virtual-time-budget={milliseconds}", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout


def ask(page: str, script: str, folder: Path, width: int = 1440) -> Any:
    """What the body of an asynchronous function returns in the page, which must not have failed anywhere before."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "page.html"
    copy.write_text(page.replace("<head>", f"<head>{WATCH}", 1) + ASK.replace("SCRIPT", script), encoding="utf-8")
    dom = visit(copy, folder / "profile", 10_000, width)
    found = re.search(r"PROBE(\{.*\})END", dom, re.S)
    assert found, f"no answer: {dom[-2000:]}"
    said = json.loads(html.unescape(found[1]))
    assert said["failures"] == []
    return said["answer"]


def on_a_phone(page: str, script: str, folder: Path) -> Any:
    """What the body of a function returns of `view`, the window of the page in a frame of a phone's size: 390 × 844."""
    show = """
    const frame = document.createElement("iframe");
    frame.style.cssText = "width:390px;height:844px;border:0";
    frame.srcdoc = PAGE;
    const loaded = new Promise((resolve) => { frame.onload = resolve; });
    document.body.prepend(frame);
    await loaded;
    const view = frame.contentWindow;
    """
    held = json.dumps(page).replace("</", "<\\/").replace("<!--", "<\\!--")
    return ask("<head></head><body>", show.replace("PAGE", held) + script, folder)
