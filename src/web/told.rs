//! How a member is told what was done: in the page that is open, or by going to the one that shows it.

use askama::Template;
use axum::Extension;
use axum::response::IntoResponse;

use super::answer::Answer;
use super::htmx::Tell;
use super::page::{HTML, Uncompressed, render};
use super::signed_in::SignedIn;
use crate::error::Result;

impl SignedIn {
    /// In the open page, of which `pieces` change; or else at the top of `page`.
    pub async fn told(&self, text: &str, page: &str, pieces: impl Future<Output = Result<String>>) -> Answer {
        if !self.htmx.partial {
            return self.told_at(text, page).await;
        }
        Ok((Tell::Done(text.to_owned()), [HTML], pieces.await?).into_response())
    }

    /// At the top of `page`, wherever it was asked for.
    pub async fn told_at(&self, text: &str, page: &str) -> Answer {
        self.notice(text).await?;
        Ok(self.htmx.go(page))
    }

    /// The answer that holds a secret, and the `pieces` of the open page that change. No browser keeps it (`no-store`), and no
    /// address does.
    pub async fn shown_once(
        &self,
        page: &impl Template,
        dialog: &impl Template,
        pieces: impl Future<Output = Result<String>>,
    ) -> Answer {
        let answer = match self.htmx.partial {
            true => render(dialog)? + &pieces.await?,
            false => render(page)?,
        };
        Ok((Extension(Uncompressed), [HTML], answer).into_response())
    }
}
