//! The table of keys, and how a change is told in it.

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;

use super::HOME;
use crate::app::App;
use crate::error::Result;
use crate::examples::requests;
use crate::id::{ApiKeyId, OrganizationId};
use crate::model::page::PAGE_SIZE;
use crate::model::{ApiKey, Page, Turn};
use crate::web::answer::Answer;
use crate::web::htmx::piece;
use crate::web::page::{Frame, Here, html};
use crate::web::signed_in::SignedIn;
use crate::web::{shown, urlencoded};

#[derive(Template)]
#[template(path = "api_keys/list.html", blocks = ["list"])]
struct ListPage {
    frame: Frame,
    page: Page<ApiKey>,
    /// Where requests go: `https://gatepost.example/v2`.
    api: String,
    /// Stands in their paths.
    account: OrganizationId,
    /// The one that has just changed.
    changed: Option<ApiKeyId>,
}

/// As it was linked; what can't be understood is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    after: String,
    before: String,
}

/// `GET /settings/api-keys`
pub async fn list(who: SignedIn, Query(search): Query<Search>) -> Answer {
    html(&ListPage::read(&who, &search, None).await?)
}

/// A key has changed, or is gone: the list changes in place.
pub async fn changed(who: &SignedIn, key: Option<ApiKeyId>, text: &str) -> Answer {
    who.told(text, HOME, pieces(who, key)).await
}

/// The list as it is now, where it is open.
pub async fn pieces(who: &SignedIn, changed: Option<ApiKeyId>) -> Result<String> {
    if !who.htmx.is_at(HOME) {
        return Ok(String::new());
    }
    piece("list", &ListPage::read(who, &who.htmx.query(), changed).await?.as_list())
}

/// The address of what belongs to an organization: `https://gatepost.example/v2/accounts/…/smtp-credentials`.
pub fn below_account(app: &App, account: OrganizationId, noun: &str) -> String {
    format!("{}/v2/accounts/{account}/{noun}", app.public_url.as_str())
}

impl ListPage {
    async fn read(who: &SignedIn, search: &Search, changed: Option<ApiKeyId>) -> Result<Self> {
        let turn = Turn::new(Some(&search.after), Some(&search.before), PAGE_SIZE)?;
        let page = ApiKey::page(&mut *who.app.db.read().await?, who.organization(), &turn).await?;
        let (frame, api) = (who.frame(Here::ApiKeys).await?, format!("{}/v2", who.app.public_url.as_str()));
        Ok(Self { frame, page, api, account: who.organization(), changed })
    }

    fn is_changed(&self, id: &ApiKeyId) -> bool {
        self.changed.as_ref() == Some(id)
    }

    /// A request that lists the credentials.
    fn example(&self) -> String {
        requests::curl(&format!("{}/accounts/{}/smtp-credentials", self.api, self.account))
    }

    fn turned(&self, after: &str, before: &str) -> String {
        format!("{HOME}?{}", urlencoded::query(&[("after", after), ("before", before)]))
    }
}
