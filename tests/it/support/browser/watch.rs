//! Notices everything that a good page never does: errors on the console, exceptions, failed requests, requests to others.

use std::sync::{Arc, Mutex, PoisonError};

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel, LogEntrySource};
use chromiumoxide::cdp::browser_protocol::network::{EventLoadingFailed, EventRequestWillBeSent};
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use futures_util::stream::{BoxStream, StreamExt, select_all};
use tokio::sync::watch;

/// What a page logs when everything before it has happened.
const END: &str = "that was all";

#[derive(Clone)]
pub struct Watch {
    complaints: Arc<Mutex<Vec<String>>>,
    ended: watch::Receiver<bool>,
}

enum Seen {
    Complaint(String),
    Nothing,
    End,
}

impl Watch {
    /// `home`: where all requests must go.
    pub async fn over(page: &Page, home: &str) -> Self {
        let mut events = select_all([
            listen::<EventConsoleApiCalled>(page, |event| console(event)).await,
            listen::<EventExceptionThrown>(page, |event| {
                let details = &event.exception_details;
                let thrown = details.exception.as_ref().and_then(|exception| exception.description.clone());
                Seen::Complaint(format!("exception: {} {}", details.text, thrown.unwrap_or_default()))
            })
            .await,
            listen::<EventEntryAdded>(page, |event| logged(event)).await,
            listen::<EventLoadingFailed>(page, |event| match event.canceled {
                Some(true) => Seen::Nothing,
                _ => Seen::Complaint(format!("a request failed: {}", event.error_text)),
            })
            .await,
            {
                let home = home.to_owned();
                listen::<EventRequestWillBeSent>(page, move |event| asked(&home, &event.request.url)).await
            },
        ]);
        let complaints = Arc::<Mutex<Vec<String>>>::default();
        let (end, ended) = watch::channel(false);
        let kept = complaints.clone();
        tokio::spawn(async move {
            while let Some(seen) = events.next().await {
                match seen {
                    Seen::Complaint(text) => kept.lock().unwrap_or_else(PoisonError::into_inner).push(text),
                    Seen::Nothing => {}
                    Seen::End => _ = end.send(true),
                }
            }
        });
        Self { complaints, ended }
    }

    /// Everything noticed up to now, in words.
    pub async fn complaints(mut self, page: &Page) -> Vec<String> {
        page.evaluate_expression(format!("console.debug({END:?})")).await.expect("the page answers");
        let end = tokio::time::timeout(crate::support::PATIENCE, self.ended.wait_for(|ended| *ended)).await;
        end.expect("the end in time").expect("the watch goes on");
        std::mem::take(&mut *self.complaints.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn listen<T: chromiumoxide::cdp::IntoEventKind + Unpin + 'static>(
    page: &Page,
    judge: impl Fn(&T) -> Seen + Send + 'static,
) -> BoxStream<'static, Seen>
where
    Arc<T>: Send,
{
    let events = page.event_listener::<T>().await.expect("events");
    events.map(move |event| judge(&event)).boxed()
}

fn console(event: &EventConsoleApiCalled) -> Seen {
    let said: Vec<String> = event.args.iter().map(|argument| format!("{:?}", argument.value)).collect();
    if said.iter().any(|text| text.contains(END)) {
        return Seen::End;
    }
    match event.r#type {
        ConsoleApiCalledType::Error | ConsoleApiCalledType::Assert | ConsoleApiCalledType::Warning => {
            Seen::Complaint(format!("console: {}", said.join(" ")))
        }
        _ => Seen::Nothing,
    }
}

/// Chromium logs every answer of 400 and above. 422 is how a form comes back, as it should.
fn logged(event: &EventEntryAdded) -> Seen {
    let entry = &event.entry;
    let is_refused_form = entry.source == LogEntrySource::Network && entry.text.contains("status of 422");
    match entry.level {
        LogEntryLevel::Error | LogEntryLevel::Warning if !is_refused_form => {
            Seen::Complaint(format!("log: {} {}", entry.text, entry.url.as_deref().unwrap_or_default()))
        }
        _ => Seen::Nothing,
    }
}

fn asked(home: &str, url: &str) -> Seen {
    let is_ours = url.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_ours || url.starts_with("data:") {
        Seen::Nothing
    } else {
        Seen::Complaint(format!("a request to somebody else: {url}"))
    }
}
