//! Many failures with a credential's username in a short time: somebody guesses, or an application has the wrong password.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Denial, Reason};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CredentialId, OrganizationId};
use crate::model::credential::Credential;
use crate::model::credential::report::object;
use crate::model::webhook::EventType;

/// So many failures …
const MANY: i64 = 10;
/// … within this time are told; and then nothing more for as long.
const SHORT: Duration = Duration::from_secs(300);

impl Denial {
    /// Tells webhooks of the credentials whose username has failed often, now that `denials` are written: `credential.auth_failed`,
    /// at most once in [`SHORT`] for each. What Gatepost itself was not able to decide is no failure.
    pub async fn raise_alarms(tx: &mut Tx, denials: &[(Option<OrganizationId>, Self)]) -> Result<()> {
        // In one order on all nodes, so that they don't wait for each other's rows in a circle.
        let mut newest = BTreeMap::<CredentialId, (OrganizationId, Timestamp)>::new();
        for (organization, denial) in
            denials.iter().filter(|(_, denial)| denial.reason != Reason::Unavailable)
        {
            if let (Some(organization), Some(credential)) = (*organization, denial.credential) {
                let entry = newest.entry(credential).or_insert((organization, denial.at));
                entry.1 = entry.1.max(denial.at);
            }
        }
        for (credential, (organization, at)) in newest {
            raise_alarm(tx, (organization, credential), at).await?;
        }
        Ok(())
    }
}

async fn raise_alarm(
    tx: &mut Tx,
    (organization, id): (OrganizationId, CredentialId),
    at: Timestamp,
) -> Result<()> {
    let since = at.minus(SHORT);
    if was_raised(tx, (organization, id), since).await? {
        return Ok(());
    }
    let recent =
        "FROM denials WHERE organization = $1 AND credential = $2 AND at > $3 AND reason <> 'unavailable'";
    let sql = format!("SELECT COUNT(*) FROM (SELECT id {recent} LIMIT {MANY}) AS enough");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id).bind(since);
    let enough: i64 = query.fetch_one(&mut **tx).await?;
    if enough < MANY {
        return Ok(());
    }
    let credential = match Credential::find(tx, organization, id).await {
        Err(Error::NotFound(_)) => return Ok(()),
        found => found?,
    };
    let raised = sqlx::query(
        "INSERT INTO auth_alarms (organization, credential, at) VALUES ($1, $2, $3) \
         ON CONFLICT (credential) DO UPDATE SET at = excluded.at WHERE auth_alarms.at <= $4",
    )
    .bind(organization)
    .bind(id)
    .bind(at)
    .bind(since)
    .execute(&mut **tx)
    .await?;
    if raised.rows_affected() == 0 {
        return Ok(());
    }
    let sql = format!("SELECT COUNT(*) {recent}");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id).bind(since);
    let failures: i64 = query.fetch_one(&mut **tx).await?;
    let sql = format!("SELECT DISTINCT address {recent} ORDER BY address LIMIT 20");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id).bind(since);
    let addresses: Vec<String> = query.fetch_all(&mut **tx).await?;
    let told = object([
        ("failures", failures.into()),
        ("within_seconds", SHORT.as_secs().into()),
        ("addresses", addresses.into()),
    ]);
    credential.report(tx, (organization, at), EventType::CredentialAuthFailed, told).await
}

/// Whether there was an alarm after `since`. A hint, which spares counting during an attack.
async fn was_raised(
    tx: &mut Tx,
    (organization, id): (OrganizationId, CredentialId),
    since: Timestamp,
) -> Result<bool> {
    let sql = "SELECT at FROM auth_alarms WHERE organization = $1 AND credential = $2 AND at > $3";
    let query = sqlx::query_scalar::<_, Timestamp>(sql).bind(organization).bind(id).bind(since);
    Ok(query.fetch_optional(&mut **tx).await?.is_some())
}
