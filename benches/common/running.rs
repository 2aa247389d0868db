//! Gatepost on a store, in this process, with its real doors on loopback.

use gatepost::app::App;
use gatepost::clock::Clock;
use gatepost::config::Config;
use gatepost::server::Server;
use tokio_util::sync::CancellationToken;

use super::Store;
use super::http::Visitor;
use super::smtp::Door;

pub struct Running {
    pub app: App,
    pub door: Door,
    setup_link: String,
    url: String,
    shutdown: CancellationToken,
}

impl Running {
    pub async fn on(store: &Store) -> Self {
        let mut config = Config { data_dir: store.dir().to_owned(), ..Config::default() };
        config.set("database_url", &store.url).expect("a database's address");
        config.set("http_listen", "127.0.0.1:0").expect("an address");
        config.set("smtp_listen", "127.0.0.1:0").expect("an address");
        config.smtp_new_connections_per_minute = u32::MAX;
        (config.api_requests_per_second, config.api_burst) = (u32::MAX, u32::MAX);
        let server = Server::build(config, Clock::default()).await.expect("it starts");
        let app = server.app().clone();
        let setup_link = server.setup_link().expect("there is no owner yet");
        let certificate = Some(app.tls.as_ref().expect("a door has TLS").certificate().await);
        let door = Door { address: app.smtp_listeners[0].address, certificate };
        let url = app.public_url.as_str().to_owned();
        let shutdown = CancellationToken::new();
        tokio::spawn({
            let shutdown = shutdown.clone();
            async move { server.run(shutdown).await }
        });
        Self { app, door, setup_link, url, shutdown }
    }

    /// The owner, logged in at the dashboard.
    pub async fn owner(&self) -> Visitor {
        let visitor = Visitor::new(&self.url);
        visitor.set_up(&self.setup_link, "alice@acme.example", "correct horse battery staple").await;
        visitor
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
