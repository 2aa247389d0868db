//! Commands as people type them: at a terminal.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::{Installation, eventually};

const PHRASE: &str = "correct horse battery staple";

#[tokio::test]
async fn a_password_is_typed_unseen_and_ends_with_its_line() {
    let here = Installation::new().await;
    let gatepost = env!("CARGO_BIN_EXE_gatepost");
    let line = format!("tty; exec '{gatepost}' user create alice@acme.example");
    // A terminal of its own.
    let mut script = Command::new("script");
    script
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("GATEPOST_DATA_DIR", here.dir());
    script.env("DATABASE_URL", here.database().url()).current_dir(here.dir());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = script.spawn().expect("script of util-linux");
    let mut input = child.stdin.take().expect("an input");
    let mut output = BufReader::new(child.stdout.take().expect("an output"));
    let mut terminal = String::new();
    output.read_line(&mut terminal).await.expect("the terminal's name");
    eventually("nothing that is typed is shown", async || {
        let state = Command::new("stty").args(["-a", "-F", terminal.trim()]).output().await.expect("stty");
        String::from_utf8_lossy(&state.stdout).contains("-echo ").then_some(())
    })
    .await;
    input.write_all(format!("{PHRASE}\n").as_bytes()).await.expect("typed");
    let mut said = String::new();
    // A terminal that is gone ends the reading in its own way.
    let _ = output.read_to_string(&mut said).await;
    assert!(said.contains("Password: ") && said.contains("Created alice@acme.example"), "{said}");
    assert!(!said.contains(PHRASE), "{said}");
    assert!(child.wait().await.expect("it ends").success());
}

#[tokio::test]
async fn a_password_from_a_pipe_is_its_first_line_whether_or_not_more_may_come() {
    let here = Installation::new().await;
    let mut command = here.command(&["user", "create", "alice@acme.example"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("an input");
    input.write_all(format!("{PHRASE}\nand more").as_bytes()).await.expect("written");
    let mut said = String::new();
    child.stdout.take().expect("an output").read_to_string(&mut said).await.expect("read");
    assert!(said.contains("Created alice@acme.example"), "{said}");
    drop(input);
}
