//! Bodies that come piece by piece: never more than a piece of a message in memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::Instrument;

use crate::app::App;
use crate::error::{Error, Result};
use crate::id::{MessageId, OrganizationId};
use crate::model::Message;

/// An answer's body. One that fails in the middle is cut off, so that nobody takes a part for the whole.
pub struct Pieces(pub Receiver<Result<Bytes>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(hyper::body::Frame::data)))
    }
}

/// The whole of a message as it was taken; none when it is not kept.
pub async fn source(app: &App, organization: OrganizationId, id: MessageId) -> Result<Option<Body>> {
    let first = Message::piece(&mut *app.db.read().await?, organization, id, 0).await?;
    let Some(first) = first else { return Ok(None) };
    let (sender, pieces) = channel(1);
    let app = app.clone();
    tokio::spawn(async move { read_on(&app, (organization, id), (first, sender)).await }.in_current_span());
    Ok(Some(Body::new(Pieces(pieces))))
}

/// Reads a piece when the one before it is on its way. A connection is held only while it reads: clients may be slow.
async fn read_on(
    app: &App,
    (organization, id): (OrganizationId, MessageId),
    (first, sender): (Vec<u8>, Sender<Result<Bytes>>),
) {
    let (mut piece, mut position) = (Ok(Some(first)), 0);
    while let Some(part) = piece.transpose() {
        let is_over = part.is_err();
        if sender.send(part.map(Bytes::from)).await.is_err() || is_over {
            return;
        }
        position += 1;
        piece = match app.db.read().await {
            Ok(mut connection) => Message::piece(&mut connection, organization, id, position).await,
            Err(error) => Err(error),
        };
    }
}
