//! Everything that was counted, as a CSV file (RFC 4180): a line for each month, credential and mode.

use axum::body::{Body, Bytes};
use tokio::sync::mpsc::{Sender, channel};
use tracing::Instrument;

use crate::app::App;
use crate::error::Result;
use crate::http::pieces::Pieces;
use crate::id::OrganizationId;
use crate::model::Usage;
use crate::model::credential::Mode;
use crate::model::usage::UsageRow;
use crate::web::answer::Answer;
use crate::web::files::file;
use crate::web::signed_in::SignedIn;

const HEAD: &str = "month,credential,credential_id,mode,messages,recipients,credits\r\n";
/// Lines that are read at a time.
const LINES: i64 = 2_000;

/// `GET /usage.csv`
pub async fn export(who: SignedIn) -> Answer {
    let (organization, app) = (who.organization(), who.app);
    let first = read(&app, organization, None).await?;
    let (sender, pieces) = channel(1);
    tokio::spawn(async move { send(&app, organization, (first, sender)).await }.in_current_span());
    Ok(file("gatepost-usage.csv", "text/csv; charset=utf-8; header=present", Body::new(Pieces(pieces))))
}

async fn read(app: &App, organization: OrganizationId, behind: Option<&UsageRow>) -> Result<Vec<UsageRow>> {
    Usage::lines(&mut *app.db.read().await?, organization, behind, LINES).await
}

/// Reads some lines when those before them are on their way.
async fn send(
    app: &App,
    organization: OrganizationId,
    (first, sender): (Vec<UsageRow>, Sender<Result<Bytes>>),
) {
    let (mut text, mut lines) = (HEAD.to_owned(), first);
    loop {
        text.extend(lines.iter().map(line));
        let Some(last) = lines.last().cloned() else {
            let _nobody_reads = sender.send(Ok(Bytes::from(text))).await;
            return;
        };
        if sender.send(Ok(Bytes::from(std::mem::take(&mut text)))).await.is_err() {
            return;
        }
        lines = match read(app, organization, Some(&last)).await {
            Ok(lines) => lines,
            Err(error) => {
                let _nobody_reads = sender.send(Err(error)).await;
                return;
            }
        };
    }
}

fn line(row: &UsageRow) -> String {
    let UsageRow { month, credential, mode, messages, recipients, .. } = row;
    let credits = if *mode == Mode::Production { *recipients } else { 0 };
    format!(
        "{month},{},{credential},{mode},{messages},{recipients},{credits}\r\n",
        field(&row.credential_label)
    )
}

/// A text as a field. One that a spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises
/// (CSV injection); quotation marks around it alone would not help.
fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let guard = if is_formula { "'" } else { "" };
    match text.contains([',', '"', '\r', '\n']) || is_formula {
        true => format!("\"{guard}{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_name_is_one_field_and_no_formula() {
        for (name, written) in [
            ("Shop", "Shop"),
            ("Größe 商店", "Größe 商店"),
            ("a,b", "\"a,b\""),
            ("the \"shop\"", "\"the \"\"shop\"\"\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1", "\"'＝1\""),
        ] {
            assert_eq!(field(name), written);
        }
    }
}
