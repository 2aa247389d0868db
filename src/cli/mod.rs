//! The command line. Each command works on the configured database, also while the server runs; those that the API offers too work
//! on any server.

mod api_key;
mod check;
mod config;
mod credential;
mod credits;
mod denial;
mod domain;
mod event;
mod man;
mod message;
mod output;
mod place;
mod serve;
mod user;
mod webhook;

use std::future::Future;
use std::io::{BufRead, IsTerminal, Read};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, Remote};
use crate::db::sqlite_url;
use crate::error::{Error, Result};
use crate::model::{Actor, Organization};
use crate::{config as settings, telemetry};
use place::{At, Place};

/// What a command's end tells a script.
const EXIT_CODES: [(&str, &str); 3] = [
    ("0", "Done."),
    ("1", "Refused, or failed; standard error says why, in a sentence."),
    ("2", "Wrong usage."),
];

fn exit_codes() -> String {
    let codes = EXIT_CODES.map(|(code, meaning)| format!("\n  {code}  {meaning}"));
    format!("Exit codes:{}", codes.concat())
}

/// Issues SMTP credentials from a web dashboard and checks them at the SMTP door.
///
/// Without a command it serves. Every setting can be given as a flag (`--help` lists them), as an environment variable
/// GATEPOST_… or in a TOML file.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, max_term_width = 110, after_help = exit_codes())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run dashboard, API and SMTP door (the default)
    Serve,
    /// Create, list, edit, rotate, revoke, enable and delete SMTP credentials
    Credential(Noun<credential::Command>),
    /// Create, list, edit and delete keys for programs that use the API
    ApiKey(Noun<api_key::Command>),
    /// Add, list, verify and remove the organization's sending domains
    Domain(Noun<domain::Command>),
    /// Set and show the monthly allowance
    #[command(subcommand)]
    Credits(credits::Command),
    /// Create and list members, set their passwords
    #[command(subcommand)]
    User(user::Command),
    /// Create, list, edit, enable, disable and delete webhooks
    Webhook(Noun<webhook::Command>),
    /// List and show messages that were sent
    Message(Noun<message::Command>),
    /// List what was done, by whom and from where: the audit log
    Event(Noun<event::Command>),
    /// List denied log-ins with their true reason, also by the reference that the client heard
    Denial(Noun<denial::Command>),
    /// Sign in to an SMTP server, step by step, with the likely cause and cure of what fails
    Check(check::Check),
    /// Print what is in force as TOML, secrets masked
    Config,
    /// Bring the database's tables up to date, then end
    Migrate,
    /// Print the API's OpenAPI document, the same as at /openapi.json
    Openapi,
    /// Print the manual page, or write those of all commands
    Man(man::Man),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// The commands on one noun, and where they act.
#[derive(Debug, Args)]
struct Noun<C: Subcommand> {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    command: C,
}

impl<C: Subcommand> Noun<C> {
    async fn run(
        self,
        config: Config,
        command: impl AsyncFnOnce(&Place, C) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let place = Place::open(config, self.at).await?;
        let outcome = command(&place, self.command).await;
        place.close().await;
        outcome
    }
}

/// Runs the command that the process was started with.
///
/// # Errors
/// What went wrong, in a sentence. Wrong usage ends the process with exit code 2.
pub fn run() -> anyhow::Result<ExitCode> {
    let matches = command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let command = cli.command.unwrap_or(Command::Serve);
    if let Some(printed) = describe(&command) {
        return printed.map(|()| ExitCode::SUCCESS);
    }
    let config = settings::load(innermost(&matches))?;
    telemetry::start_logging(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dispatch(command, config))?;
    Ok(ExitCode::SUCCESS)
}

