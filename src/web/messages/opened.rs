//! What a message holds, read for the page. Whoever sent it wrote every byte of it: it is parsed on view, on a thread of its own,
//! and only as much of it is kept as a page shows.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, HeaderName, MessageParser, MessagePart, MimeHeaders, PartType};
use tokio::sync::Semaphore;

use super::frame::{self, Image};
use crate::app::App;
use crate::error::{Error, Result};
use crate::id::{MessageId, OrganizationId};
use crate::mime;
use crate::model::Message;
use crate::web::files::harmless_name;

/// Messages that are open at a time: each is in memory once, and what is encoded in it once more. The others wait.
static PLACES: Semaphore = Semaphore::const_new(3);

/// Bytes of text, and of source, on a page. The rest is for downloading.
const MOST_SHOWN: usize = 256 * 1024;
/// Bytes of HTML in a frame.
const MOST_HTML: usize = 2 * 1024 * 1024;
/// Fields of a header, and attachments, on a page.
const MOST_FIELDS: usize = 500;
const MOST_ATTACHMENTS: usize = 200;

/// A message as its page shows it.
#[derive(Debug, Default)]
pub struct Opened {
    /// The fields of its header, unfolded and decoded.
    pub fields: Vec<(String, String)>,
    pub text: Option<Shown>,
    pub html: Option<HtmlBody>,
    /// The first of them.
    pub attachments: Vec<Attachment>,
    /// How many there are.
    pub attached: i64,
    pub source: Shown,
}

/// Text, perhaps not the whole of it.
#[derive(Debug, Default)]
pub struct Shown {
    pub text: String,
    pub is_cut: bool,
}

#[derive(Debug)]
pub struct HtmlBody {
    /// Whether it asks for pictures from elsewhere.
    pub has_remote_images: bool,
    pub is_cut: bool,
}

#[derive(Debug)]
pub struct Attachment {
    /// From 1 on.
    pub number: usize,
    /// Safe as a name of a file.
    pub name: String,
    /// `image/png`
    pub kind: String,
    /// In bytes, decoded.
    pub size: i64,
}

/// An attachment on its way out.
#[derive(Debug)]
pub struct Extracted {
    pub name: String,
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// Which message, whose.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    pub organization: OrganizationId,
    pub id: MessageId,
}

impl Opened {
    /// None when nothing is kept.
    pub async fn read(app: &App, which: Which) -> Result<Option<Self>> {
        with_content(app, which, |content| Some(Self::of(content))).await
    }

    fn of(content: &[u8]) -> Self {
        let source = Shown::of(content, MOST_SHOWN);
        let Some(message) = mime::parse(content) else {
            return Self {
                source,
                fields: fields(content.get(..MOST_SHOWN).unwrap_or(content)),
                ..Self::default()
            };
        };
        let texts = message.text_bodies().filter_map(|part| match &part.body {
            PartType::Text(text) => Some(text.as_ref()),
            _ => None,
        });
        let attachments = (1..).zip(message.attachments());
        Self {
            fields: fields(content.get(..MOST_SHOWN).unwrap_or(content)),
            text: joined(texts).map(|text| Shown::of(text.as_bytes(), MOST_SHOWN)),
            html: html_of(&message).map(|html| HtmlBody {
                has_remote_images: frame::has_remote_images(&html),
                is_cut: html.len() > MOST_HTML,
            }),
            attachments: attachments
                .take(MOST_ATTACHMENTS)
                .map(|(number, part)| Attachment::of(number, part))
                .collect(),
            attached: i64::try_from(message.attachment_count()).unwrap_or(i64::MAX),
            source,
        }
    }
}

impl Shown {
    fn of(bytes: &[u8], most: usize) -> Self {
        let is_cut = bytes.len() > most;
        let bytes = bytes.get(..most).unwrap_or(bytes);
        Self { text: String::from_utf8_lossy(bytes).into_owned(), is_cut }
    }
}

impl Attachment {
    fn of(number: usize, part: &MessagePart<'_>) -> Self {
        let size = i64::try_from(part.len()).unwrap_or(i64::MAX);
        Self { number, name: name_of(number, part), kind: kind_of(part), size }
    }
}

/// The document for the frame: the HTML with its own pictures in it. None when it has no HTML.
pub async fn document(app: &App, which: Which) -> Result<Option<String>> {
    with_content(app, which, |content| {
        let message = mime::parse(content)?;
        let html = html_of(&message)?;
        let end = html.floor_char_boundary(MOST_HTML);
        let images = message.parts.iter().filter_map(|part| {
            let id = part.content_id()?;
            Some(Image { id, kind: kind_of(part), bytes: part.contents() })
        });
        Some(frame::document(html.get(..end).unwrap_or_default(), &images.collect::<Vec<_>>()))
    })
    .await
}

