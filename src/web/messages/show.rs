//! One message: its facts, its recipients, and what it holds while that is kept.

use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query as Search};
use axum::response::IntoResponse;
use serde::Deserialize;

use super::deliveries::{self, Told};
use super::opened::{self, Opened, Which};
use crate::error::{Error, Result};
use crate::http::requests::{Policy, Routine};
use crate::id::MessageId;
use crate::model::credential::Mode;
use crate::model::message::{Outcome, Recipient};
use crate::model::webhook::claim::MAX_TRIES;
use crate::model::webhook::delivery::Status;
use crate::model::{Credential, Message};
use crate::web::answer::Answer;
use crate::web::credentials;
use crate::web::htmx::REPLACE_URL;
use crate::web::page::{Frame, HTML, Here, Uncompressed, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;
use crate::web::webhooks;

/// Recipients on a page.
const MOST_RECIPIENTS: i64 = 500;

/// What is shown of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Html,
    Text,
    Headers,
    Source,
}

/// What stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    show: String,
    /// Not empty: with pictures from elsewhere.
    remote: String,
    /// `deliveries`: only these, which change after the message has come.
    part: String,
}

#[derive(Template)]
#[template(path = "messages/show.html", blocks = ["content", "deliveries"])]
struct ShowPage {
    frame: Frame,
    message: Message,
    recipients: Vec<Recipient>,
    /// The credential, if it is still there.
    credential: Option<Credential>,
    opened: Option<Opened>,
    view: View,
    is_remote: bool,
    told: Vec<Told>,
    /// How long what messages hold is kept.
    kept: Duration,
}

/// `GET /messages/{id}`
pub async fn show(who: SignedIn, Path(id): Path<MessageId>, Search(wish): Search<Wish>) -> Answer {
    let page = ShowPage::read(&who, id, &wish).await?;
    let policy = Extension(Policy::WithFrames);
    Ok(match who.htmx.partial {
        true if wish.wants_deliveries() => (Extension(Routine), html(&page.as_deliveries())?).into_response(),
        true => ([(REPLACE_URL, page.showing(page.view, page.is_remote))], html(&page.as_content())?)
            .into_response(),
        false => (policy, html(&page)?).into_response(),
    })
}

/// `GET /messages/{id}/html`: the document of the frame.
pub async fn document(who: SignedIn, Path(id): Path<MessageId>, Search(wish): Search<Wish>) -> Answer {
    let which = Which { organization: who.organization(), id };
    let document = opened::document(&who.app, which).await?.ok_or(Error::NotFound("HTML in this message"))?;
    let policy = Policy::Foreign { remote_images: !wish.remote.is_empty() };
    Ok((Extension(policy), Extension(Uncompressed), [HTML], document).into_response())
}

impl Wish {
    fn wants_deliveries(&self) -> bool {
        self.part == "deliveries"
    }
}

impl ShowPage {
    async fn read(who: &SignedIn, id: MessageId, wish: &Wish) -> Result<Self> {
        let organization = who.organization();
        let mut connection = who.app.db.read().await?;
        let message = Message::find(&mut connection, organization, id).await?;
        let recipients = Message::recipients(&mut connection, organization, id, MOST_RECIPIENTS).await?;
        let credential = match Credential::find(&mut connection, organization, message.credential).await {
            Err(Error::NotFound(_)) => None,
            found => Some(found?),
        };
        let told = deliveries::told(&mut connection, organization, id).await?;
        drop(connection);
        let opened = match message.has_content {
            0 => None,
            _ if wish.wants_deliveries() => None,
            _ => Opened::read(&who.app, Which { organization, id }).await?,
        };
        let view = View::chosen(&wish.show, opened.as_ref());
        let (is_remote, kept) = (!wish.remote.is_empty(), who.app.config.keep_message_content);
        let frame = who.frame(Here::Messages).await?;
        Ok(Self { frame, message, recipients, credential, opened, view, is_remote, told, kept })
    }

    /// The address of this page with another view.
    fn showing(&self, view: View, is_remote: bool) -> String {
        let remote = if is_remote { "&remote=1" } else { "" };
        format!("{}?show={}{remote}", super::address(&self.message.id), view.word())
    }

    /// Recipients beyond those shown.
    fn more_recipients(&self) -> i64 {
        self.message.recipients.saturating_sub(MOST_RECIPIENTS).max(0)
    }
}

impl View {
    const ALL: [Self; 4] = [Self::Html, Self::Text, Self::Headers, Self::Source];

    /// As it stands in the address.
    const fn word(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Text => "text",
            Self::Headers => "headers",
            Self::Source => "source",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::Text => "Text",
            Self::Headers => "Headers",
            Self::Source => "Source",
        }
    }

    /// The one that is wished for, or what shows most of the message.
    fn chosen(word: &str, opened: Option<&Opened>) -> Self {
        let wished = Self::ALL.into_iter().find(|view| view.word() == word);
        wished.unwrap_or(match opened {
            Some(opened) if opened.html.is_some() => Self::Html,
            Some(opened) if opened.text.is_none() => Self::Headers,
            _ => Self::Text,
        })
    }
}
