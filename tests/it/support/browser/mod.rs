//! A person at the dashboard with a browser: sees, reads, clicks and types; fails the test on anything that a good page never does.

mod chromium;
mod inspect;
pub mod keyboard;
mod watch;

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::browser::{
    BrowserContextId, PermissionDescriptor, PermissionSetting, SetPermissionParams,
};
use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams, SetScriptExecutionDisabledParams,
};
use chromiumoxide::cdp::browser_protocol::input::{
    DispatchMouseEventParams, DispatchMouseEventType, InsertTextParams, MouseButton,
};
use chromiumoxide::cdp::browser_protocol::network::CookieParam;
use chromiumoxide::cdp::browser_protocol::target::{
    CreateBrowserContextParams, CreateTargetParams, DisposeBrowserContextParams,
};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Visitor, eventually, in_time};
use chromium::chromium;
use watch::Watch;

const QUESTIONS: &str = include_str!("page.js");

pub struct Browser {
    page: Page,
    context: BrowserContextId,
    watch: Watch,
    /// The dashboard's address.
    url: String,
    screen: Screen,
    closed: bool,
}

/// What the pages are looked at on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// In CSS pixels.
    pub width: u32,
    pub dark: bool,
}

pub const DESK: Screen = Screen { width: 1280, dark: false };
pub const PHONE: Screen = Screen { width: 390, dark: false };

impl Browser {
    /// A private window at a desk. `url`: the dashboard's address.
    pub async fn open(url: &str) -> Self {
        let context = chromium().execute(CreateBrowserContextParams::default()).await.expect("a context");
        let context = context.result.browser_context_id;
        let target = CreateTargetParams::builder().url("about:blank").browser_context_id(context.clone());
        let page = chromium().new_page(target.build().expect("a target")).await.expect("a page");
        let watch = Watch::over(&page, url).await;
        let mut browser = Self { page, context, watch, url: url.to_owned(), screen: DESK, closed: false };
        browser.look_at(DESK).await;
        browser
    }

    /// The same on a phone.
    pub async fn open_on_a_phone(url: &str) -> Self {
        let mut browser = Self::open(url).await;
        browser.look_at(PHONE).await;
        browser
    }

    /// The same in a browser that runs no scripts.
    pub async fn open_without_scripts(url: &str) -> Self {
        let browser = Self::open(url).await;
        let disabled = SetScriptExecutionDisabledParams::new(true);
        browser.page.execute(disabled).await.expect("scripts can be switched off");
        browser
    }

    pub async fn look_at(&mut self, screen: Screen) {
        self.screen = screen;
        self.resize(900).await;
        let feature =
            |name: &str, value: &str| MediaFeature { name: name.to_owned(), value: value.to_owned() };
        let scheme = feature("prefers-color-scheme", if screen.dark { "dark" } else { "light" });
        let media =
            SetEmulatedMediaParams::builder().features([scheme, feature("prefers-reduced-motion", "reduce")]);
        self.page.execute(media.build()).await.expect("media can be emulated");
    }

    async fn resize(&self, height: i64) {
        let Screen { width, .. } = self.screen;
        let metrics = SetDeviceMetricsOverrideParams::new(i64::from(width), height, 1.0, width < 600);
        self.page.execute(metrics).await.expect("screens can be emulated");
    }

    /// Goes on as who has logged in there.
    pub async fn take_over(&self, visitor: &Visitor) {
        let cookie = visitor.cookie().expect("somebody who has logged in");
        let (name, value) = cookie.split_once('=').expect("a name and a value");
        let cookie = CookieParam::builder().name(name).value(value).url(&self.url).build().expect("a cookie");
        self.page.set_cookie(cookie).await.expect("the cookie is taken");
    }

    /// Lets scripts read the clipboard without asking.
    pub async fn may_read_the_clipboard(&self) {
        let grant = SetPermissionParams::builder()
            .permission(PermissionDescriptor::new("clipboard-read"))
            .setting(PermissionSetting::Granted)
            .origin(&self.url)
            .browser_context_id(self.context.clone());
        chromium().execute(grant.build().expect("a permission")).await.expect("it is granted");
    }

    /// From now on an answer with this status is no reason to complain: the test asks for it.
    pub fn expects(&self, status: u16) {
        self.watch.expects(status);
    }

    /// Opens a page of the dashboard by its path, or by its whole address.
    pub async fn goto(&self, path: &str) {
        let address = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.page.goto(address).await.expect("the page loads");
    }

    /// Clicks what is called so: a button, a link, a check box …
    pub async fn click(&self, name: &str) {
        let point = self.look(&format!("something to click called “{name}”"), "pointOf", json!([name])).await;
        self.click_at(point).await;
    }

    /// Clicks the first that this CSS selector finds, where names don't tell things apart.
    pub async fn click_on(&self, selector: &str) {
        let point =
            self.look(&format!("something to click at {selector}"), "pointAt", json!([selector])).await;
        self.click_at(point).await;
    }

