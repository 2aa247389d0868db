//! Looks up whose a domain is and writes down what was found: what the page, the command and the background checks share.

use metrics::counter;

use crate::app::App;
use crate::db::in_time;
use crate::error::Result;
use crate::id::DomainId;
use crate::model::domain::verification::{Finding, Terms};
use crate::model::{Actor, Domain};
use crate::telemetry::DOMAIN_CHECKS;

/// Looks the record of a domain up, now. No transaction is open meanwhile.
///
/// # Errors
/// [`crate::error::Error::NotFound`]: there is no such domain, or not any more.
pub async fn look_up(app: &App, actor: &Actor, id: DomainId) -> Result<(Domain, Finding)> {
    let found = async { Domain::find(&mut *app.db.read().await?, actor.organization, id).await };
    let domain = in_time(found).await?;
    let finding = domain.judge(app.dns.texts(&domain.record_name()).await);
    let result = match finding {
        Finding::Present => "present",
        Finding::Absent(_) => "absent",
        Finding::Unanswered(_) => "unanswered",
    };
    counter!(DOMAIN_CHECKS, "result" => result).increment(1);
    let terms = Terms { interval: app.config.domain_check_interval, grace: app.config.domain_grace };
    let noted = async {
        let mut tx = app.db.begin().await?;
        let domain = Domain::note(&mut tx, actor, id, &finding, terms).await?;
        tx.commit().await?;
        Ok(domain)
    };
    Ok((in_time(noted).await?, finding))
}
