//! Who did what, and every log-in that was denied.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;

use super::answer::Answer;
use super::credentials;
use super::page::{Frame, Here};
use super::shown;
use super::signed_in::SignedIn;
use super::urlencoded;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::denial::{DenialFilter, Door};
use crate::model::event::Action;
use crate::model::page::PAGE_SIZE;
use crate::model::{Credential, Denial, Event, Page, Turn};

const HOME: &str = "/activity";

#[derive(Template)]
#[template(path = "activity.html", blocks = ["found"])]
struct ActivityPage {
    frame: Frame,
    search: Search,
    found: Found,
    /// The credentials of this page that are still there.
    existing: BTreeSet<CredentialId>,
    /// How long denials are kept.
    kept: Duration,
}

enum Found {
    Changes(Page<Event>),
    Denials(Page<Denial>),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    /// `denied`, or else changes.
    kind: String,
    /// What an SMTP reply carried: `7K3QZ`.
    reference: String,
    after: String,
    before: String,
}

/// `GET /activity`
pub async fn list(who: SignedIn, Query(search): Query<Search>) -> Answer {
    let found = search.find(&who).await?;
    let existing =
        Credential::existing(&mut *who.app.db.read().await?, who.organization(), &found.credentials())
            .await?;
    let (frame, kept) = (who.frame(Here::Activity).await?, who.app.config.keep_logins);
    let page = ActivityPage { frame, search, found, existing, kept };
    who.htmx.answer(&page, &page.as_found())
}

impl Search {
    fn is_denied(&self) -> bool {
        self.kind == "denied" || !self.reference.is_empty()
    }

    async fn find(&self, who: &SignedIn) -> Result<Found> {
        let turn = Turn::new(Some(&self.after), Some(&self.before), PAGE_SIZE)?;
        let mut connection = who.app.db.read().await?;
        if !self.is_denied() {
            return Ok(Found::Changes(Event::page(&mut connection, who.organization(), &turn).await?));
        }
        let reference = Some(self.reference()).filter(|reference| !reference.is_empty());
        let filter = DenialFilter { reference, ..DenialFilter::default() };
        Ok(Found::Denials(Denial::page(&mut connection, who.organization(), &filter, &turn).await?))
    }

    /// The reference itself, also out of `(ref 7K3QZ)` or the whole of a reply.
    fn reference(&self) -> String {
        let inner = self.reference.rsplit_once("ref ").map_or(self.reference.as_str(), |(_, inner)| inner);
        let reference = inner.split(')').next().unwrap_or_default();
        reference.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
    }

    fn turned(&self, after: &str, before: &str) -> String {
        let pairs =
            [("kind", &*self.kind), ("reference", &*self.reference), ("after", after), ("before", before)];
        format!("{HOME}?{}", urlencoded::query(&pairs))
    }
}

impl ActivityPage {
    /// The page of what it was done to, where there is one.
    fn page_of(&self, event: &Event) -> Option<String> {
        credential_of(event).filter(|id| self.existing.contains(id)).map(|id| credentials::address(&id))
    }

    fn page_of_denied(&self, denial: &Denial) -> Option<String> {
        denial.credential.filter(|id| self.existing.contains(id)).map(|id| credentials::address(&id))
    }
}

fn credential_of(event: &Event) -> Option<CredentialId> {
    event.subject.parse().ok().filter(|_| event.action.as_str().starts_with("credential."))
}

impl Found {
    fn credentials(&self) -> BTreeSet<CredentialId> {
        match self {
            Self::Changes(page) => page.rows.iter().filter_map(credential_of).collect(),
            Self::Denials(page) => page.rows.iter().filter_map(|denial| denial.credential).collect(),
        }
    }

    /// Cursors to newer and older lines.
    fn cursors(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Changes(page) => (page.previous.as_deref(), page.next.as_deref()),
            Self::Denials(page) => (page.previous.as_deref(), page.next.as_deref()),
        }
    }
}

/// What was done, as people say it.
pub fn said(action: &Action) -> &'static str {
    match action {
        Action::CredentialCreated => "Created credential",
        Action::CredentialUpdated => "Edited credential",
        Action::CredentialRotated => "Rotated password of",
        Action::CredentialGraceEnded => "Ended grace of",
        Action::CredentialRevoked => "Revoked credential",
        Action::CredentialEnabled => "Re-enabled credential",
        Action::CredentialExpired => "Credential expired",
        Action::CredentialDeleted => "Deleted credential",
        Action::DomainAdded => "Added domain",
        Action::DomainVerified => "Verified domain",
        Action::DomainVouchedFor => "Vouched for domain",
        Action::DomainRecordMissing => "Record missing of domain",
        Action::DomainLost => "No longer usable: domain",
        Action::DomainRemoved => "Removed domain",
        Action::AllowanceChanged => "Changed monthly allowance of",
        Action::ApiKeyCreated => "Created API key",
        Action::ApiKeyUpdated => "Edited API key",
        Action::ApiKeyDeleted => "Deleted API key",
        Action::MemberInvited => "Invited",
        Action::MemberUninvited => "Took back the invitation of",
        Action::MemberCreated => "Created member",
        Action::MemberRoleChanged => "Changed role of",
        Action::MemberRemoved => "Removed member",
        Action::MemberLoggedIn => "Logged in",
        Action::MemberLoggedOut => "Logged out",
        Action::MemberPasswordChanged => "Changed password",
        Action::MemberSessionEnded => "Ended session",
        Action::WebhookCreated => "Created webhook",
        Action::WebhookUpdated => "Edited webhook",
        Action::WebhookRotated => "Rotated secret of webhook",
        Action::WebhookOverlapEnded => "Ended overlap of secrets of webhook",
        Action::WebhookEnabled => "Enabled webhook",
        Action::WebhookDisabled => "Disabled webhook",
        Action::WebhookDeleted => "Deleted webhook",
        Action::WebhookTested => "Sent a test event to webhook",
        Action::WebhookRedelivered => "Redelivered an event to webhook",
    }
}

#[cfg(test)]
mod tests {
    use super::Search;

    #[test]
    fn a_reference_is_found_as_it_was_read_or_copied() {
        for typed in ["7K3QZ", " 7k3qz ", "(ref 7K3QZ)", "ref 7K3QZ"] {
            let search = Search { reference: typed.to_owned(), ..Search::default() };
            assert_eq!(search.reference(), "7K3QZ", "{typed}");
        }
    }
}