    async fn click_at(&self, Point { x, y }: Point) {
        use DispatchMouseEventType::{MouseMoved, MousePressed, MouseReleased};
        for kind in [MouseMoved, MousePressed, MouseReleased] {
            let event = DispatchMouseEventParams::builder().r#type(kind).x(x).y(y).button(MouseButton::Left);
            let event = event.click_count(1).build().expect("an event of the mouse");
            self.page.execute(event).await.expect("the mouse works");
        }
    }

    /// Types into the field with this label, in place of what is there.
    pub async fn fill(&self, label: &str, text: &str) {
        let _: bool = self.look(&format!("a field called “{label}”"), "focus", json!([label])).await;
        self.insert(text).await;
    }

    /// Types into what has the focus.
    pub async fn insert(&self, text: &str) {
        self.page.execute(InsertTextParams::new(text)).await.expect("the keyboard works");
    }

    /// Chooses in the field with this label, or sets what can't be typed.
    pub async fn choose(&self, label: &str, value: &str) {
        let _: bool = self.look(&format!("a field called “{label}”"), "set", json!([label, value])).await;
    }

    /// Waits until this can be read on the page, or in the dialog that lies over it.
    pub async fn sees(&self, text: &str) {
        self.reads(text, true).await;
    }

    /// Waits until this can't be read any more.
    pub async fn sees_no(&self, text: &str) {
        self.reads(text, false).await;
    }

    async fn reads(&self, text: &str, there: bool) {
        let read = async || self.read().await.filter(|page| page.contains(text) == there);
        if in_time(read).await.is_none() {
            let page = self.read().await.unwrap_or_default();
            panic!("“{text}” {} in: {page}", if there { "does not stand" } else { "still stands" });
        }
    }

    /// Waits until the address bar shows this path.
    pub async fn is_at(&self, path: &str) {
        eventually(&format!("the address is {path}"), async || {
            self.ask::<String>("path", json!([])).await.filter(|at| at == path).map(drop)
        })
        .await;
    }

    pub async fn path(&self) -> String {
        self.look("an address", "path", json!([])).await
    }

    /// Everything that can be read now.
    pub async fn text(&self) -> String {
        self.look("text", "text", json!([])).await
    }

    async fn read(&self) -> Option<String> {
        self.ask("text", json!([])).await
    }

    pub async fn text_of(&self, selector: &str) -> String {
        self.look(selector, "textOf", json!([selector])).await
    }

    /// What stands in the field with this label.
    pub async fn value_of(&self, label: &str) -> String {
        self.look(&format!("a field called “{label}”"), "valueOf", json!([label])).await
    }

    /// How many of these can be seen now.
    pub async fn count(&self, selector: &str) -> usize {
        self.look(selector, "count", json!([selector])).await
    }

    /// Waits until there is an answer.
    async fn look<T: DeserializeOwned>(&self, what: &str, question: &str, arguments: Value) -> T {
        eventually(what, async || self.ask(question, arguments.clone()).await).await
    }

    /// Asks one of the questions in `page.js`; none while there is no answer, or none yet because the page is not complete, changes,
    /// or waits for what was asked of the server.
    async fn ask<T: DeserializeOwned>(&self, question: &str, arguments: Value) -> Option<T> {
        let script = format!("({QUESTIONS})?.{question}(...{arguments})");
        let answer = self.evaluate(&script).await?;
        serde_json::from_value(answer).ok()
    }

    /// Runs a script in the page, past its Content-Security-Policy; waits for a promise.
    pub async fn evaluate(&self, script: &str) -> Option<Value> {
        let script = EvaluateParams::builder().expression(script).await_promise(true).return_by_value(true);
        let answer = self.page.execute(script.build().expect("a script")).await.ok()?.result;
        if let Some(thrown) = answer.exception_details {
            let why = thrown.exception.and_then(|exception| exception.description).unwrap_or(thrown.text);
            // The page that was asked has gone; the next one answers.
            assert!(why.contains("context") || why.contains("null"), "{why}");
            return None;
        }
        answer.result.value.filter(|value| !value.is_null())
    }

    /// Closes the window; fails the test if anything happened that a good page never does.
    pub async fn close(self) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// Closes the window and says what was wrong.
    pub async fn complaints(mut self) -> Vec<String> {
        self.closed = true;
        let complaints = self.watch.clone().complaints(&self.page).await;
        let context = DisposeBrowserContextParams::new(self.context.clone());
        chromium().execute(context).await.expect("the context goes");
        complaints
    }
}

/// A window that nobody closed was not watched to its end.
impl Drop for Browser {
    fn drop(&mut self) {
        assert!(self.closed || std::thread::panicking(), "the test must close its browser");
    }
}

#[derive(serde::Deserialize)]
struct Point {
    x: f64,
    y: f64,
}
