//! Pages for people. The route table, and the layers in their order.

use axum::Router;

use crate::app::App;

pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}
