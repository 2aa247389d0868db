//! Notices everything that a good page never does: errors on the console, exceptions, failed requests, requests to others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
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
    /// How Chromium speaks of answers that the test asked for.
    expected: Arc<Mutex<Vec<String>>>,
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
            listen::<EventConsoleApiCalled>(page, console).await,
            listen::<EventExceptionThrown>(page, |event| {
                let details = &event.exception_details;
                let thrown = details.exception.as_ref().and_then(|exception| exception.description.clone());
                Seen::Complaint(format!("exception: {} {}", details.text, thrown.unwrap_or_default()))
            })
            .await,
            listen::<EventEntryAdded>(page, logged).await,
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
                    Seen::Complaint(text) => locked(&kept).push(text),
                    Seen::Nothing => {}
                    Seen::End => _ = end.send(true),
                }
            }
        });
        // 422 is how a form comes back that was refused, as it should.
        let expected = Arc::new(Mutex::new(vec!["status of 422".to_owned()]));
        Self { complaints, expected, ended }
    }

    pub fn expects(&self, status: u16) {
        locked(&self.expected).push(format!("status of {status}"));
    }

    /// Everything noticed up to now, in words.
    pub async fn complaints(mut self, page: &Page) -> Vec<String> {
        page.evaluate_expression(format!("console.debug({END:?})")).await.expect("the page answers");
        let end = tokio::time::timeout(crate::support::PATIENCE, self.ended.wait_for(|ended| *ended)).await;
        end.expect("the end in time").expect("the watch goes on");
        let expected = locked(&self.expected).clone();
        let mut complaints = std::mem::take(&mut *locked(&self.complaints));
        complaints.retain(|complaint| !expected.iter().any(|status| complaint.contains(status)));
        complaints
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Chromium logs every answer of 400 and above too.
fn logged(event: &EventEntryAdded) -> Seen {
    let entry = &event.entry;
    match entry.level {
        LogEntryLevel::Error | LogEntryLevel::Warning => {
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
