//! What the gate answers to a username and password, and why: for other servers that let Gatepost decide.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::caller::Caller;
use crate::api::failure::{Failure, Result};
use crate::api::input::Input;
use crate::app::App;
use crate::error::Error;
use crate::gate::{Attempt, Denial, Door, Grant};
use crate::model::Domain;
use crate::model::domain::{Sending, normalize};
use crate::secret::{MAX_PASSWORD_BYTES, Password};

/// The longest address (RFC 5321 section 4.5.3.1).
const MAX_FROM: usize = 320;

/// A pair to be checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "username": "smtp_aB3xK9mP2qR5wY7z",
    "password": "sk_4fGh7jKl9mNp2qRs5tUv8wXy1zA3bC6d",
    "from": "orders@shop.example"
}))]
pub struct VerifyCredential {
    #[schema(max_length = 255)]
    username: String,
    #[schema(max_length = 1024, value_type = String)]
    password: Password,
    /// An address, or a domain, that the pair wants to send from.
    #[schema(max_length = 320)]
    from: Option<String>,
    /// The IP address that the pair came from; without it, the caller's own counts. Guessing is slowed down by address, within
    /// the account; beyond some 200 failures whatever addresses are named.
    client: Option<String>,
}

/// What the gate says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    granted: bool,
    /// Why not: `unknown_username`, `wrong_password`, `malformed_password`, `revoked`, `expired`, `throttled`.
    reason: Option<String>,
    /// Finds a denial in the dashboard.
    reference: Option<String>,
    credential_id: Option<Uuid>,
    sandbox: Option<bool>,
    /// Whether it may send from the domain that was asked about; null where none was, or nothing was granted.
    from_allowed: Option<bool>,
}

/// Asks the gate, as a log-in at the SMTP door does: it counts as one, and guessing is slowed down.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/smtp-credentials/verify", operation_id = "verifySMTPCredential",
    tag = "SMTP credentials", request_body = VerifyCredential,
    responses((status = 200, body = Verdict)),
    security(("BearerAuth" = ["smtp-credentials:verify"]))
)]
pub async fn verify(
    State(app): State<App>,
    caller: Caller,
    input: Input<VerifyCredential>,
) -> Result<Json<Verdict>> {
    caller.may("smtp-credentials:verify")?;
    let VerifyCredential { username, password, from, client } = input.value;
    if username.chars().count() > 255 || password.expose().chars().count() > MAX_PASSWORD_BYTES {
        return Err(Failure::bad("username or password is longer than any"));
    }
    if from.as_ref().is_some_and(|from| from.chars().count() > MAX_FROM) {
        return Err(Failure::bad(format!("from: at most {MAX_FROM} characters")));
    }
    let sender = from.as_deref().map(domain_of).transpose()?;
    let client = match client.map(|text| text.parse()) {
        None => caller.address,
        Some(Ok(address)) => address,
        Some(Err(_)) => return Err(Failure::bad("client: an IP address, such as 192.0.2.1 or 2001:db8::1")),
    };
    let attempt = Attempt {
        username,
        password,
        identity: String::new(),
        client,
        door: Door::Api,
        encrypted: true,
        hello: Some(caller.actor().label),
        organization: Some(caller.organization()),
    };
    match app.gate.check(attempt).await {
        Ok(grant) => Ok(Json(granted(&app, &caller, &grant, sender.as_deref()).await?)),
        Err(denial) if denial.is_temporary() => Err(Error::unavailable("the gate could not decide").into()),
        Err(denial) => Ok(Json(Verdict::denied(&denial))),
    }
}

/// The domain of an address, or that which stands there alone, as domains are kept.
fn domain_of(from: &str) -> Result<String> {
    let domain = match from.rsplit_once('@') {
        Some((local, domain)) if is_local_part(local) => domain,
        Some(_) => "",
        None => from,
    };
    let kept = normalize(domain).ok().filter(|_| !domain.contains(char::is_whitespace));
    kept.ok_or_else(|| Failure::bad("from: an address, such as shop@example.com, or a domain"))
}

/// What may stand before the `@` (RFC 5321 section 4.1.2): atoms with dots, or a text in quotes.
fn is_local_part(text: &str) -> bool {
    let is_quoted = text.len() > 2 && text.starts_with('"') && text.ends_with('"');
    let is_special = |c: char| c.is_whitespace() || c.is_control() || r#"()<>[]:;@\,""#.contains(c);
    match is_quoted {
        true => !text.contains(char::is_control),
        false => !text.is_empty() && !text.contains(is_special),
    }
}

async fn granted(app: &App, caller: &Caller, grant: &Grant, domain: Option<&str>) -> Result<Verdict> {
    let from_allowed = match domain {
        None => None,
        Some(domain) => {
            let who =
                Sending { organization: grant.organization, credential: grant.credential, at: caller.now };
            let mut connection = app.db.read().await?;
            Some(Domain::is_usable(&mut connection, who, domain).await?)
        }
    };
    Ok(Verdict {
        granted: true,
        reason: None,
        reference: None,
        credential_id: Some(grant.credential.uuid()),
        sandbox: Some(grant.mode == crate::model::credential::Mode::Sandbox),
        from_allowed,
    })
}

impl Verdict {
    fn denied(denial: &Denial) -> Self {
        let (reason, reference) = (denial.reason.to_string(), denial.reference.to_string());
        Self {
            granted: false,
            reason: Some(reason),
            reference: Some(reference),
            credential_id: None,
            sandbox: None,
            from_allowed: None,
        }
    }
}
