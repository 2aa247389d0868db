//! Logs and metrics, and the names of all metrics.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::error::{Error, Result};

/// Decisions of the gate, by `decision` (`granted` or a denial's reason) and `door`.
pub const GATE_DECISIONS: &str = "gatepost_gate_decisions_total";
/// Decisions that the memory of verified passwords answered without Argon2.
pub const GATE_REMEMBERED: &str = "gatepost_gate_remembered_total";
/// Seconds that a run of Argon2 waited for a thread and took, by `phase` (`wait`, `run`).
pub const HASHING_SECONDS: &str = "gatepost_hashing_seconds";
/// Runs of Argon2 that were refused because the queue was full or too slow.
pub const HASHING_REFUSED: &str = "gatepost_hashing_refused_total";
/// Denials that were not written down because the journal's queue was full.
pub const DENIALS_DROPPED: &str = "gatepost_denials_dropped_total";
/// Log-ins to the dashboard, by `result` (`granted`, `denied`, `throttled`, `unavailable`).
pub const DASHBOARD_LOGINS: &str = "gatepost_dashboard_logins_total";
/// Look-ups of the records of domains, by `result` (`present`, `absent`, `unanswered`).
pub const DOMAIN_CHECKS: &str = "gatepost_domain_checks_total";
/// HTTP answers, by `status`.
pub const HTTP_RESPONSES: &str = "gatepost_http_responses_total";
/// Open SMTP connections.
pub const SMTP_CONNECTIONS: &str = "gatepost_smtp_connections";
/// SMTP connections that were accepted or refused, by `result`.
pub const SMTP_ACCEPTED: &str = "gatepost_smtp_accepted_total";
/// TLS handshakes of the SMTP door, by `result`.
pub const SMTP_HANDSHAKES: &str = "gatepost_smtp_tls_handshakes_total";
/// SMTP commands, by `verb`; what is none counts as `unknown`.
pub const SMTP_COMMANDS: &str = "gatepost_smtp_commands_total";
/// SMTP replies, by `code`.
pub const SMTP_REPLIES: &str = "gatepost_smtp_replies_total";
/// Connections that were taken for a message to the next hop, by `result` (`opened`, `reused`, `failed`).
pub const NEXT_HOP_CONNECTIONS: &str = "gatepost_next_hop_connections_total";
/// Messages that DATA was said for, by the next hop's `answer` (`2xx`, `4xx`, `5xx`, `none`, and `unknown` where none
/// came after the message's end).
pub const NEXT_HOP_MESSAGES: &str = "gatepost_next_hop_messages_total";
/// Requests to webhooks, by `result` (`delivered`, `failed`).
pub const WEBHOOK_REQUESTS: &str = "gatepost_webhook_requests_total";

/// Starts writing log lines to standard error. Only the first call of a process has an effect.
///
/// # Errors
/// A sentence when `log_level` is not understood.
pub fn start_logging(config: &Config) -> Result<()> {
    // What is wrong with a certificate is told by whoever made the connection.
    check_level(&config.log_level)?;
    let directives = format!("rustls_platform_verifier=off,{}", config.log_level);
    let filter = EnvFilter::try_new(directives).map_err(|why| Error::setup(format!("log_level: {why}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

/// A word alone is a level: taken for a target, as the filter would, `warning` would silence everything.
fn check_level(directives: &str) -> Result<()> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_unknown = |word: &&str| {
        !word.is_empty() && !word.contains('=') && !LEVELS.contains(&word.to_ascii_lowercase().as_str())
    };
    match directives.split(',').map(str::trim).find(is_unknown) {
        None => Ok(()),
        Some(word) => Err(Error::setup(format!("log_level: “{word}” is none of {}", LEVELS.join(", ")))),
    }
}

/// A panic is a line of the log like any other, with its place, and its backtrace where `RUST_BACKTRACE` asks for one.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let backtrace = std::backtrace::Backtrace::capture();
    match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => {
            tracing::error!(%panic, %backtrace, "a defect in Gatepost")
        }
        _ => tracing::error!(%panic, "a defect in Gatepost"),
    }
}

/// The metrics of this process in Prometheus's text format.
pub fn render_metrics() -> String {
    recorder().render()
}

/// Sums up what was measured since the last time. Without it a process whose metrics nobody reads would keep every sample.
pub fn sum_up() {
    recorder().run_upkeep();
}

/// Starts counting. Only the first call of a process has an effect.
pub fn start_counting() {
    recorder();
}

fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is installed: /metrics stays empty");
        }
        handle
    })
}
