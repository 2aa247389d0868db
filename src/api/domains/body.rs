//! What stands in the bodies of requests and answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::failure::{Failure, Result};
use crate::api::words::words_of;
use crate::api::{some, time};
use crate::clock::Timestamp;
use crate::id::OrganizationId;
use crate::model::Domain;
use crate::model::domain::verification::State;

words_of! {
    /// Whether it is verified.
    DomainStatus(State),
}

/// A sending domain. What AhaSend does beyond showing whose it is (signing, tracking, return paths) Gatepost leaves to the next
/// hop: those fields are null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
pub struct DomainBody {
    object: DomainObject,
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    /// The newest change or look-up.
    #[schema(format = DateTime)]
    updated_at: String,
    /// In A-labels (`xn--bcher-kva.example`), lower case.
    domain: String,
    account_id: Uuid,
    /// The one record that shows whose it is.
    dns_records: Vec<DnsRecord>,
    /// The newest look-up.
    #[schema(required, format = DateTime)]
    last_dns_check_at: Option<String>,
    /// Whether mail may be sent from it now.
    dns_valid: bool,
    /// Always null.
    #[schema(required)]
    tracking_subdomain: Option<String>,
    /// Always null.
    #[schema(required)]
    return_path_subdomain: Option<String>,
    /// Always null.
    #[schema(required)]
    subscription_subdomain: Option<String>,
    /// Always null.
    #[schema(required)]
    media_subdomain: Option<String>,
    /// Always null.
    #[schema(required)]
    dkim_rotation_interval_days: Option<i64>,
    /// Always null.
    #[schema(required)]
    dkim_selector: Option<String>,
    /// Always false: Gatepost has no DKIM keys.
    rotation_ready: bool,
    /// Always null.
    #[schema(required)]
    dsn_recipient: Option<String>,
    /// Gatepost's own. `pending`: its record was never found. `missing`: it is gone, and for a while mail may be sent all the same.
    /// `lost`: that while is over. `vouched`: the operator says that it is the account's, and nobody looks.
    status: DomainStatus,
    /// Gatepost's own: since when it is verified.
    #[schema(required, format = DateTime)]
    verified_at: Option<String>,
    /// Gatepost's own: while its record is missing, how long mail may be sent from it all the same.
    #[schema(required, format = DateTime)]
    usable_until: Option<String>,
    /// Gatepost's own: a sentence about what the newest look-up found instead of the record.
    #[schema(required)]
    dns_problem: Option<String>,
    /// Gatepost's own: how many SMTP credentials are scoped to it.
    #[schema(minimum = 0)]
    credentials: i64,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DomainObject {
    Domain,
}

/// A record that the domain's owner sets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DNSRecord)]
pub struct DnsRecord {
    r#type: RecordType,
    /// Its whole name, without a final dot.
    host: String,
    content: String,
    /// Always true.
    required: bool,
    /// Whether the newest look-up that was answered found it.
    propagated: bool,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub enum RecordType {
    #[serde(rename = "TXT")]
    Txt,
}

/// A domain to be. Of AhaSend's settings Gatepost can honour none: they may be left out, null or empty, and any value is refused,
/// so that nobody believes in a DKIM key or a tracking host that is not there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"domain": "news.example"}))]
pub struct CreateDomain {
    /// In A-labels or U-labels; case and a final dot do not count.
    #[schema(format = "hostname", min_length = 3, max_length = 253)]
    pub domain: String,
    #[schema(max_length = 0)]
    dkim_private_key: Option<String>,
    #[schema(max_length = 0)]
    tracking_subdomain: Option<String>,
    #[schema(max_length = 0)]
    return_path_subdomain: Option<String>,
    #[schema(max_length = 0)]
    subscription_subdomain: Option<String>,
    #[schema(max_length = 0)]
    media_subdomain: Option<String>,
    #[schema(minimum = 0, maximum = 0)]
    dkim_rotation_interval_days: Option<i64>,
    #[schema(max_length = 0)]
    dkim_selector: Option<String>,
}

/// AhaSend's settings of a domain. Gatepost can honour none: they may be left out, null or empty, which changes nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tracking_subdomain": null}))]
pub struct UpdateDomain {
    #[schema(max_length = 0)]
    tracking_subdomain: Option<String>,
    #[schema(max_length = 0)]
    return_path_subdomain: Option<String>,
    #[schema(max_length = 0)]
    subscription_subdomain: Option<String>,
    #[schema(max_length = 0)]
    media_subdomain: Option<String>,
    #[schema(minimum = 0, maximum = 0)]
    dkim_rotation_interval_days: Option<i64>,
    #[schema(max_length = 0)]
    dkim_selector: Option<String>,
}

impl DomainBody {
    pub fn of(domain: &Domain, account: OrganizationId, now: Timestamp) -> Self {
        let status = domain.state(now);
        let record = DnsRecord {
            r#type: RecordType::Txt,
            host: domain.record_name(),
            content: domain.record_value(),
            required: true,
            propagated: status == State::Verified,
        };
        Self {
            object: DomainObject::Domain,
            id: domain.id.uuid(),
            created_at: time(domain.created_at),
            updated_at: time(domain.updated_at),
            domain: domain.name.clone(),
            account_id: account.uuid(),
            dns_records: vec![record],
            last_dns_check_at: domain.checked_at.map(time),
            dns_valid: domain.is_usable_at(now),
            tracking_subdomain: None,
            return_path_subdomain: None,
            subscription_subdomain: None,
            media_subdomain: None,
            dkim_rotation_interval_days: None,
            dkim_selector: None,
            rotation_ready: false,
            dsn_recipient: None,
            status: DomainStatus(status),
            verified_at: domain.verified_at.map(time),
            usable_until: domain.usable_until.map(time),
            dns_problem: some(domain.problem.clone()),
            credentials: domain.credentials,
        }
    }
}

impl CreateDomain {
    /// # Errors
    /// The first field with a value that Gatepost can't honour.
    pub fn check(&self) -> Result<()> {
        let settings = UpdateDomain {
            tracking_subdomain: self.tracking_subdomain.clone(),
            return_path_subdomain: self.return_path_subdomain.clone(),
            subscription_subdomain: self.subscription_subdomain.clone(),
            media_subdomain: self.media_subdomain.clone(),
            dkim_rotation_interval_days: self.dkim_rotation_interval_days,
            dkim_selector: self.dkim_selector.clone(),
        };
        refuse_value("dkim_private_key", self.dkim_private_key.as_deref())?;
        settings.check()
    }
}

impl UpdateDomain {
    /// # Errors
    /// The first field with a value that Gatepost can't honour.
    pub fn check(&self) -> Result<()> {
        let days = self.dkim_rotation_interval_days.filter(|days| *days != 0).map(|_| "days");
        for (field, value) in [
            ("tracking_subdomain", self.tracking_subdomain.as_deref()),
            ("return_path_subdomain", self.return_path_subdomain.as_deref()),
            ("subscription_subdomain", self.subscription_subdomain.as_deref()),
            ("media_subdomain", self.media_subdomain.as_deref()),
            ("dkim_rotation_interval_days", days),
            ("dkim_selector", self.dkim_selector.as_deref()),
        ] {
            refuse_value(field, value)?;
        }
        Ok(())
    }
}

fn refuse_value(field: &str, value: Option<&str>) -> Result<()> {
    match value {
        None | Some("") => Ok(()),
        Some(_) => {
            Err(Failure::bad(format!("{field}: Gatepost signs, tracks and rewrites nothing; leave it out.")))
        }
    }
}
