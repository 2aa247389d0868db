//! The keyboard alone.

use chromiumoxide::cdp::browser_protocol::input::{DispatchKeyEventParams, DispatchKeyEventType};
use serde_json::json;

use super::Browser;

/// A key by its name (UI Events), with its code of old and the text that it types.
#[derive(Clone, Copy, Debug)]
pub struct Key(&'static str, i64, &'static str);

pub const TAB: Key = Key("Tab", 9, "");
pub const ENTER: Key = Key("Enter", 13, "\r");
pub const ESCAPE: Key = Key("Escape", 27, "");
pub const SPACE: Key = Key(" ", 32, " ");
pub const DOWN: Key = Key("ArrowDown", 40, "");

#[derive(serde::Deserialize)]
struct Focus {
    name: String,
    /// Whether one can see it.
    seen: bool,
}

impl Browser {
    pub async fn press(&self, Key(name, code, text): Key) {
        for kind in [DispatchKeyEventType::KeyDown, DispatchKeyEventType::KeyUp] {
            let mut event = DispatchKeyEventParams::builder()
                .r#type(kind.clone())
                .key(name)
                .windows_virtual_key_code(code);
            if kind == DispatchKeyEventType::KeyDown && !text.is_empty() {
                event = event.text(text);
            }
            self.page
                .execute(event.build().expect("an event of the keyboard"))
                .await
                .expect("the keyboard works");
        }
    }

    /// Presses Tab until what is called so has the focus; fails where the focus can't be seen on the way.
    pub async fn tab_to(&self, name: &str) {
        let mut way = Vec::new();
        while way.len() < 80 {
            self.press(TAB).await;
            let focus: Focus = self.look("the focus", "focused", json!([])).await;
            assert!(focus.seen, "one can't see that “{}” has the focus", focus.name);
            if focus.name == name {
                return;
            }
            way.push(focus.name);
        }
        panic!("Tab does not lead to “{name}” but over {way:?}");
    }

    /// The name of what has the focus.
    pub async fn focused(&self) -> String {
        self.look::<Focus>("the focus", "focused", json!([])).await.name
    }
}
