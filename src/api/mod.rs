//! What programs ask over HTTP. The route table.

mod health;

use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};

use crate::app::App;
use crate::http::requests::{Routine, caught};

pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/healthz", get(health::process))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(middleware::map_response(async |mut answer: Response| {
            answer.extensions_mut().insert(Routine);
            answer
        }))
        .with_state(app);
    caught(routes)
}
