//! Pages for people. The route table, and the layers in their order.
//!
//! A handler is four moves: extract, ask the model, tell, render. Every page works without JavaScript; htmx asks for the same
//! addresses and is given the block of the page that changes.

mod activity;
mod answer;
mod api_keys;
pub mod assets;
mod checks;
pub mod credentials;
mod domains;
mod examples;
mod failure;
mod files;
mod htmx;
mod join;
mod logins;
mod members;
mod messages;
mod page;
mod reference;
mod security;
mod seen;
mod session_store;
mod setup;
pub mod shown;
mod signed_in;
mod smtp_server;
mod told;
mod urlencoded;
mod usage;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::http::header::VARY;
use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::{get, post};
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};
use utoipa::openapi::OpenApi;

use crate::app::App;
use crate::http::requests;
use crate::http::whole::arrived;
use page::Uncompressed;

/// The longest form: one with every domain that an organization may have.
const MAX_BODY: usize = 512 * 1024;

/// `document`: what the API's reference is made of.
pub fn router(app: App, document: &OpenApi) -> Router {
    // The first layer sees a request first and its answer last.
    let layers = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::appending(VARY, htmx::VARY))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(may_compress)))
        .layer(from_fn(failure::show))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(same_site(&app));
    let routes = pages()
        .layer(sessions(&app))
        .layer(from_fn(arrived))
        .route("/docs/api", reference::route(&app, document))
        .route("/assets/{version}/{name}", get(assets::serve))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(app);
    requests::caught(routes).layer(layers)
}

fn pages() -> Router<App> {
    Router::new()
        .route("/", get(|| async { Redirect::to(credentials::HOME) }))
        // Coming and going.
        .route("/setup", get(setup::form).post(setup::create))
        .route("/join", get(join::form).post(join::create))
        .route("/login", get(logins::form).post(logins::create))
        .route("/logout", post(logins::delete))
        // Credentials.
        .route("/settings/smtp-credentials", get(credentials::list).post(credentials::create))
        .route("/settings/smtp-credentials/new", get(credentials::new))
        .route(
            "/settings/smtp-credentials/check",
            get(async || Redirect::to(credentials::HOME)).post(checks::create),
        )
        .route("/settings/smtp-credentials/{id}", get(credentials::show))
        .route("/settings/smtp-credentials/{id}/edit", get(credentials::edit).post(credentials::update))
        .route(
            "/settings/smtp-credentials/{id}/rotate",
            get(credentials::ask_rotate).post(credentials::rotate),
        )
        .route("/settings/smtp-credentials/{id}/end-grace", post(credentials::end_grace))
        .route(
            "/settings/smtp-credentials/{id}/revoke",
            get(credentials::ask_revoke).post(credentials::revoke),
        )
        .route("/settings/smtp-credentials/{id}/enable", post(credentials::enable))
        .route(
            "/settings/smtp-credentials/{id}/delete",
            get(credentials::ask_delete).post(credentials::delete),
        )
        // API keys.
        .route("/settings/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/settings/api-keys/new", get(api_keys::new))
        .route("/settings/api-keys/{id}/edit", get(api_keys::edit).post(api_keys::update))
        .route("/settings/api-keys/{id}/delete", get(api_keys::ask_delete).post(api_keys::delete))
        // Webhooks.
        .route("/settings/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/settings/webhooks/new", get(webhooks::new))
        .route("/settings/webhooks/{id}", get(webhooks::show))
        .route("/settings/webhooks/{id}/edit", get(webhooks::edit).post(webhooks::update))
        .route("/settings/webhooks/{id}/rotate", get(webhooks::ask_rotate).post(webhooks::rotate))
        .route("/settings/webhooks/{id}/end-overlap", post(webhooks::end_overlap))
        .route("/settings/webhooks/{id}/disable", post(webhooks::disable))
        .route("/settings/webhooks/{id}/enable", post(webhooks::enable))
        .route("/settings/webhooks/{id}/delete", get(webhooks::ask_delete).post(webhooks::delete))
        .route("/settings/webhooks/{id}/test", get(webhooks::ask_test).post(webhooks::send_test))
        .route("/settings/webhooks/{id}/deliveries/{delivery}", get(webhooks::delivery))
        .route("/settings/webhooks/{id}/deliveries/{delivery}/redeliver", post(webhooks::redeliver))
        // Members.
        .route("/settings/members", get(members::list).post(members::create))
        .route("/settings/members/new", get(members::new))
        .route("/settings/members/invitations/{id}/cancel", post(members::cancel))
        .route("/settings/members/{id}/role", post(members::set_role))
        .route("/settings/members/{id}/remove", get(members::ask_remove).post(members::remove))
        // The rest of the settings.
        .route("/settings/domains", get(domains::list).post(domains::create))
        .route("/settings/domains/{id}/verify", post(domains::verify))
        .route("/settings/domains/{id}/delete", get(domains::ask_delete).post(domains::delete))
        .route("/settings/security", get(security::show))
        .route(
            "/settings/security/password",
            get(async || Redirect::to(security::HOME)).post(security::change_password),
        )
        .route("/settings/security/sessions/{id}/end", post(security::end_session))
        .route("/settings/security/sessions/end-others", post(security::end_other_sessions))
        // What happened.
        .route("/usage", get(usage::show))
        .route("/usage.csv", get(usage::export))
        .route("/usage/allowance", get(async || Redirect::to("/usage")).post(usage::set_allowance))
        .route("/messages", get(messages::list))
        .route("/messages/{id}", get(messages::show))
        .route("/messages/{id}/html", get(messages::document))
        .route("/messages/{id}/source", get(messages::source))
        .route("/messages/{id}/attachments/{number}", get(messages::attachment))
        .route("/activity", get(activity::list))
}

/// Sessions last while they are used; the cookie is for this host alone, and for nothing but http.
fn sessions(app: &App) -> SessionManagerLayer<session_store::Store> {
    let (secure, name) = match app.public_url.is_plain_localhost() {
        true => (false, "gatepost"),
        false => (true, "__Host-gatepost"),
    };
    let idle = app.config.session_timeout.try_into().unwrap_or(time::Duration::WEEK);
    SessionManagerLayer::new(session_store::Store { db: app.db.clone(), clock: app.clock.clone() })
        .with_name(name)
        .with_secure(secure)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(idle))
}

/// Refuses what another site sends with a member's cookie. A public address that no browser can send trusts nothing more.
fn same_site(app: &App) -> CsrfLayer {
    CsrfLayer::new().add_trusted_origin(app.public_url.as_str()).unwrap_or_else(|cause| {
        tracing::warn!(%cause, "public_url is no origin");
        CsrfLayer::new()
    })
}

fn may_compress(
    _: StatusCode,
    _: axum::http::Version,
    _: &axum::http::HeaderMap,
    extensions: &axum::http::Extensions,
) -> bool {
    extensions.get::<Uncompressed>().is_none()
}
