//! One log and one set of things, reached from the server's own machine and from afar.

use crate::support::{Finished, GatepostProcess, Installation, finish};

/// A server, a key for it, and a machine that has nothing but the key.
pub struct Acme {
    pub here: Installation,
    pub server: GatepostProcess,
    key: String,
    far: Installation,
}

impl Acme {
    pub async fn new() -> Self {
        let here = Installation::new().await;
        let server = GatepostProcess::start(&here).await;
        let key = here.run(&["api-key", "create", "--label", "Commands", "--scope", "*"]).await.stdout();
        Self { here, server, key: key.trim().to_owned(), far: Installation::new().await }
    }

    pub async fn ask_afar(&self, command: &[&str]) -> Finished {
        let mut program = self.far.command(&[command, &["--server", &self.server.url]].concat());
        program.env("GATEPOST_API_KEY", &self.key);
        finish(program, "").await
    }

    /// What a command that changes nothing says both ways.
    pub async fn ask(&self, command: &[&str]) -> Finished {
        let (here, afar) = (self.here.run(command).await, self.ask_afar(command).await);
        let said = |done: &Finished| (done.code, done.stdout.clone(), done.stderr.clone());
        assert_eq!(said(&here), said(&afar), "{command:?}");
        here
    }
}
