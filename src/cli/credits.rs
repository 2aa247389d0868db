//! `gatepost credits …`: the monthly allowance, and what is used of it.

use clap::Subcommand;

use super::{operator, output};
use crate::app::App;
use crate::model::usage::Month;
use crate::model::{Actor, Credits};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the monthly allowance, and what is used and left this month
    Show,
    /// Set how many credits a month may be used: one for each accepted recipient of a production message
    Set {
        /// A number, or off: any number
        #[arg(value_name = "N|off", value_parser = allowance)]
        allowance: Allowance,
    },
}

/// None: off.
type Allowance = Option<i64>;

fn allowance(text: &str) -> Result<Allowance, String> {
    match text {
        "off" => Ok(None),
        number => number.parse().map(Some).map_err(|_| "it is a whole number, or off".to_owned()),
    }
}

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let actor = operator(&app).await?;
    match command {
        Command::Show => show(&app, &actor).await,
        Command::Set { allowance } => set(&app, &actor, allowance).await,
    }
}

async fn show(app: &App, actor: &Actor) -> anyhow::Result<()> {
    let credits = Credits { organization: actor.organization, month: Month::of(actor.at) };
    let mut connection = app.db.read().await?;
    let allowance = Credits::allowance(&mut connection, actor.organization).await?;
    let (used, held) = (credits.used(&mut connection).await?, credits.held(&mut connection, actor.at).await?);
    drop(connection);
    let [allowed, left] = match allowance {
        Some(allowance) => [allowance.to_string(), (allowance - used - held).max(0).to_string()],
        None => ["off".to_owned(), "any number".to_owned()],
    };
    let month = credits.month;
    Ok(output::line(&format!(
        "month      {month}\nallowance  {allowed}\nused       {used}\nheld       {held}\nleft       {left}"
    ))?)
}

async fn set(app: &App, actor: &Actor, allowance: Allowance) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    Credits::set_allowance(&mut tx, actor, allowance).await?;
    tx.commit().await?;
    Ok(output::line(&match allowance {
        Some(credits) => format!("The monthly allowance is {credits} credits."),
        None => "There is no monthly allowance: any number of credits may be used.".to_owned(),
    })?)
}
