//! One credential: facts, connection settings, examples, its log-ins and denials, and what is left of a rotation.

use std::time::Duration;

use askama::Template;
use axum::extract::Path;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::credential::{Mode, Scope, State as Shown, Status};
use crate::model::denial::DenialFilter;
use crate::model::domain::{MAX_DOMAINS, Sending};
use crate::model::{Credential, Denial, Domain, Login, Turn};
use crate::web::answer::Answer;
use crate::web::examples::{Tab, tabs};
use crate::web::page::{Frame, Here, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;
use crate::web::smtp_server::SmtpServer;

/// Lines of log-ins and of denials; the activity has the rest.
const LINES: usize = 10;
/// … of who still uses an old password.
const OLD_LINES: usize = 20;

#[derive(Template)]
#[template(path = "credentials/show.html", blocks = ["credential"])]
pub struct ShowPage {
    frame: Frame,
    credential: Credential,
    state: Shown,
    server: SmtpServer,
    examples: Vec<Tab>,
    logins: Vec<Login>,
    denials: Vec<Denial>,
    /// The log-ins with the old password since the rotation, while it works.
    still_used: Vec<Login>,
    /// How long log-ins and denials are kept.
    kept: Duration,
    /// The domains that it may send from: those of its scope that are verified.
    usable: Vec<String>,
}

/// `GET /settings/smtp-credentials/{id}`
pub async fn show(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    html(&ShowPage::read(&who, id).await?)
}

/// That the old password has not been used since the rotation, and after an hour, what that means.
fn unused(rotated: &Timestamp, now: &Timestamp) -> String {
    let since = now.since(*rotated);
    match since.as_secs() {
        ..60 => "Not used since the rotation, a moment ago.".to_owned(),
        60..3_600 => format!("Not used in the {} since the rotation.", shown::lasted(since)),
        _ => format!(
            "Not used in the {} since the rotation: nothing seems to need it any more.",
            shown::lasted(since)
        ),
    }
}

impl ShowPage {
    pub async fn read(who: &SignedIn, id: CredentialId) -> Result<Self> {
        let organization = who.organization();
        let mut connection = who.app.db.read().await?;
        let credential = Credential::find(&mut connection, organization, id).await?;
        let logins = Login::recent(&mut connection, organization, id, LINES as i64).await?;
        let filter = DenialFilter { credential: Some(id), ..DenialFilter::default() };
        let denials = Denial::page(&mut connection, organization, &filter, &Turn::first(LINES)).await?.rows;
        let still_used = match credential.grace(who.now).zip(credential.rotated_at) {
            Some((old, since)) => {
                let (whose, with) = ((organization, id), (old.password, since));
                Login::recent_with(&mut connection, whose, with, OLD_LINES as i64 + 1).await?
            }
            None => Vec::new(),
        };
        let sending = Sending { organization, credential: id, at: who.now };
        let usable = Domain::usable(&mut connection, sending, MAX_DOMAINS).await?;
        drop(connection);
        let (server, state) = (SmtpServer::of(&who.app), credential.state(who.now));
        let examples = tabs(&server, &credential.username, None);
        let (frame, kept) = (who.frame(Here::Credentials).await?, who.app.config.keep_logins);
        Ok(Self { frame, credential, state, server, examples, logins, denials, still_used, kept, usable })
    }

    /// Whether it may send from this domain, which is verified then.
    fn is_usable(&self, domain: &String) -> bool {
        self.usable.contains(domain)
    }
}
