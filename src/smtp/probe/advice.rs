//! The likely cause and the cure of each thing that can go wrong between a program and an SMTP server.

use std::io::ErrorKind;

use rustls::{AlertDescription, CertificateError};

use super::{Advice, Name, Probe};
use crate::config::Security;
use crate::secret::Password;
use crate::smtp::client::{Reply, Trouble};
use crate::smtp::reply;
use crate::tls::certificate::Facts;

/// What to tell about `trouble` in the step `name`.
pub fn on(name: Name, trouble: &Trouble, probe: &Probe) -> Advice {
    match trouble {
        Trouble::UnknownHost => advice(
            format!("The host name {} can't be found.", probe.target.host),
            "Check the host for typing errors, and compare it with the connection settings.",
        ),
        Trouble::NotConnected(problem) => not_connected(problem.kind(), probe),
        Trouble::TimedOut => timed_out(name, probe),
        Trouble::HungUp => hung_up(name, probe),
        Trouble::Broken(problem) => advice(
            format!("The connection broke: {problem}."),
            "Try again; if it happens often, look at the network.",
        ),
        Trouble::NotSmtp(line) => not_smtp(line, probe),
        Trouble::NoStartTls => advice(
            "The server does not offer STARTTLS on this port, or something on the way removes the offer.",
            "Check host and port. Some antivirus programs and firewalls strip STARTTLS: switch off their mail inspection.",
        ),
        Trouble::Injected => advice(
            "Something was sent along with the answer to STARTTLS, as an attacker on the way would do.",
            "Do not sign in over this network. Try from another one.",
        ),
        Trouble::Certificate(reason, facts) => certificate(reason, facts.as_deref(), probe),
        Trouble::Handshake(problem) => handshake(problem, probe),
        Trouble::NoMechanism(offered) => advice(
            format!("The server offers neither PLAIN nor LOGIN, but “{offered}”."),
            "Check that host and port are those of Gatepost, and not of another mail server.",
        ),
        Trouble::InClear => advice(
            "The channel is not encrypted, and the password was not sent.",
            "Use STARTTLS or implicit TLS.",
        ),
        Trouble::Unsayable => advice(
            "That is not an e-mail address.",
            "Give an address such as alice@acme.example, without a name and without angle brackets.",
        ),
        Trouble::Refused(reply) => refused(name, reply, probe),
    }
}

fn advice(cause: impl Into<String>, cure: impl Into<String>) -> Advice {
    Advice { cause: cause.into(), cure: cure.into() }
}

fn not_connected(kind: ErrorKind, probe: &Probe) -> Advice {
    match kind {
        ErrorKind::ConnectionRefused => advice(
            format!("Nothing listens on {}:{}.", probe.target.host, probe.target.port),
            "Compare host and port with the connection settings, and check that Gatepost is running.",
        ),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => advice(
            format!("There is no way from here to {}.", probe.target.host),
            "Check this machine's network, and that the host is reachable from it.",
        ),
        _ => timed_out(Name::Connect, probe),
    }
}

fn timed_out(name: Name, probe: &Probe) -> Advice {
    match (name, probe.target.security) {
        (Name::Connect, _) => advice(
            "No answer. A firewall drops the connection, the host is the wrong one, or the internet provider blocks this port.",
            "Try port 2525, which is rarely blocked. Allow outgoing connections to the host in the firewall.",
        ),
        (Name::Greeting, Security::Starttls) => advice(
            "The server accepted the connection and said nothing. It probably expects TLS from the first byte.",
            "Choose implicit TLS (often called SSL/TLS) for this port, or use STARTTLS on port 587 or 2525.",
        ),
        (Name::Tls, Security::Implicit) => advice(
            "The server did not answer the TLS handshake. It probably expects STARTTLS on this port.",
            "Choose STARTTLS, not SSL/TLS, for ports 25, 587 and 2525.",
        ),
        _ => advice(
            "The server took too long to answer.",
            "Try again. If it happens often, look at the load of the server and at the network between.",
        ),
    }
}

fn hung_up(name: Name, probe: &Probe) -> Advice {
    match (name, probe.target.security) {
        (Name::Greeting, Security::Starttls) => advice(
            "The server hung up at once: this port may expect TLS from the first byte, or the server refuses this address.",
            "Choose implicit TLS (often called SSL/TLS) for this port, or use STARTTLS on port 587 or 2525.",
        ),
        _ => advice(
            "The server ended the connection.",
            "Try again in a minute: the server may limit connections from this address, or be restarting.",
        ),
    }
}

fn not_smtp(line: &str, probe: &Probe) -> Advice {
    let service = if line.starts_with("HTTP/") { "a web server" } else { "not an SMTP server" };
    advice(
        format!("What answers on {}:{} is {service}.", probe.target.host, probe.target.port),
        "Compare host and port with the connection settings; the dashboard's port is not the one for mail.",
    )
}

