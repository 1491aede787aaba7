"""Where an alert's link begins: as configured, as the flag says over it, else where pghangd listens."""

import re
import urllib.request

from support.daemon import rule

CONFIGURED = "web:\n  external_url: https://db1.example.com/hang/"


def web_info(url):
    with urllib.request.urlopen(url + "/metrics", timeout=5) as answer:
        return re.findall(r'^pghangd_web_info\{external_url="(.*)"\} 1$', answer.read().decode(), re.M)


def test_links_begin_where_pghangd_listens_unless_it_is_told_otherwise(daemon, app_name):
    here = daemon([rule("none", app_name)])
    assert web_info(here.url) == [here.url]
    told = daemon([rule("none", app_name)], extra=CONFIGURED)
    assert web_info(told.url) == ["https://db1.example.com/hang"]


def test_the_flag_goes_before_the_file(daemon, start_pghangd, app_name):
    config = daemon([rule("none", app_name)], extra=CONFIGURED).config
    run = start_pghangd("run", "--config.file", config, "--web.listen-address", "127.0.0.1:0", "--web.external-url", "https://db9/")
    url = None
    while url is None:
        line = run.stderr.readline()
        assert line, "it ended"
        found = re.search(r"event=listening url=(\S+)/", line)
        url = found and found[1]
    assert web_info(url) == ["https://db9"]


def test_what_no_link_can_begin_with_is_refused(pghangd):
    answer = pghangd("run", "--web.external-url", "db1:10187")
    assert answer.returncode == 64
    assert "https://db1.example.com:10187" in answer.stderr
