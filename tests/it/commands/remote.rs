//! A server that refuses, is none, is gone, or loses what it answered: one sentence, and never the key.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Authority, Finished, GatepostProcess, Installation, acceptor, eventually, finish};

struct Remote {
    here: Installation,
    server: GatepostProcess,
    key: String,
    far: Installation,
}

impl Remote {
    async fn new(variables: &[(&str, &str)]) -> Self {
        let here = Installation::new().await;
        let server =
            GatepostProcess::start_with(&here, |command| command.envs(variables.iter().copied())).await;
        let key = here.run(&["api-key", "create", "--label", "Commands", "--scope", "*"]).await.stdout();
        Self { here, server, key: key.trim().to_owned(), far: Installation::new().await }
    }

    fn address(&self) -> SocketAddr {
        self.server.url.trim_start_matches("http://").parse().unwrap()
    }

    async fn ask(&self, url: &str, variables: &[(&str, &str)], command: &[&str]) -> Finished {
        let mut program = self.far.command(&[command, &["--server", url]].concat());
        program.env("GATEPOST_API_KEY", &self.key).envs(variables.iter().copied());
        let finished = finish(program, "").await;
        assert!(!finished.stderr.contains(&self.key), "{finished:?}");
        finished
    }

    async fn complaint(&self, url: &str, variables: &[(&str, &str)]) -> String {
        let finished = self.ask(url, variables, &["credential", "list"]).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        finished.complaint()
    }
}

/// Answers every request with this, and ends the connection.
async fn answering(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = client.read(&mut request).await;
            let _ = client.write_all(text.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_one_sentence_that_names_it_and_never_the_key() {
    let remote = Remote::new(&[]).await;
    let url = remote.server.url.as_str();
    let wrong = [("GATEPOST_API_KEY", "gp-sk-wrong")];
    assert!(
        remote.complaint(url, &wrong).await.contains(&format!("{url}/ refuses the key in GATEPOST_API_KEY"))
    );
    let none = remote.complaint(url, &[("GATEPOST_API_KEY", "")]).await;
    assert!(none.contains("GATEPOST_API_KEY holds no key"), "{none}");
    let garbled = remote.complaint(url, &[("GATEPOST_API_KEY", "gp-sk-\nx")]).await;
    assert!(garbled.contains("no key") && !garbled.contains("gp-sk-"), "{garbled}");

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = remote.complaint(&format!("http://{free}"), &[]).await;
    assert!(gone.contains(&format!("http://{free}/ can't be reached")), "{gone}");
    let silent = answering("").await;
    assert!(remote.complaint(&silent, &[]).await.contains("does not answer"));
    let other = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n<html").await;
    assert!(remote.complaint(&other, &[]).await.contains("is it Gatepost?"));
    let broken =
        answering("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let said = remote.complaint(&broken, &[]).await;
    assert!(said.contains(&broken) && said.contains("502 Bad Gateway"), "{said}");
    let rude = "HTTP/1.1 400 Bad Request\r\ncontent-length: 40\r\nconnection: close\r\n\r\n{\"message\": \"no \\u001b[2J\\u202e better\"}";
    let said = remote.complaint(&answering(rude).await, &[]).await;
    assert!(
        said.contains("no \u{fffd}[2J\u{fffd} better"),
        "what a terminal would obey is taken out: {said:?}"
    );
    let moved = "HTTP/1.1 301 Moved\r\nlocation: https://new.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let said = remote.complaint(&answering(moved).await, &[]).await;
    assert!(said.contains("leads elsewhere, to https://new.example/"), "{said}");

    for address in [
        "gatepost.example",
        "ftp://gatepost.example",
        "https://alice:s3cr3t@gatepost.example",
        "https://x/?q=s3cr3t",
    ] {
        let said = remote.complaint(address, &[]).await;
        assert!(said.contains("https://HOST") && !said.contains("s3cr3t"), "{address}: {said}");
    }
    let clear = remote.complaint("http://gatepost.example", &[]).await;
    assert!(
        clear.contains("http://gatepost.example/ is not encrypted") && clear.contains("--allow-http"),
        "{clear}"
    );
}

#[tokio::test]
async fn vouching_and_local_commands_are_no_business_of_a_server() {
    let remote = Remote::new(&[]).await;
    remote.here.run(&["domain", "add", "shop.example"]).await.stdout();
    let vouching =
        remote.ask(&remote.server.url, &[], &["domain", "verify", "--force", "shop.example"]).await;
    assert!(vouching.complaint().contains("on the server's own machine"));
    let local = remote.ask(&remote.server.url, &[], &["user", "list"]).await;
    assert_eq!(local.code, Some(2), "{local:?}");
    for command in [["credits", "show"], ["user", "list"]] {
        let mut program = remote.far.command(&command);
        program.env("GATEPOST_SERVER", &remote.server.url);
        let said = finish(program, "").await.complaint();
        assert!(said.contains("on the server's own machine") && said.contains(&remote.server.url), "{said}");
    }
}

/// Between a client and a server: loses the first answer to a POST.
async fn losing_an_answer(server: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let lost = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, TcpStream::connect(server).await.unwrap(), lost.clone()));
        }
    });
    url
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, lost: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut loses = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                server.write_all(&asked[..read]).await.unwrap();
                loses |= asked.starts_with(b"POST") && !lost.swap(true, Ordering::SeqCst);
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                if loses {
                    return; // It was done.
                }
                client.write_all(&answered[..read]).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_password_whose_answer_was_lost_on_the_way_is_had_all_the_same() {
    let remote = Remote::new(&[]).await;
    let url = losing_an_answer(remote.address()).await;
    let created = remote.ask(&url, &[], &["credential", "create", "--name", "Shop", "--json"]).await.stdout();
    let created: serde_json::Value = created.parse().unwrap();
    let [username, password] = ["username", "password"].map(|key| created[key].as_str().unwrap());
    let mut session = remote.server.smtp().await.encrypted().await;
    assert_eq!(session.log_in(username, password).await.code, 235);
    let listed = remote.here.run(&["credential", "list", "--json"]).await.stdout();
    assert_eq!(listed.lines().count(), 1, "it was created once: {listed}");
}