fn certificate(reason: &CertificateError, facts: Option<&Facts>, probe: &Probe) -> Advice {
    use CertificateError as E;
    match reason {
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            let names = facts.map(|facts| facts.names.join(", ")).unwrap_or_default();
            advice(
                format!("The certificate is for {names}, not for {}.", probe.target.name),
                "Use one of those names as the host, or give the server a certificate for this one.",
            )
        }
        E::Expired | E::ExpiredContext { .. } => advice(
            "The server's certificate has expired.",
            "Renew the certificate. Gatepost takes a new file over by itself.",
        ),
        E::NotValidYet | E::NotValidYetContext { .. } => advice(
            "The server's certificate is not valid yet.",
            "Check this machine's clock, then the certificate's dates.",
        ),
        E::UnknownIssuer if facts.is_some_and(Facts::is_self_signed) => advice(
            "The server's certificate is self-signed, so that clients can't tell whose it is.",
            "Set tls_cert and tls_key to a certificate of a public authority, such as Let's Encrypt, or let the client trust this one.",
        ),
        E::UnknownIssuer => advice(
            "The server's certificate is issued by an authority that is not known here, or its intermediate certificate is missing.",
            "Put the whole chain into the file of tls_cert (often called fullchain.pem), or add the authority to the client's.",
        ),
        other => advice(
            format!("The server's certificate can't be trusted: {other}."),
            "Give the server a certificate of a public authority for its host name.",
        ),
    }
}

fn handshake(problem: &std::io::Error, probe: &Probe) -> Advice {
    use AlertDescription::{HandshakeFailure, ProtocolVersion};
    match problem.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(
            rustls::Error::AlertReceived(ProtocolVersion | HandshakeFailure)
            | rustls::Error::PeerIncompatible(_),
        ) => advice(
            "The two sides have no TLS version or cipher in common.",
            "One side is too old. Gatepost speaks TLS 1.2 and 1.3: update the library or the server on the other side.",
        ),
        _ if probe.target.security == Security::Implicit => advice(
            "The server did not answer with TLS. This port probably begins in clear and expects STARTTLS.",
            "Choose STARTTLS, not SSL/TLS, for ports 25, 587 and 2525.",
        ),
        _ => advice(
            format!("The TLS handshake failed: {problem}."),
            "Check that nothing between client and server inspects or changes TLS, and that the client's library is current.",
        ),
    }
}

fn refused(name: Name, reply: &Reply, probe: &Probe) -> Advice {
    match (name, reply.code) {
        (_, 421) => advice(
            format!("The server ended the session: {}.", bare(reply)),
            "Too many connections or failed logins from one address are slowed down. Wait a minute, keep connections open and reuse them, and try again.",
        ),
        (Name::Login, 535) => wrong_login(reply, probe),
        (Name::Login, 432 | 454) => advice(
            "The server could not decide about the login at the moment. The password may well be right.",
            "Try again in a few seconds. If it stays so, look at the server's log and its /readyz.",
        ),
        (Name::Login, 534 | 538) => advice(
            "The server wants another mechanism or stronger encryption for a login.",
            "Use STARTTLS or implicit TLS, and the mechanism PLAIN or LOGIN.",
        ),
        (Name::Sender, 550..=559) => advice(
            format!("The sender is not allowed: {}.", bare(reply)),
            "Use a sender whose domain is verified for the organization and inside the credential's scope.",
        ),
        (Name::Recipient, 550..=559) => {
            advice(format!("The recipient was refused: {}.", bare(reply)), "Check the recipient's address.")
        }
        (_, 400..=499) => {
            advice(format!("For the moment the server says no: {}.", bare(reply)), "Try again in a minute.")
        }
        _ => advice(
            format!("The server answered {} {}.", reply.code, bare(reply)),
            "Check that host and port are those of Gatepost, and not of another mail server.",
        ),
    }
}

/// The guide's first case: the wrong pair, the dashboard's login, or a credential that was switched off.
fn wrong_login(reply: &Reply, probe: &Probe) -> Advice {
    let (username, password) = (probe.username.as_str(), probe.password.expose());
    if username.contains('@') {
        return advice(
            "An e-mail address and password of the dashboard were used. They don't sign in here.",
            "Use the username and password of an SMTP credential: smtp_… and sk_….",
        );
    }
    if username != username.trim() || password != password.trim() {
        return advice(
            "There is a space or line break before or after the username or the password.",
            "Copy both again with the copy buttons, without spaces around them.",
        );
    }
    if Password::new(username).is_generated_form() {
        return advice(
            "A password stands where the username belongs.",
            "Exchange the two. The server has seen that password without its username: rotate the credential if others may have.",
        );
    }
    if !username.starts_with("smtp_") {
        return advice(
            "The username is not that of an SMTP credential.",
            "Usernames look like smtp_aB3xK9mP2qR5wY7z; the credentials page lists them.",
        );
    }
    if !probe.password.is_generated_form() {
        return advice(
            "The password does not have the form of an SMTP password: sk_ and 32 letters and digits. It may have been cut off, or be that of the dashboard.",
            "Copy the whole password. If it is lost, rotate the credential for a new one.",
        );
    }
    let text = reply.text();
    let reference = reply::reference(&text).map_or_else(String::new, |reference| {
        format!(" Search Activity for {reference}: the exact reason stands there.")
    });
    advice(
        "Username and password don't belong together, or the credential was revoked, has expired or was deleted.",
        format!(
            "Compare both with the credential.{reference} If the password is lost, rotate the credential."
        ),
    )
}

/// A reply's words without its enhanced status code and full stop.
fn bare(reply: &Reply) -> String {
    let text = reply.text();
    let words = match text.split_once(' ') {
        Some((status, words)) if status.split('.').count() == 3 => words,
        _ => text.as_str(),
    };
    words.trim_end_matches('.').to_owned()
}
