//! A key that is shown once: after creation.

use askama::Template;

use super::list::{below_account, pieces};
use crate::app::App;
use crate::examples::requests;
use crate::model::ApiKey;
use crate::model::api_key::IssuedApiKey;
use crate::web::answer::Answer;
use crate::web::examples::{Part, parts};
use crate::web::page::{Frame, Here};
use crate::web::signed_in::SignedIn;

/// A new key on its way to the one who asked for it.
pub struct Issued(pub IssuedApiKey);

#[derive(Template)]
#[template(path = "api_keys/secret.html", blocks = ["dialog"])]
struct SecretPage<'a> {
    frame: Frame,
    key: &'a ApiKey,
    secret: &'a str,
    /// A first request, with the key.
    example: Vec<Part>,
}

impl Issued {
    /// The answer that holds the key.
    pub async fn show(self, who: &SignedIn) -> Answer {
        let Self(IssuedApiKey { key, secret }) = &self;
        let frame = who.frame(Here::ApiKeys).await?;
        let (secret, example) = (secret.expose(), first_request(&who.app, key, secret.expose()));
        let page = SecretPage { frame, key, secret, example };
        who.shown_once(&page, &page.as_dialog(), pieces(who, Some(key.id))).await
    }
}

/// One that the key may send: the list of credentials, or else what every key may.
fn first_request(app: &App, key: &ApiKey, secret: &str) -> Vec<Part> {
    let address = match key.may().reach("smtp-credentials:read").is_empty() {
        false => below_account(app, key.organization, "smtp-credentials"),
        true => format!("{}/v2/ping", app.public_url.as_str()),
    };
    parts(&format!("export GATEPOST_API_KEY={secret}\n{}", requests::curl(&address)), secret)
}
