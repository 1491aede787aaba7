"""The pages in a real browser, over a real daemon and real hangs: what they say, how they look, what they never do."""

import re
import time
import urllib.request
from html.parser import HTMLParser

import pytest
from support import page_checks
from support.browser import SCREENSHOTS, Browser, missing_browser
from support.cluster import Session, release_fifo
from support.daemon import Daemon, rule
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())

APPLICATION = "page"
HUNG = 2  # beside the one with markup in its name
WAITERS = 9
MARKUP = "</script><img src=x onerror=window.harm=1>"
# Its direction override would show what follows backwards.
FIFO = "page <img src=x onerror=window.harm=2> \u202e"
ALIAS = '"<img src=x onerror=window.harm=3>"'
VOID = {"meta", "link", "br"}


@pytest.fixture(scope="module")
def browser(request):
    request.config.screenshots = SCREENSHOTS
    one = Browser()
    try:
        yield one.start()
    finally:
        one.stop()


class Scene:
    """Backends that hang in one place, one of them with a lock that others wait for, and one with markup wherever a
    client can put it."""

    def __init__(self, cluster, binaries):
        self.cluster = cluster
        self.sessions = []
        self.fifo = cluster.fifo(FIFO)
        cluster.sql("CREATE TABLE IF NOT EXISTS public.queue (n int); GRANT ALL ON public.queue TO app")
        cluster.sql("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO app")
        rules = [rule("stuck", [APPLICATION, MARKUP], backend_type="client backend")]
        self.daemon = Daemon(binaries, "/tmp", cluster.dsn("pghangd"), rules)

    def session(self, name=APPLICATION):
        self.sessions.append(Session(self.cluster, name))
        return self.sessions[-1]

    def copy(self, lock=False):
        one = self.session()
        one.connection.autocommit = False
        if lock:
            one.execute("LOCK TABLE queue")
        return one.start(f"COPY t FROM '{self.fifo}'")

    def start(self):
        self.first = self.copy(lock=True)
        others = [self.copy() for _ in range(HUNG - 1)]
        self.marked = self.session()
        self.marked.execute(f"SET application_name = '{MARKUP}'")
        self.marked.start(f"SELECT pg_read_file('{self.fifo}') AS {ALIAS}")
        for _ in range(WAITERS):
            self.session("page-waiter").start("SELECT * FROM queue")
        self.daemon.start().wait_ready()
        for one in [self.first, *others, self.marked]:
            self.daemon.wait_incident(one.pid, stage="unresponsive", diagnosed=True, timeout=30)
        wait_until(lambda: self.daemon.metric("pghangd_blocked_backends") == WAITERS, what="the waiters are seen")
        incident = wait_until(
            lambda: (i := self.daemon.incident(self.first.pid)) and i["diagnosis"]["wait_graph"] and i, what="the wait graph"
        )
        self.incident = f"/incidents/{incident['id']}"
        self.fingerprint = f"/fingerprints/{incident['diagnosis']['fingerprint']['stable']}"
        self.step = f"timeout 5 tee -a '{self.fifo}' < /dev/null"
        return self

    @property
    def pages(self):
        return {"landing": "/", "incident": self.incident, "fingerprint": self.fingerprint}

    def url(self, path="/"):
        return self.daemon.url + path

    def stop(self):
        """Also of a scene that was not made to its end."""
        deadline = time.monotonic() + 10
        while any(one.thread.is_alive() for one in self.sessions) and time.monotonic() < deadline:
            release_fifo(self.fifo)
            time.sleep(0.1)
        self.daemon.stop()


@pytest.fixture(scope="module")
def scene(cluster, binaries):
    one = Scene(cluster, binaries)
    try:
        yield one.start()
    finally:
        one.stop()


@pytest.fixture(autouse=True)
def nothing_leaves_and_nothing_is_complained_of(browser, scene):
    """Of every test here; one that takes its daemon away asks for the complaints itself."""
    browser.open("about:blank")
    browser.plain()
    browser.console()
    browser.requests()
    yield
    asked = browser.requests()
    assert browser.console() == []
    assert asked and [url for url in asked if not url.startswith("http://127.0.0.1:") and url != "about:blank"] == []


