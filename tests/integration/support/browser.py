"""A headless Chromium (Debian's chromium, chromium-driver, python3-selenium) that asks nobody but the page's server."""

import base64
import json
import os
import shutil
import tempfile
from pathlib import Path

from .daemon import BUILD
from .waiting import wait_until

SCREENSHOTS = Path(os.environ.get("PGHANG_SCREENSHOTS", BUILD.parent / "screenshots"))
PHONE = (390, 844)
DESKTOP = (1280, 800)

ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--disable-extensions", "--disable-client-side-phishing-detection", "--no-first-run",
    "--no-default-browser-check", "--metrics-recording-only", "--password-store=basic", "--hide-scrollbars",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
]


def missing_browser():
    """Why there is none here; empty when there is."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("python3-selenium")
    return f"not installed: {', '.join(missing)}" if missing else ""


class Browser:
    """One window. What it logs and asks for is collected until it is asked for."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="pghangd-browser-", dir="/tmp")
        self.driver = None

    def start(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in [*ARGUMENTS, f"--user-data-dir={self.folder}", "--window-size=%d,%d" % DESKTOP]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(30)
        self.plain()
        return self

    def stop(self):
        try:
            if self.driver:
                self.driver.quit()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, url):
        self.driver.get(url)
        return self

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def js_later(self, code, *arguments):
        """`code` is an expression that is a promise."""
        result = self.driver.execute_async_script(
            f"const done = arguments[arguments.length - 1]; ({code}).then((value) => done([value]), (error) => done([null, String(error)]))", *arguments
        )
        assert len(result) == 1, result
        return result[0]

    def text(self, selector="body"):
        """As it is seen: nothing of what is hidden."""
        return self.js("return document.querySelector(arguments[0])?.innerText", selector) or ""

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText ?? one.textContent)", selector)

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def plain(self):
        """A desktop with scripts, by daylight."""
        self.media()
        self.size(*DESKTOP)
        self.scripts(True)

    def media(self, scheme="light", motion="no-preference", kind="screen"):
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]
        self.cdp("Emulation.setEmulatedMedia", media=kind, features=features)

    def size(self, width, height, mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def phone(self):
        self.size(*PHONE, mobile=True)

    def scripts(self, enabled):
        self.cdp("Emulation.setScriptExecutionDisabled", value=not enabled)

    def screenshot(self, name):
        """The whole page, however long, into SCREENSHOTS."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        image = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(image))
        return path

    def console(self):
        """What the browser complained of since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self):
        """URLs that were asked for since it was asked last, by whatever part of the browser shows its page."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def wait(self, code, timeout=15, what=None):
        """Until an expression is true."""
        return wait_until(lambda: self.js(f"return {code}"), timeout, what or code)
