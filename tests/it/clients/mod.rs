//! The clients that applications use, run for real against a door: with the examples as they are printed, and through a
//! credential's life.
//!
//! Not run here: .NET MailKit (in neither Debian, PyPI nor npm).

mod examples;
mod life;
mod mail;
mod program;
mod stripped;

use gatepost::config::Security;
use gatepost::examples::Settings;
use gatepost::secret::Password;

use crate::support::Issued;

/// Settings for `localhost`, where the tests' doors are.
fn settings(issued: &Issued, port: u16, security: Security) -> Settings {
    Settings {
        host: "localhost".to_owned(),
        port,
        security,
        username: issued.username.clone(),
        password: Password::new(issued.password.clone()),
        own_certificate: None,
    }
}
