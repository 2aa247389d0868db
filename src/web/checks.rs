//! The checker: a real SMTP session with the running door, told step by step while it goes on.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::IntoResponse;
use axum_extra::extract::Form;
use hyper::body::Frame as Piece;
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::Instrument;

use super::answer::Answer;
use super::credentials;
use super::page::{Frame, HTML, Here, Uncompressed, html, render};
use super::signed_in::SignedIn;
use crate::app::App;
use crate::error::{Error, Result};
use crate::id::OrganizationId;
use crate::model::denial::{DenialFilter, Reason};
use crate::model::{Denial, Turn};
use crate::secret::{Password, without_secrets};
use crate::smtp::probe::{Mail, Name, Outcome, Probe, Step, Target};
use crate::smtp::reply;

/// For the whole session.
const PATIENCE: Duration = Duration::from_secs(20);
/// A denial is written down at most a second after it was answered.
const JOURNAL_PATIENCE: Duration = Duration::from_millis(1_500);
const JOURNAL_PAUSE: Duration = Duration::from_millis(100);
/// Ends each piece of a streamed answer; no text that was escaped can hold it.
const END: &str = "<!---->";

#[derive(Template)]
#[template(path = "checks.html")]
struct CheckPage {
    frame: Frame,
    username: String,
    told: Vec<Told>,
    /// The password, where the page that showed it once has made room for this one.
    fresh: Option<String>,
}

/// One step as the page shows it.
#[derive(Template)]
#[template(source = r#"{% import "credentials/steps.html" as steps %}{{ steps::step(told) }}"#, ext = "html")]
struct StepPiece<'a> {
    told: &'a Told,
}

/// A step, or the end of the session.
enum Told {
    Step(Box<Ended>),
    /// `nowhere`: a message was begun, and those of production would go no further.
    End {
        passed: bool,
        took: Duration,
        nowhere: bool,
    },
}

/// A step that is over, and why a log-in was denied in truth.
struct Ended {
    step: Step,
    truth: Option<Denial>,
}

#[derive(Deserialize)]
pub struct Check {
    username: String,
    password: Password,
    /// Not empty: the password is new, and stands nowhere else.
    #[serde(default)]
    fresh: String,
    #[serde(default)]
    sender: String,
    #[serde(default)]
    recipient: String,
}

/// `POST /settings/smtp-credentials/check`
pub async fn create(who: SignedIn, Form(check): Form<Check>) -> Answer {
    let username = without_secrets(&check.username);
    let fresh = (!check.fresh.is_empty()).then(|| check.password.expose().to_owned());
    let mut told = check.run(&who).await?;
    if who.htmx.partial {
        return Ok((Extension(Uncompressed), [HTML], Body::new(Pieces(told))).into_response());
    }
    let mut steps = Vec::new();
    while let Some(step) = told.recv().await {
        steps.push(step);
    }
    let page = CheckPage { frame: who.frame(Here::Credentials).await?, username, told: steps, fresh };
    Ok((Extension(Uncompressed), html(&page)?).into_response())
}

impl Check {
    /// Begins the session; what comes out of the channel is what happened.
    async fn run(self, who: &SignedIn) -> Result<UnboundedReceiver<Told>> {
        let (probe, organization) = (self.probe(who).await?, who.organization());
        let well_formed = probe.username.starts_with("smtp_") && probe.username.trim() == probe.username;
        let nowhere = probe.mail.is_some() && who.app.config.next_hop_host.is_none();
        let (tell, told) = unbounded_channel();
        let app = who.app.clone();
        let check = async move {
            let began = tokio::time::Instant::now();
            let (steps, mut ended) = unbounded_channel();
            let session = async move { probe.run(move |step| send(&steps, step)).await }.in_current_span();
            let session = tokio::spawn(session);
            while let Some(step) = ended.recv().await {
                // What is no username at all the probe itself explains better.
                let truth = truth(&app, organization, &step)
                    .await
                    .filter(|denial| well_formed || denial.reason != Reason::UnknownUsername);
                send(&tell, Told::Step(Box::new(Ended { step, truth })));
            }
            let passed = session.await.unwrap_or(false);
            send(&tell, Told::End { passed, took: began.elapsed(), nowhere: passed && nowhere });
        };
        tokio::spawn(check.in_current_span());
        Ok(told)
    }

    async fn probe(self, who: &SignedIn) -> Result<Probe> {
        let target = Target::own(&who.app).await;
        let target = target.ok_or_else(|| Error::Conflict("The SMTP door listens nowhere.".to_owned()))?;
        let recipient = Some(self.recipient).filter(|text| !text.trim().is_empty());
        let mail = (recipient.is_some() || !self.sender.trim().is_empty())
            .then_some(Mail { sender: self.sender, recipient });
        let behalf = Some((who.app.gate.behalf().clone(), who.address.0));
        Ok(Probe {
            username: self.username,
            password: self.password,
            mail,
            target,
            timeout: PATIENCE,
            behalf,
        })
    }
}

/// Nobody may be listening any more: then the rest of the session is told to nobody.
fn send<T>(channel: &UnboundedSender<T>, value: T) {
    let _nobody_listens = channel.send(value);
}

/// Why a log-in was denied in truth: members may know, by the reference that the reply carried.
async fn truth(app: &App, organization: OrganizationId, step: &Step) -> Option<Denial> {
    if step.name != Name::Login || step.outcome != Outcome::Failed {
        return None;
    }
    let reference = step.lines.iter().rev().find_map(|line| reply::reference(&line.text))?;
    let filter = DenialFilter { reference: Some(reference.to_owned()), ..DenialFilter::default() };
    let written = async {
        loop {
            let mut connection = app.db.read().await.ok()?;
            let page = Denial::page(&mut connection, organization, &filter, &Turn::first(1)).await.ok()?;
            drop(connection);
            match page.rows.into_iter().next() {
                Some(denial) => return Some(denial),
                None => tokio::time::sleep(JOURNAL_PAUSE).await,
            }
        }
    };
    tokio::time::timeout(JOURNAL_PATIENCE, written).await.ok().flatten()
}

/// The answer's body: a piece of the page for each step, as it ends.
struct Pieces(UnboundedReceiver<Told>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|told| {
            let told = told?;
            let piece = render(&StepPiece { told: &told }).unwrap_or_default() + END;
            Some(Ok(Piece::data(Bytes::from(piece))))
        })
    }
}
