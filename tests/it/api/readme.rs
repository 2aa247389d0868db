//! The example of the README, run as it is printed.

use tokio::process::Command;

use super::Program;
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_readme_creates_rotates_and_deletes() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```python\n").expect("an example");
    let (script, _) = rest.split_once("```").expect("its end");
    assert!(script.lines().count() <= 10, "{script}");
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/python/bin/python"));
    command.args(["-c", script]).env("GATEPOST_SERVER", &app.url);
    let output = command.env("GATEPOST_API_KEY", program.key()).output().await.expect("Python");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let lines: Vec<&str> = text.lines().collect();
    let [username, first, second] = lines[..] else { panic!("{text}") };
    assert!(username.starts_with("SMTP_USERNAME=smtp_") && first.starts_with("SMTP_PASSWORD=sk_"), "{text}");
    assert!(second.starts_with("SMTP_PASSWORD=sk_") && second != first, "{text}");
    assert_eq!(program.get("/smtp-credentials").await.body["data"].as_array().map(Vec::len), Some(0));
}