/// Gatepost's descriptions of itself, for which nothing is to be set up.
fn describe(command: &Command) -> Option<anyhow::Result<()>> {
    match command {
        Command::Openapi => Some(output::line(&crate::api::document_as_json()).map_err(Into::into)),
        Command::Man(man) => Some(man::run(man, self::command(), Cli::command())),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut self::command(), "gatepost", &mut script);
            Some(output::write(&script).map_err(Into::into))
        }
        _ => None,
    }
}

async fn dispatch(command: Command, config: Config) -> anyhow::Result<()> {
    match command {
        Command::Serve => serve::run(config).await,
        Command::Credential(noun) => noun.run(config, credential::run).await,
        Command::ApiKey(noun) => noun.run(config, api_key::run).await,
        Command::Domain(noun) => noun.run(config, domain::run).await,
        Command::Credits(command) => {
            only_here("credits")?;
            with(open(config).await?, |app| credits::run(app, command)).await
        }
        Command::User(command) => {
            only_here("user")?;
            // The first user may be created before anything else.
            let app = App::open_for_command(config).await?;
            with(app, |app| user::run(app, command)).await
        }
        Command::Webhook(noun) => noun.run(config, webhook::run).await,
        Command::Message(noun) => noun.run(config, message::run).await,
        Command::Event(noun) => noun.run(config, event::run).await,
        Command::Denial(noun) => noun.run(config, denial::run).await,
        Command::Check(check) => check::run(&config, check).await,
        Command::Config => config::print(&config),
        Command::Migrate => with(App::open_for_command(config).await?, |_| async { Ok(()) }).await,
        Command::Openapi | Command::Man(_) | Command::Completions { .. } => Ok(()),
    }
}

/// That a command which no API offers was not meant for a server.
fn only_here(noun: &str) -> anyhow::Result<()> {
    if let Some(server) = Remote::of_environment()?.server {
        bail!(
            "gatepost {noun} works on the server's own machine alone, and GATEPOST_SERVER names {server}: unset it there"
        );
    }
    Ok(())
}

/// Opens the database for a command on what is in it. In the wrong directory that is a new one, and nobody's.
async fn open(config: Config) -> anyhow::Result<App> {
    let file = config.database_file();
    let is_new = config.database_address() == sqlite_url(&file) && !file.exists();
    let app = App::open_for_command(config).await?;
    if is_new {
        let file = file.display();
        output::remark(&format!(
            "{file} is new: if a server has its own elsewhere, name that with --data-dir"
        ))?;
    }
    Ok(app)
}

/// Runs one command, and closes the database behind it.
async fn with<F: Future<Output = anyhow::Result<()>>>(
    app: App,
    command: impl FnOnce(App) -> F,
) -> anyhow::Result<()> {
    let outcome = command(app.clone()).await;
    app.db.close().await;
    outcome
}

fn command() -> clap::Command {
    Cli::command().args(settings::flags())
}

/// Global flags are known to the innermost command.
fn innermost(matches: &clap::ArgMatches) -> &clap::ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}

/// Whoever types the command, acting for the operator's organization.
async fn operator(app: &App) -> Result<Actor> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let organization = Organization::first_or_create(&mut tx, now).await?;
    tx.commit().await?;
    Ok(Actor::operator(organization.id, now))
}

/// A password: typed unseen at a terminal, else the first line of standard input, without its line end.
fn read_password() -> Result<crate::secret::Password> {
    let line = if std::io::stdin().is_terminal() {
        let terminal = rpassword::ConfigBuilder::new().output_writer(std::io::stderr()).build();
        rpassword::prompt_password_with_config("Password: ", terminal)
    } else {
        first_line_of_input()
    };
    let line = line.map_err(|cause| Error::setup(format!("the password can't be read: {cause}")))?;
    if line.is_empty() {
        return Err(Error::setup("standard input holds no password"));
    }
    Ok(crate::secret::Password::new(line))
}

fn first_line_of_input() -> std::io::Result<String> {
    let (mut text, limit) = (String::new(), 16 * 1024);
    std::io::stdin().lock().take(limit).read_line(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