class Balance(HTMLParser):
    """Whether every tag is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.wrong = []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append((tag, self.getpos()))


def test_the_first_screen_says_cause_first_step_and_who_waits(browser, scene):
    browser.open(scene.url())
    assert browser.driver.title == f"pghangd: {HUNG + 1} hung"
    assert browser.text("h1") == f"{HUNG + 1} backends are hung"
    card = browser.text("article")
    assert "Waits in a system call that goes on after every signal" in card and "a FIFO that nobody has opened for writing" in card
    assert f"{HUNG} backends of main" in card and f"{WAITERS} wait behind" in card
    assert len(browser.texts("article")) == 2, "each place once"
    step = "return document.querySelector('article .command code')"
    assert browser.js(step + ".textContent") == scene.step.replace("\u202e", "[U+202E]")
    assert browser.js(step + ".getBoundingClientRect().bottom < innerHeight")
    row = browser.js("return [...document.querySelector('tbody tr').cells].map((cell) => cell.innerText.split('\\n')[0])")
    assert (row[0], row[2:6]) == (str(scene.first.pid), ["unresponsive", str(WAITERS), "app @ postgres", "stuck"])
    assert re.fullmatch(r"\d+ s|1 min \d+ s", row[1])
    assert browser.texts("#servers ~ .scroll tbody th") == ["main"]
    bars = browser.js("return [...document.querySelectorAll('.bars svg')].map((one) => one.getAttribute('aria-label'))")
    assert f"{HUNG} incidents in the last 24 hours" in bars[0] and f"{HUNG} incidents in the last 7 days" in bars[1]


def test_an_incident_is_told_from_the_verdict_down_to_its_frames(browser, scene):
    browser.open(scene.url(scene.incident))
    assert browser.text("h1") == f"Backend {scene.first.pid} of main"
    headings = browser.texts("h2")
    assert headings[:3] == ["Waits in a system call that goes on after every signal", "What would free it", "Timeline"]
    assert headings[3:7] == ["Session", "Where it is", "Who waits for whom", "Stacks"]
    stages = browser.texts(".timeline b")
    assert stages == ["matched", "cancel sent", "terminate sent", "unresponsive"]
    assert all(" s" in length for length in browser.texts(".timeline .length"))
    assert "noted by PostgreSQL after" in browser.texts(".timeline li")[2]
    frames = browser.text(".frames")
    assert "open64" in frames and "AllocateFile" in frames and "_start" in frames
    assert len(browser.texts(".waits .box")) == 1 + 7, "the last of them says how many more"
    assert "and 3 more" in browser.texts(".waits .more")
    assert "relation public.queue" in browser.js("return document.querySelector('#waits ~ details pre').textContent")
    assert browser.texts("footer a") == ["as JSON", "as text"]
    browser.driver.find_element("link text", scene.fingerprint.rsplit("/", 1)[-1]).click()
    browser.wait("document.querySelector('h1').innerText.startsWith('Fingerprint')")
    assert f"{HUNG} open now, {HUNG} incidents kept" in browser.text(".lead")
    browser.driver.find_element("css selector", "#incidents ~ .scroll tbody a").click()
    browser.wait("document.querySelector('h1').innerText.startsWith('Backend')")


def copied(browser):
    return browser.js_later("navigator.clipboard.readText()")


def test_a_step_is_copied_by_mouse_and_keyboard_and_that_is_said(browser, scene):
    from selenium.webdriver import Keys

    browser.open(scene.url(scene.incident))
    browser.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    first, last = browser.driver.find_elements("css selector", "#release ~ ol .copy")
    first.click()
    browser.wait("document.getElementById('live').textContent.startsWith('Copied: timeout 5')")
    assert copied(browser) == scene.step.replace("\u202e", "[U+202E]")
    assert first.get_attribute("data-said") == "Copied"
    browser.js("arguments[0].focus()", last)
    browser.press(Keys.ENTER)
    browser.wait("document.getElementById('live').textContent === 'Copied: pg_ctl restart -m immediate'")
    assert copied(browser) == "pg_ctl restart -m immediate"
    # By http from another host there is no navigator.clipboard.
    browser.js("Object.defineProperty(window, 'isSecureContext', {value: false})")
    browser.js("arguments[0].focus()", first)
    browser.press(Keys.SPACE)
    browser.wait("document.getElementById('live').textContent.startsWith('Copied: timeout 5')")
    assert copied(browser).startswith("timeout 5 tee")


def test_the_page_keeps_up_without_a_reload_and_leaves_the_reader_where_he_is(browser, scene):
    browser.open(scene.url(scene.incident))
    browser.js(
        """
        window.mark = 'same page';
        document.querySelector('details').open = true;
        document.querySelector('.frames').scrollLeft = 0;
        document.querySelectorAll('.copy')[1].focus();
        getSelection().selectAllChildren(document.querySelector('.frames b'));
        scrollTo(0, 500);
        window.seen = [];
        new MutationObserver((all) => window.seen.push(...all.map((one) => one.target.nodeName))).observe(
          document.getElementById('main'), {subtree: true, childList: true, attributes: true, characterData: true});
        """
    )
    before, top = browser.text(".lead"), browser.js("return scrollY")
    assert top > 0
    browser.wait(f"document.querySelector('.lead').innerText !== {before!r}", what="a newer age")
    assert browser.js("return window.mark") == "same page"
    assert browser.js("return [scrollY, document.activeElement === document.querySelectorAll('.copy')[1], document.querySelector('details').open]") == [
        top, True, True
    ]
    assert browser.js("return getSelection().toString()") == browser.text(".frames b")
    assert "PRE" not in browser.js("return window.seen"), "what has not changed is not touched"


def test_a_page_whose_daemon_is_gone_says_since_when_it_is_old(browser, scene, cluster, app_name):
    quick = Daemon(scene.daemon.binaries, "/tmp", cluster.dsn("pghangd"), [rule("stuck", app_name)])
    try:
        quick.start().wait_ready()
        browser.open(quick.url)
        browser.wait("document.getElementById('freshness').innerText.startsWith('Updated ')")
    finally:
        quick.stop()
    browser.wait("document.getElementById('freshness').innerText.startsWith('Not updated since ')")
    assert re.fullmatch(r"Not updated since \d\d:\d\d:\d\d UTC: pghangd does not answer", browser.text("#freshness"))
    browser.wait("document.getElementById('live').textContent === document.getElementById('freshness').innerText", what="it is said aloud")
    assert "Servers" in browser.texts("h2"), "what it knew is still there"
    assert page_checks.contrast(browser) == []
    browser.screenshot("not-updated")
    complaints = browser.console()
    assert complaints and all("ERR_CONNECTION_REFUSED" in one for one in complaints), complaints


def test_a_hidden_page_asks_for_nothing_until_it_is_seen_again(browser, scene):
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))"
    browser.open(scene.url())
    browser.wait("performance.getEntriesByType('resource').some((one) => one.initiatorType === 'fetch')")
    browser.js(hide % "true")
    time.sleep(0.5)
    browser.requests()
    time.sleep(3.5)  # it asks every 3 s
    assert browser.requests() == []
    browser.js(hide % "false")
    assert wait_until(browser.requests, 2, "it asks at once") == [scene.url()]
    browser.open(scene.url())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser, scene, scheme):
    browser.media(scheme)
    grounds = set()
    for name, path in scene.pages.items():
        browser.open(scene.url(path))
        browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page_checks.contrast(browser) == [], name
        grounds.add(browser.js("return getComputedStyle(document.body).backgroundColor"))
        browser.screenshot(f"{name}-{scheme}")
    assert grounds == {"rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 21, 24)"}


def test_a_phone_shows_all_without_scrolling_sideways(browser, scene):
    browser.phone()
    for name, path in scene.pages.items():
        browser.open(scene.url(path))
        assert browser.js("return innerWidth") == 390
        assert page_checks.too_wide(browser) == [], name
        browser.screenshot(f"{name}-phone")
    # What is wider than a phone scrolls in its own box, by touch and by keyboard.
    browser.open(scene.url(scene.incident))
    wide = "const box = document.querySelector('.waits').closest('.scroll'); return [box.scrollWidth > box.clientWidth, box.tabIndex]"
    assert browser.js(wide) == [True, 0]
    stacks = browser.js("return [...document.querySelectorAll('#stacks ~ .pair > div')].map((one) => one.getBoundingClientRect().top)")
    assert stacks[1] > stacks[0], "one under the other"


def test_markup_from_clients_and_files_is_shown_and_does_nothing(browser, scene):
    marked = scene.daemon.incident(scene.marked.pid)
    for path in ("/", f"/incidents/{marked['id']}", f"/fingerprints/{marked['diagnosis']['fingerprint']['stable']}"):
        browser.open(scene.url(path))
        time.sleep(0.2)
        assert browser.js("return [window.harm, document.images.length, document.scripts.length]") == [None, 0, 2], path
        assert "onerror=window.harm=2> [U+202E]" in browser.text()
        assert "\u202e" not in browser.js("return document.documentElement.outerHTML")
    browser.open(scene.url(f"/incidents/{marked['id']}"))
    session = browser.texts("#session ~ dl dd")
    assert MARKUP in session and f"SELECT pg_read_file(?) AS {ALIAS}" in session


def test_a_screen_reader_and_a_keyboard_get_everything(browser, scene):
    from selenium.webdriver import Keys

    for name, path in scene.pages.items():
        browser.open(scene.url(path))
        assert page_checks.structure(browser) == [], name
        assert page_checks.nameless(browser) == [], name
        order = [browser.js("return document.activeElement.textContent")]
        for _ in range(4):
            browser.press(Keys.TAB)
            order.append(browser.js("return document.activeElement.textContent"))
            outline = browser.js("const style = getComputedStyle(document.activeElement); return [style.outlineStyle, style.outlineWidth]")
            assert outline == ["solid", "3px"], order
        assert order[1:3] == ["Skip to the content", "pghangd"], name
    browser.open(scene.url())
    browser.press(Keys.TAB, Keys.ENTER)
    assert browser.js("return document.activeElement.id") == "main"
    browser.press(Keys.TAB)
    assert browser.js("return document.activeElement.textContent") == "Copy", "the first step is the first stop"


def test_without_scripts_all_is_there_but_the_buttons(browser, scene):
    browser.scripts(False)
    for path in scene.pages.values():
        browser.open(scene.url(path))
        assert "Without JavaScript this page does not update itself" in browser.text(".top")
        assert browser.js("return [...document.querySelectorAll('.copy')].some((one) => one.checkVisibility())") is False
        assert "timeout 5 tee -a" in browser.text("main")
    assert browser.js("return document.documentElement.className") == ""


def test_nothing_moves_and_paper_has_no_buttons(browser, scene):
    moving = "return [...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).transitionDuration !== '0s').length + document.getAnimations().length"
    for motion in ("reduce", "no-preference"):
        browser.media(motion=motion)
        browser.open(scene.url(scene.incident))
        assert browser.js(moving) == 0
    browser.media(kind="print")
    shown = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility()).length"
    assert browser.js(shown, ".copy, footer, .skip") == 0
    assert browser.js(shown, ".command code, .frames, .waits") >= 4
    browser.screenshot("incident-print")


def test_every_tag_is_closed(scene, browser):
    browser.open(scene.url())
    for path in scene.pages.values():
        parser = Balance()
        parser.feed(scene.daemon.get(path)[1])
        assert (parser.open, parser.wrong) == ([], [])


def test_every_answer_forbids_what_is_not_the_pages_own(scene, browser):
    browser.open(scene.url())
    with urllib.request.urlopen(scene.url(), timeout=5) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy and "*" not in policy
    refused = browser.js_later("new Promise((done) => { document.addEventListener('securitypolicyviolation', (event) => done(event.violatedDirective)); const script = document.createElement('script'); script.textContent = 'window.harm = 4'; document.head.append(script); })")
    assert refused == "script-src-elem" and browser.js("return window.harm") is None
    assert len(browser.console()) == 1


# The last one: it leaves an incident behind.
def test_a_new_hang_appears_and_goes_by_itself(browser, scene, cluster):
    fifo = cluster.fifo("page-appears")
    stuck = scene.session()
    heading = "document.querySelector('h1').innerText === '%d backends are hung'"
    browser.open(scene.url())
    browser.js("window.mark = 1; document.querySelector('footer a').focus()")
    assert browser.js("return " + heading % (HUNG + 1))
    try:
        stuck.start(f"COPY t FROM '{fifo}'")
        browser.wait(heading % (HUNG + 2))
        browser.wait(f"document.getElementById('live').textContent === '{HUNG + 2} backends are hung'", what="it is said aloud")
        assert browser.driver.title == f"pghangd: {HUNG + 2} hung"
        assert str(stuck.pid) in browser.texts("article:first-of-type tbody th")
    finally:
        release_fifo(fifo)
    browser.wait(heading % (HUNG + 1))
    assert "resolved: self resolved" in browser.text("#recent ~ .scroll")
    assert browser.js("return [window.mark, document.activeElement === document.querySelector('footer a')]") == [1, True]
