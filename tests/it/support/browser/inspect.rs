//! Looks at a page as its users do: large and small, light and dark; keeps the pictures, and asks axe-core.

use std::path::Path;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotFormat, CaptureScreenshotParams};
use serde_json::{Value, json};

use super::{Browser, DESK, PHONE, Screen};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What axe-core is asked about; the answer: one line for each place that breaks a rule.
const AXE: &str = r#"axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
    .then(({ violations }) => violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(" ")} ${node.failureSummary.replaceAll("\n", " ")}`)))"#;

impl Browser {
    /// Keeps `target/screenshots/NAME-{1280,390}-{light,dark}.png`; fails the test where axe-core finds something, or where the page
    /// is wider than the screen.
    pub async fn inspect(&mut self, name: &str) {
        let flaws = self.flaws(name).await;
        assert!(flaws.is_empty(), "{flaws:#?}");
    }

    pub async fn flaws(&mut self, name: &str) -> Vec<String> {
        let (before, mut flaws) = (self.screen, Vec::new());
        for (width, dark) in
            [(DESK.width, false), (DESK.width, true), (PHONE.width, false), (PHONE.width, true)]
        {
            self.look_at(Screen { width, dark }).await;
            self.is_painted().await;
            let place = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
            self.keep_picture(&place).await;
            let overflow: i64 = self.look("a width", "overflow", json!([])).await;
            let height: i64 = self.look("a height", "height", json!([])).await;
            if (901..910).contains(&height) {
                flaws.push(format!("{place}: {} px longer than the screen, for nothing", height - 900));
            }
            if overflow > 0 {
                flaws.push(format!("{place}: {overflow} px wider than the screen"));
            }
            flaws.extend(self.axe().await.into_iter().map(|violation| format!("{place}: {violation}")));
        }
        self.look_at(before).await;
        flaws
    }

    /// Waits until the page has been drawn as it is now.
    async fn is_painted(&self) {
        let frames =
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
        self.evaluate(frames).await.expect("the page is drawn");
    }

    /// The whole page, however long.
    async fn keep_picture(&self, name: &str) {
        let height: i64 = self.look("a height", "height", json!([])).await;
        self.resize(height.clamp(900, 6_000)).await;
        self.is_painted().await;
        let picture = CaptureScreenshotParams::builder().format(CaptureScreenshotFormat::Png).build();
        let picture = self.page.execute(picture).await.expect("a picture").result.data;
        let picture = STANDARD.decode(picture).expect("Base64");
        let dir = Path::new(ROOT).join("target/screenshots");
        std::fs::create_dir_all(&dir).expect("a directory for pictures");
        std::fs::write(dir.join(format!("{name}.png")), picture).expect("a picture is kept");
        self.resize(900).await;
    }

    async fn axe(&self) -> Vec<String> {
        if self.evaluate("typeof axe").await != Some(json!("object")) {
            self.evaluate(&format!("{}\n; true", axe_core())).await.expect("axe-core can be loaded");
        }
        let answer = self.evaluate(AXE).await.unwrap_or(Value::Null);
        serde_json::from_value(answer).expect("a list of violations")
    }
}

fn axe_core() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let file = Path::new(ROOT).join("target/tools/node/node_modules/axe-core/axe.min.js");
        std::fs::read_to_string(file).expect("axe-core is there: tests/run installs it")
    })
}
