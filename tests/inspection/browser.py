"""Open a page in Chromium, as Qt ships it, and run JavaScript in it.

A program of its own, so that neither Chromium nor Qt lives in the process of the tests:
``python browser.py page.html '{"widths": [400], "script": "document.title"}'`` prints JSON.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium refuses to run as root with it

from PyQt6.QtCore import QEventLoop, QTimer, QUrl
from PyQt6.QtWebEngineCore import QWebEnginePage
from PyQt6.QtWebEngineWidgets import QWebEngineView
from PyQt6.QtWidgets import QApplication

_HEIGHT = 900


class _Page(QWebEnginePage):
    """A page that remembers what is written to its console and what it asks for."""

    def __init__(self, view):
        super().__init__(view)
        self.console, self.dialogs = [], []

    def javaScriptConsoleMessage(self, level, message, line, source):  # noqa: N802
        self.console.append(f"{level.name}: {message} ({source}:{line})")

    def javaScriptAlert(self, origin, message):  # noqa: N802
        self.dialogs.append(message)


def _wait(milliseconds):
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _run(page, script):
    found, loop = [], QEventLoop()
    page.runJavaScript(f"{{{script}}}", lambda value: (found.append(value), loop.quit()))
    loop.exec()
    return found[0]


def browse(path, widths, script="null", dark=False, picture=None):
    """Return what the script gives at each width, and what the page wrote to the console."""
    scheme = 0 if dark else 1
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = (
        f"--disable-gpu --blink-settings=preferredColorScheme={scheme}"
    )
    application = QApplication(sys.argv[:1])
    view = QWebEngineView()
    page = _Page(view)
    view.setPage(page)
    view.resize(widths[0], _HEIGHT)
    view.show()
    loop = QEventLoop()
    page.loadFinished.connect(loop.quit)
    page.load(QUrl.fromLocalFile(path))
    loop.exec()
    results = []
    for width in widths:
        view.resize(width, _HEIGHT)
        while _run(page, "innerWidth") != width:
            _wait(20)
        results.append(_run(page, script))
        if picture:
            height = _run(page, "document.documentElement.scrollHeight")
            view.resize(width, min(height, 6000))
            _wait(1500)
            view.grab().save(picture.format(width=width))
    view.setPage(None)
    page.deleteLater()
    del application
    return {"results": results, "console": page.console, "dialogs": page.dialogs}


if __name__ == "__main__":
    print(json.dumps(browse(os.path.abspath(sys.argv[1]), **json.loads(sys.argv[2]))))
    sys.stdout.flush()
    os._exit(0)  # Qt's own end takes longer than the tests
