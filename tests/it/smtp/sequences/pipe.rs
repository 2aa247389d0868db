//! A client and the real conversation at the two ends of a pipe in memory.

use std::io;
use std::iter::Cycle;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

use gatepost::app::App;
use gatepost::smtp::connection::Connection;
use gatepost::smtp::conversation::Conversation;
use gatepost::smtp::submission::Submission;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf, duplex,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::model::Model;
use crate::support::{PATIENCE, Reply, TestApp};

/// More than all that is said.
const ROOM: usize = 1_000_000;
/// The largest piece that the door gets at a time.
const MOST: usize = 128;

pub struct Client {
    stream: BufReader<DuplexStream>,
    said: Vec<u8>,
    heard: Vec<Reply>,
}

impl Client {
    /// The door gets what is said in pieces of at most these sizes.
    pub fn of(app: &TestApp, sizes: Vec<usize>) -> Self {
        let (near, far) = duplex(ROOM);
        let sizes = sizes.into_iter().cycle();
        tokio::spawn(serve(app.app.clone(), Cut { stream: far, sizes }));
        Self { stream: BufReader::new(near), said: Vec::new(), heard: Vec::new() }
    }

    /// Says it to the door and to the model, unless the conversation is over.
    pub async fn says(&mut self, model: &mut Model, bytes: &[u8]) {
        if model.is_over {
            return;
        }
        model.hears(bytes);
        self.said.extend_from_slice(bytes);
        // A door that has left too early has said too little.
        let _ = self.stream.write_all(bytes).await;
    }

    /// Hears all that the door should have said by now.
    pub async fn waits(&mut self, model: &Model) {
        while self.heard.len() < model.expected.len() {
            if !self.hears().await {
                return;
            }
        }
    }

    /// Says no more, and returns what was said and heard up to the end.
    pub async fn ends(mut self) -> (Vec<u8>, Vec<Reply>) {
        let _ = self.stream.shutdown().await;
        while self.hears().await {}
        (self.said, self.heard)
    }

    /// Whether there was one more reply.
    async fn hears(&mut self) -> bool {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = timeout(PATIENCE, self.stream.read_line(&mut line)).await;
            let said = || self.said.escape_ascii();
            let read = read.unwrap_or_else(|_| panic!("{:?} and no more after {}", self.heard, said()));
            if read.expect("text") == 0 {
                assert!(lines.is_empty(), "half a reply: {lines:?}");
                return false;
            }
            let line = line.strip_suffix("\r\n").expect("a whole line");
            let (code, text) = line.split_at(3);
            lines.push(text[1..].to_owned());
            if text.starts_with(' ') {
                self.heard.push(Reply { code: code.parse().expect("a code"), lines });
                return true;
            }
        }
    }
}

/// As a connection with implicit TLS is served once its handshake is done.
async fn serve(app: App, stream: Cut) {
    let submission = Submission::new(app).expect("settings");
    let client = Ipv4Addr::LOCALHOST.into();
    let mut conversation = Conversation::new(submission, client, CancellationToken::new());
    conversation.encrypted();
    let mut connection = Connection::new(stream);
    conversation.greet(&mut connection);
    conversation.talk(&mut connection).await;
    connection.close().await;
}

/// Reads never more at a time than the next of these sizes.
struct Cut {
    stream: DuplexStream,
    sizes: Cycle<IntoIter<usize>>,
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.sizes.next().unwrap_or(MOST).min(MOST).min(buffer.remaining());
        let mut room = [0; MOST];
        let mut piece = ReadBuf::new(&mut room[..size]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        buffer.put_slice(piece.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
