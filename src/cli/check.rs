//! `gatepost check`: a real SMTP log-in, told step by step, for people at a terminal.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::{output, read_password};
use crate::config::{Config, Security};
use crate::smtp::probe::{Line, Mail, Outcome, Probe, Speaker, Step, Target, Trust};

#[derive(Debug, Args)]
pub struct Check {
    /// Username of the credential; the password is asked for, or read from standard input
    username: String,
    /// Server to sign in to, instead of the configured door on this machine
    #[arg(long)]
    host: Option<String>,
    /// Its port [default: 587, or 465 with --implicit]
    #[arg(long, requires = "host")]
    port: Option<u16>,
    /// TLS from the first byte, instead of STARTTLS
    #[arg(long, requires = "host")]
    implicit: bool,
    /// Accept any certificate
    #[arg(long)]
    insecure: bool,
    /// Also begin a message from this address; nothing is sent
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// … to this one
    #[arg(long, requires = "sender", value_name = "ADDRESS")]
    recipient: Option<String>,
    /// Seconds that all steps may take together
    #[arg(long, default_value_t = 30)]
    timeout: u64,
}

pub async fn run(config: &Config, check: Check) -> anyhow::Result<()> {
    let probe = Probe {
        target: target(config, &check)?,
        username: check.username,
        password: read_password()?,
        mail: check.sender.map(|sender| Mail { sender, recipient: check.recipient }),
        timeout: Duration::from_secs(check.timeout),
        behalf: None,
    };
    let mut printed = Ok(());
    let passed = probe
        .run(|step| {
            if printed.is_ok() {
                printed = output::write(text(&step).as_bytes());
            }
        })
        .await;
    printed?;
    if !passed {
        bail!("the check of {} at {}:{} failed", probe.username, probe.target.host, probe.target.port);
    }
    Ok(())
}

fn target(config: &Config, check: &Check) -> anyhow::Result<Target> {
    let configured = || Target::configured(config).context("smtp_listen names no address; give --host");
    let mut target = match &check.host {
        None => configured()?,
        Some(host) => {
            let (security, port) =
                if check.implicit { (Security::Implicit, 465) } else { (Security::Starttls, 587) };
            // The configured certificate is believed wherever it is shown: this machine holds its key.
            let trust = configured().map_or(Trust::Public, |target| target.trust);
            let port = check.port.unwrap_or(port);
            Target { host: host.clone(), name: host.clone(), port, security, trust }
        }
    };
    if check.insecure {
        target.trust = Trust::Anything;
    }
    Ok(target)
}

/// One step with its transcript, cause and cure.
fn text(step: &Step) -> String {
    let mark = match step.outcome {
        Outcome::Passed => "ok    ",
        Outcome::Doubtful => "doubt ",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "-     ",
    };
    let time = match step.outcome {
        Outcome::Skipped => String::new(),
        _ => format!("{:.1} ms", step.took.as_secs_f64() * 1_000.0),
    };
    let mut text = format!("{mark}  {:<14} {time:>10}\n", step.name.title());
    step.lines.iter().for_each(|line| text.push_str(&transcript(line)));
    if let Some(advice) = &step.advice {
        text.push_str(&format!("        Cause: {}\n        Cure:  {}\n", advice.cause, advice.cure));
    }
    text
}

fn transcript(line: &Line) -> String {
    let mark = match line.from {
        Speaker::Client => "->",
        Speaker::Server => "<-",
        Speaker::Note => "  ",
    };
    format!("        {mark} {}\n", line.text)
}
