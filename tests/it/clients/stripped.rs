//! A door that someone in the middle has taken STARTTLS from, to hear the password in clear.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub struct StrippedDoor {
    pub port: u16,
    said: Arc<Mutex<String>>,
    serving: JoinHandle<()>,
}

impl StrippedDoor {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let said = Arc::<Mutex<String>>::default();
        let serving = tokio::spawn({
            let said = said.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // A client that hangs up has said what it had to say.
                    let _ = converse(stream, &said).await;
                }
            }
        });
        Self { port, said, serving }
    }

    /// What its clients said.
    pub fn close(self) -> String {
        self.serving.abort();
        self.said.lock().expect("no panic").clone()
    }
}

async fn converse(stream: TcpStream, said: &Mutex<String>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 localhost ESMTP\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let reply = match line.to_uppercase().split_whitespace().next().unwrap_or_default() {
            "EHLO" => "250-localhost\r\n250 AUTH PLAIN LOGIN\r\n",
            "STARTTLS" => "502 5.5.1 Command not implemented\r\n",
            "AUTH" => "235 2.7.0 Thank you\r\n",
            "QUIT" => "221 2.0.0 Bye\r\n",
            _ => "250 2.0.0 Ok\r\n",
        };
        said.lock().expect("no panic").push_str(&std::mem::take(&mut line));
        stream.write_all(reply.as_bytes()).await?;
    }
    Ok(())
}