/// One of its attachments, as its sender had it.
pub async fn attachment(app: &App, which: Which, number: usize) -> Result<Option<Extracted>> {
    with_content(app, which, move |content| {
        let mut message = mime::parse(content)?;
        let index = *message.attachments.get(number.checked_sub(1)?)? as usize;
        if index >= message.parts.len() {
            return None;
        }
        let part = message.parts.swap_remove(index);
        let (name, kind) = (name_of(number, &part), kind_of(&part));
        Some(Extracted { name, kind, bytes: bytes_of(part, content) })
    })
    .await
}

/// Reads what the message holds and gives it to `look`, off the threads that serve everybody.
async fn with_content<T: Send + 'static>(
    app: &App,
    Which { organization, id }: Which,
    look: impl FnOnce(&[u8]) -> Option<T> + Send + 'static,
) -> Result<Option<T>> {
    let place = PLACES.acquire().await.map_err(|_| Error::unavailable("messages are not opened any more"))?;
    let mut connection = app.db.read().await?;
    let content = Message::content(&mut connection, organization, id, usize::MAX).await?;
    drop(connection);
    if content.is_empty() {
        return Ok(None);
    }
    let looked = tokio::task::spawn_blocking(move || {
        let _place = place;
        look(&content)
    });
    looked.await.map_err(|cause| Error::Internal(format!("message {id} can't be read: {cause}")))
}

fn fields(beginning: &[u8]) -> Vec<(String, String)> {
    // A parser that knows no field at all takes the usual ones apart.
    let parser = MessageParser::new().header_text(HeaderName::Subject).default_header_text();
    let Some(message) = mime::parse_header(parser, beginning) else { return Vec::new() };
    let field = |header: &mail_parser::Header<'_>| {
        (header.name().to_owned(), header.value().as_text().unwrap_or_default().to_owned())
    };
    message.headers().iter().take(MOST_FIELDS).map(field).collect()
}

fn html_of(message: &mail_parser::Message<'_>) -> Option<String> {
    joined(message.html_bodies().filter_map(|part| match &part.body {
        PartType::Html(html) => Some(html.as_ref()),
        _ => None,
    }))
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let parts: Vec<&str> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn name_of(number: usize, part: &MessagePart<'_>) -> String {
    let is_message = part.is_message();
    let fallback = if is_message { format!("message-{number}.eml") } else { format!("attachment-{number}") };
    harmless_name(part.attachment_name().unwrap_or_default()).unwrap_or(fallback)
}

/// `application/octet-stream` where the part says nothing.
fn kind_of(part: &MessagePart<'_>) -> String {
    let known = part.content_type().and_then(|kind| Some(format!("{}/{}", kind.ctype(), kind.subtype()?)));
    known.unwrap_or_else(|| "application/octet-stream".to_owned()).to_lowercase()
}

/// Texts as they were sent, in their own character set: the parser's copy is UTF-8.
fn bytes_of(part: MessagePart<'_>, content: &[u8]) -> Vec<u8> {
    let raw =
        content.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize).unwrap_or_default();
    match part.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.into_owned(),
        PartType::Message(message) => message.raw_message().to_vec(),
        PartType::Multipart(_) => Vec::new(),
        PartType::Text(text) | PartType::Html(text) => match part.encoding {
            Encoding::None => raw.to_vec(),
            Encoding::Base64 => base64_decode(raw).unwrap_or_else(|| text.into_owned().into_bytes()),
            Encoding::QuotedPrintable => {
                quoted_printable_decode(raw).unwrap_or_else(|| text.into_owned().into_bytes())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn whatever_was_sent_can_be_opened(parts in proptest::collection::vec(
            "(Content-Type: (multipart/mixed; boundary=b|text/html|message/rfc822)|Content-Transfer-Encoding: base64)?(\r\n){1,2}|--b(--)?\r\n|[ -~]{0,20}|\\PC{0,5}", 0..30,
        )) {
            let content = parts.concat();
            let opened = Opened::of(content.as_bytes());
            proptest::prop_assert_eq!(opened.source.text, content);
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = Shown::of("ä".repeat(MOST_SHOWN).as_bytes(), MOST_SHOWN + 1);
        assert!(shown.is_cut && shown.text.ends_with('\u{fffd}'));
        assert!(!Shown::of(b"short", MOST_SHOWN).is_cut);
    }
}
