//! The page: of the organization with its credentials in one month, or of one credential.

use std::collections::HashMap;

use askama::Template;
use axum::extract::Query as Search;

use super::allowance::Allowance;
use super::chart::Chart;
use super::query::{MONTHS, Query};
use crate::error::{Problems, Result};
use crate::id::CredentialId;
use crate::model::page::PAGE_SIZE;
use crate::model::usage::{Counts, CredentialCounts, Month};
use crate::model::{Page, Turn, Usage};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "usage/show.html")]
pub struct UsagePage {
    frame: Frame,
    query: Query,
    /// The one whose usage it is, with what people call it; none: the organization's.
    credential: Option<(CredentialId, String)>,
    /// The chosen one.
    month: Month,
    /// Newest first.
    months: Vec<(Month, Counts)>,
    chart: Chart,
    /// A month of the year before those, where anything was sent then.
    earlier: Option<Month>,
    later: Option<Month>,
    /// Of the organization alone, as are the credentials of the chosen month.
    pub allowance: Option<Allowance>,
    pub problems: Problems,
    credentials: Option<Page<CredentialCounts>>,
    /// The same months of each of them.
    trends: HashMap<CredentialId, Chart>,
}

/// `GET /usage`
pub async fn show(who: SignedIn, Search(query): Search<Query>) -> Answer {
    html(&UsagePage::read(&who, query).await?)
}

impl UsagePage {
    pub async fn home(who: &SignedIn) -> Result<Self> {
        Self::read(who, Query::default()).await
    }

    /// Whether the credentials below are those of this month.
    fn is_chosen(&self, month: &Month) -> bool {
        self.credential.is_none() && self.month == *month
    }

    async fn read(who: &SignedIn, query: Query) -> Result<Self> {
        let (organization, now) = (who.organization(), Month::of(who.now));
        let (month, span, id) = (query.month(now), query.span(now), query.credential());
        let mut connection = who.app.db.read().await?;
        let credential = match id {
            Some(id) => Some((id, Usage::label(&mut connection, organization, id).await?)),
            None => None,
        };
        let months = Usage::months(&mut connection, organization, id, span).await?;
        let has_earlier = Usage::is_before(&mut connection, organization, id, span.first).await?;
        let (mut allowance, mut credentials, mut trends) = (None, None, HashMap::new());
        if id.is_none() {
            let turn = Turn::new(Some(&query.after), Some(&query.before), PAGE_SIZE)?;
            let page = Usage::by_credential(&mut connection, organization, month, &turn).await?;
            let ids: Vec<CredentialId> = page.rows.iter().map(|row| row.id).collect();
            let each = Usage::months_of_each(&mut connection, organization, &ids, span).await?;
            trends = each.iter().map(|(id, months)| (*id, Chart::of(months))).collect();
            allowance = Some(Allowance::read(&mut connection, who).await?);
            credentials = Some(page);
        }
        drop(connection);
        Ok(Self {
            frame: who.frame(Here::Usage).await?,
            query,
            credential,
            month,
            chart: Chart::of(&months),
            months,
            earlier: has_earlier.then(|| span.first.back(1)),
            later: (span.last < now).then(|| span.last.ahead(MONTHS)),
            allowance,
            problems: Problems::default(),
            credentials,
            trends,
        })
    }
}
