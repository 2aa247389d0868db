//! The table of webhooks.

use askama::Template;

use crate::error::Result;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "webhooks/list.html", blocks = ["list"])]
pub struct ListPage {
    frame: Frame,
    webhooks: Vec<Webhook>,
    /// The one that has just changed.
    changed: Option<WebhookId>,
}

/// `GET /settings/webhooks`
pub async fn list(who: SignedIn) -> Answer {
    html(&ListPage::read(&who, None).await?)
}

impl ListPage {
    pub async fn read(who: &SignedIn, changed: Option<WebhookId>) -> Result<Self> {
        let webhooks = Webhook::all(&mut *who.app.db.read().await?, who.organization()).await?;
        Ok(Self { frame: who.frame(Here::Webhooks).await?, webhooks, changed })
    }

    fn is_changed(&self, id: &WebhookId) -> bool {
        self.changed.as_ref() == Some(id)
    }
}