#[tokio::test]
async fn who_asks_too_much_waits_as_long_as_the_server_says() {
    let remote = Remote::new(&[("GATEPOST_API_REQUESTS_PER_SECOND", "1"), ("GATEPOST_API_BURST", "1")]).await;
    // On a busy machine one command may be no faster than it may be; then the next one is.
    eventually("one asks too much", async || {
        let listed = remote.ask(&remote.server.url, &[], &["credential", "list"]).await.stdout();
        assert!(listed.starts_with("NAME"), "{listed}");
        remote.server.log().contains("status=429").then_some(())
    })
    .await;
}

async fn encrypt(server: SocketAddr, authority: &Authority) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let acceptor = acceptor(authority);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(client) = acceptor.accept(socket).await else { continue };
            tokio::spawn(join(client, TcpStream::connect(server).await.unwrap()));
        }
    });
    url
}

async fn join(mut client: impl AsyncRead + AsyncWrite + Unpin, mut server: TcpStream) {
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_certificate_is_believed_if_this_machine_trusts_it_and_no_secret_is_traced() {
    let remote = Remote::new(&[]).await;
    let authority = Authority::new(remote.far.dir());
    let url = encrypt(remote.address(), &authority).await;
    let trusting = [("SSL_CERT_FILE", authority.root.to_str().unwrap()), ("GATEPOST_LOG_LEVEL", "trace")];
    let created = remote.ask(&url, &trusting, &["credential", "create", "--env"]).await;
    let password = created.stdout.lines().find_map(|line| line.strip_prefix("SMTP_PASSWORD=")).unwrap();
    assert!(!created.stderr.contains(password), "{}", created.stderr);
    let stranger = remote.complaint(&url, &[]).await;
    assert!(stranger.contains(&url) && stranger.contains("certificate"), "{stranger}");
}
