//! What programs ask over HTTP. The route table.

mod health;

use axum::Router;
use axum::routing::get;

use crate::app::App;

pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::process))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(app)
}
