"""In a real browser: the server's own page, and the client that the openEO Web Editor is built on, from elsewhere."""

import functools
import http.server
import json
import shutil
import threading
from pathlib import Path

import backends
import pytest
from test_server import MEAN_MAP

NODE_MODULES = Path(__file__).parents[1] / ".node" / "node_modules"
SCRIPTS = ("axios/dist/axios.min.js", "@openeo/js-client/openeo.min.js")
PATIENCE = 60

ELSEWHERE = """
<!doctype html><title>elsewhere</title><pre id="found"></pre>
<script src="axios.min.js"></script><script src="openeo.min.js"></script>
<script>
async function visit() {
  const connection = await OpenEO.connect("ADDRESS");
  await connection.authenticateBasic("drylands", "PASSWORD");
  const { collections } = await connection.listCollections();
  const { processes } = await connection.listProcesses();
  const builder = await connection.buildProcess();
  const process = { process_graph: GRAPH };
  const errors = await connection.validateProcess(process);
  const job = await connection.createJob(process, "from the browser");
  await job.startJob();
  while (!["finished", "error"].includes(job.status)) {
    await new Promise(done => setTimeout(done, 200));
    await job.describeJob();
  }
  const result = await connection.computeResult(process);
  return { collections: collections.map(one => one.id), processes: processes.length, errors: errors.length,
           builder: typeof builder.load_collection, job: job.status, bytes: result.data.size };
}
visit().catch(error => ({ error: error.message })).then(found => {
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>
"""


@pytest.fixture(scope="module")
def browser():
    """Chromium without a screen, and without the services that a browser phones."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"):
        options.add_argument(f"--{flag}")
    options.add_argument("--disable-background-networking")
    options.add_argument("--disable-component-update")
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with backends.served(tmp_path_factory.mktemp("browsed")) as served:
        yield served


def until(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE, poll_frequency=0.1).until(condition)


def paste(browser, text):
    """Put a text where one would be typed; a graph is too long to be typed letter by letter."""
    script = "const e = document.getElementById('graph'); e.value = arguments[0]; e.dispatchEvent(new Event('input'));"
    browser.execute_script(script, text)


def texts(browser, selector):
    """What stands in the elements; in one step, since the page renews its rows."""
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
    )


def test_the_page_draws_a_graph_and_tells_what_is_wrong_with_one(browser, server):
    browser.get(server.url)
    assert texts(browser, "#address") == [server.url]
    paste(browser, json.dumps(MEAN_MAP))
    assert texts(browser, "#drawing text:not(.id)") == ["load_collection", "reduce_dimension"]
    assert len(browser.find_elements("css selector", "#drawing path")) == 1
    assert len(browser.find_elements("css selector", "#drawing .result")) == 1
    circle = {name: {"process_id": "ln", "arguments": {"x": {"from_node": other}}} for name, other in ("ab", "ba")}
    paste(browser, json.dumps(circle))
    assert texts(browser, "#told") == ["the graph runs in a circle at node a"]
    assert texts(browser, "#drawing text") == []


def test_the_page_shows_jobs_their_states_and_logs(browser, server):
    job = server.connect().create_job(MEAN_MAP, title="the mean")
    browser.get(server.url)
    field, button = browser.find_element("id", "password"), browser.find_element("css selector", "#login button")
    field.send_keys("a guess")
    button.click()
    assert "password" in until(browser, lambda page: texts(page, "#answer")[0])
    field.clear()
    field.send_keys(backends.PASSWORD)
    button.click()
    until(browser, lambda page: texts(page, "#jobs tr td:nth-child(2)") == ["created"])
    job.start_and_wait(max_poll_interval=0.2, print=lambda line: None)
    until(browser, lambda page: texts(page, "#jobs tr td:nth-child(2)") == ["finished"])
    browser.execute_script("document.querySelector('#jobs tr').click()")
    until(browser, lambda page: "info" in texts(page, "#log")[0])


def test_the_client_of_the_web_editor_works_from_another_address(browser, server, tmp_path):
    if not all((NODE_MODULES / script).exists() for script in SCRIPTS):
        pytest.skip("@openeo/js-client is not there: make node-tools")
    for script in SCRIPTS:
        shutil.copy(NODE_MODULES / script, tmp_path)
    page = ELSEWHERE.replace("ADDRESS", server.url).replace("PASSWORD", backends.PASSWORD)
    (tmp_path / "index.html").write_text(page.replace("GRAPH", json.dumps(MEAN_MAP)), "utf-8")
    with elsewhere(tmp_path) as address:
        browser.get(address)
        found = json.loads(until(browser, lambda page: texts(page, "#found")[0] or False))
    assert found.pop("processes") > 100, found
    assert found.pop("bytes") > 1000
    expected = {"collections": ["formula"], "errors": 0, "builder": "function", "job": "finished"}
    assert found == expected


class elsewhere:  # noqa: N801 (reads as a phrase)
    """A folder on another port, which is another origin to a browser."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        handler = functools.partial(Silent, directory=str(self.folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/index.html"

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *line):
        """Nothing on stderr."""
