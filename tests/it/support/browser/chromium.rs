//! One Chromium for all tests of a run, each test in a private context of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};

use chromiumoxide::Browser;
use chromiumoxide::handler::HandlerConfig;
use futures_util::StreamExt;

use crate::support::PATIENCE;

/// Ends Chromium and takes its files away once the tests have ended, whatever ended them: their end closes its input.
const KEEPER: &str = r#"
data=$(mktemp -d) || exit 1
chromium --user-data-dir="$data" "$@" about:blank &
browser=$!
read -r _
kill "$browser"
wait "$browser"
# Its children may write for a moment longer.
for _ in $(seq 50); do
    rm -rf "$data" 2>/dev/null && break
    sleep 0.1
done
"#;

const FLAGS: [&str; 13] = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--no-default-browser-check",
    "--no-first-run",
];

struct Chromium {
    browser: Browser,
    _keeper: Child,
}

/// The browser, started by whoever asks first.
pub fn chromium() -> &'static Browser {
    static CHROMIUM: OnceLock<Chromium> = OnceLock::new();
    &CHROMIUM.get_or_init(launch).browser
}

fn launch() -> Chromium {
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "sh"])
        .args(FLAGS)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut lines = BufReader::new(keeper.stderr.take().expect("its errors")).lines().map_while(Result::ok);
    let mut said = Vec::new();
    let address = lines.by_ref().find_map(|line| {
        let address = line.strip_prefix("DevTools listening on ").map(str::to_owned);
        said.push(line);
        address
    });
    let address =
        address.unwrap_or_else(|| panic!("Chromium does not start (tests/run installs it): {said:?}"));
    std::thread::spawn(move || lines.for_each(drop));
    Chromium { browser: connect(address), _keeper: keeper }
}

/// Each test has a runtime of its own; the connection outlives them on one more.
fn connect(address: String) -> Browser {
    let (found, browser) = mpsc::channel();
    let serve = async move {
        let config = HandlerConfig { viewport: None, request_timeout: PATIENCE, ..HandlerConfig::default() };
        let (browser, mut handler) = Browser::connect_with_config(address, config).await.expect("DevTools");
        found.send(browser).expect("somebody waits");
        while handler.next().await.is_some() {}
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(serve);
    });
    browser.recv().expect("a browser")
}
