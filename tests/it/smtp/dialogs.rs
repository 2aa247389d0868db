//! Runs the transcripts of `tests/dialogs`, each against a Gatepost of its own.
//!
//! | line | meaning |
//! |---|---|
//! | `# …` | the rule, and where it stands |
//! | `@ set NAME VALUE` | a setting, before anything else |
//! | `@ implicit` | connect to the port with implicit TLS |
//! | `<- PATTERN` | the server says a line like this; `*` anything, `?` one character, `250-*` a reply of several lines |
//! | `-> TEXT` | the client says this line |
//! | `=> BYTES` | the client sends these bytes, in one write; `\r`, `\n`, `\0`, `\\`, `\x1f` |
//! | `@ starttls` | the TLS handshake |
//! | `@ closed` | the server hangs up |
//! | `@ sandbox` | … is put into sandbox mode |
//! | `@ revoke` … | the credential is changed meanwhile: also `enable`, `delete`, `rotate`, `rotate with grace`, `end grace`, `expire` |
//!
//! `{username64}`, `{password64}`, `{wrong64}`, `{plain}`, `{plain_wrong}`, `{plain_unknown}`, `{plain_as_self}` and
//! `{plain_as_root}` stand for Base64 made of the test's credential, `{x*9}` for nine times x.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gatepost::model::credential::Grace;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::door::{Door, base64, plain};
use super::wire::Wire;

const WRONG: &str = "sk_00000000000000000000000000000000";
const UNKNOWN: &str = "smtp_0000000000000000";
/// Dialogs that run side by side.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_dialog_goes_as_it_is_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogs");
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut dialogs = JoinSet::new();
    for entry in fs::read_dir(directory).expect("dialogs") {
        let path = entry.expect("a dialog").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("text");
        let places = places.clone();
        dialogs.spawn(async move {
            let _place = places.acquire_owned().await.expect("a place");
            play(&text).await.map_err(|why| format!("{name}:{why}"))
        });
    }
    assert!(dialogs.len() >= 40, "only {} dialogs were found", dialogs.len());
    let failures: Vec<String> = dialogs.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{} dialogs went otherwise:\n{}", failures.len(), failures.join("\n"));
}

/// Plays one dialog; the error begins with the number of its line.
async fn play(text: &str) -> Result<(), String> {
    let settings: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("@ set "))
        .filter_map(|line| line.split_once(' '))
        .collect();
    let door = Door::open_with(&settings).await;
    let implicit = text.lines().any(|line| line == "@ implicit");
    let mut wire = if implicit { door.connect_implicit().await } else { door.connect().await };
    for (number, line) in text.lines().enumerate() {
        step(&door, &mut wire, line).await.map_err(|why| format!("{}: {why}", number + 1))?;
    }
    Ok(())
}

async fn step(door: &Door, wire: &mut Wire, line: &str) -> Result<(), String> {
    let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
    match mark {
        "#" | "" => {}
        "<-" => wire.expects(rest).await?,
        "->" => wire.sends(format!("{}\r\n", filled(door, rest)).as_bytes()).await,
        "=>" => wire.sends(&unescaped(&filled(door, rest))?).await,
        "@" => direct(door, wire, rest).await?,
        _ => return Err(format!("{line:?} is no line of a dialog")),
    }
    Ok(())
}

async fn direct(door: &Door, wire: &mut Wire, what: &str) -> Result<(), String> {
    match what {
        "starttls" => wire.start_tls(&door.certificate().await).await,
        "closed" => wire.is_closed().await?,
        "revoke" => door.revoke().await,
        "enable" => door.enable().await,
        "delete" => door.delete().await,
        "rotate" => door.rotate(Grace::Now).await,
        "rotate with grace" => door.rotate(Grace::OneHour).await,
        "end grace" => door.end_grace().await,
        "expire" => door.expire().await,
        "sandbox" => door.put_into_sandbox().await,
        "implicit" => {}
        what if what.starts_with("set ") => {}
        what => return Err(format!("{what:?} is no direction")),
    }
    Ok(())
}

/// Puts in what stands between braces.
fn filled(door: &Door, text: &str) -> String {
    let (username, password) = (door.credential.username.as_str(), door.credential.password.as_str());
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a closing brace");
        filled.push_str(before);
        filled.push_str(&match name {
            "username64" => base64(username),
            "password64" => base64(password),
            "wrong64" => base64(WRONG),
            "plain" => door.plain(),
            "plain_wrong" => plain("", username, WRONG),
            "plain_unknown" => plain("", UNKNOWN, password),
            "plain_as_self" => plain(username, username, password),
            "plain_as_root" => plain("root", username, password),
            name => {
                let (piece, count) = name.split_once('*').expect("a known name in braces");
                piece.repeat(count.parse().expect("a number"))
            }
        });
        rest = after;
    }
    filled + rest
}

fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b'0') => 0,
                Some(b'\\') => b'\\',
                Some(b'x') => {
                    let digits: Vec<u8> = rest.by_ref().take(2).collect();
                    let digits = String::from_utf8(digits).map_err(|problem| problem.to_string())?;
                    u8::from_str_radix(&digits, 16).map_err(|problem| format!("\\x{digits}: {problem}"))?
                }
                other => return Err(format!("\\{other:?} is no escape")),
            },
            byte => byte,
        });
    }
    Ok(bytes)
}
