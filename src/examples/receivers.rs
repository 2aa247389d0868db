//! How an endpoint of webhooks tells a genuine request: with the public libraries of Standard Webhooks, and by hand. Each takes
//! the secret from its environment and holds nothing of it.

use super::Example;

const ANYWHERE: &str = "Standard Webhooks has libraries for Go, Java, Rust, Ruby, PHP, C# and Elixir too. Requests that are more than \
                        5 minutes old are refused by them: keep the clock right.";

/// All of them, in the order in which they are shown.
pub fn receivers() -> Vec<Example> {
    let example = |id, title, text: &str, note: Option<&str>| Example {
        id,
        title,
        text: text.trim_end().to_owned(),
        note: note.map(str::to_owned),
    };
    vec![
        example("python", "Python", include_str!("../../templates/examples/receiver.py"), Some(ANYWHERE)),
        example("node", "Node", include_str!("../../templates/examples/receiver.mjs"), Some(ANYWHERE)),
        example("shell", "Shell", include_str!("../../templates/examples/receiver.sh"), None),
    ]
}
