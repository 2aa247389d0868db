//! Where settings come from: file, environment, flags; later ones override.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches};

use super::{Config, SETTINGS};
use crate::error::{Error, Result};
use crate::secret::Password;

/// The file that is read from the working directory when no other is named.
const DEFAULT_FILE: &str = "gatepost.toml";
/// Variables of this name's family that are not settings.
const OTHER_VARIABLES: [&str; 3] = ["GATEPOST_CONFIG", SERVER, API_KEY];
const SERVER: &str = "GATEPOST_SERVER";
const API_KEY: &str = "GATEPOST_API_KEY";

/// Which server's API commands are to ask, instead of the local database. No setting: no server reads it.
#[derive(Debug)]
pub struct Remote {
    pub server: Option<String>,
    pub api_key: Option<Password>,
}

impl Remote {
    /// GATEPOST_SERVER and GATEPOST_API_KEY.
    ///
    /// # Errors
    /// One is not UTF-8.
    pub fn of_environment() -> Result<Self> {
        let environment = environment()?;
        let (server, api_key) = (given(&environment, SERVER), given(&environment, API_KEY));
        Ok(Self { server: server.map(str::to_owned), api_key: api_key.map(Password::new) })
    }
}

/// A flag for each setting, and `--config`, for every command.
pub fn flags() -> Vec<Arg> {
    let setting = |(name, doc): &(&'static str, &'static str)| {
        Arg::new(*name)
            .long(name.replace('_', "-"))
            .value_name("VALUE")
            .help(doc.trim())
            .help_heading("Settings")
            .hide_short_help(true)
            .global(true)
    };
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .help("TOML file of settings; without it gatepost.toml in the working directory, if there is one")
        .help_heading("Settings")
        .value_parser(clap::value_parser!(PathBuf))
        .global(true);
    std::iter::once(file).chain(SETTINGS.iter().map(setting)).collect()
}

/// What is in force: defaults < file < environment < flags.
///
/// # Errors
/// A sentence that names the file, variable or flag and what is wrong with it.
pub fn load(matches: &ArgMatches) -> Result<Config> {
    let environment = environment()?;
    let mut config = Config::default();
    let named = matches
        .get_one::<PathBuf>("config")
        .cloned()
        .or_else(|| given(&environment, "GATEPOST_CONFIG").map(PathBuf::from));
    match named {
        Some(file) => read_file(&mut config, &file)?,
        None if Path::new(DEFAULT_FILE).exists() => read_file(&mut config, Path::new(DEFAULT_FILE))?,
        None => {}
    }
    if let Some(url) = given(&environment, "DATABASE_URL") {
        config.set("database_url", url)?;
    }
    for (name, text) in &environment {
        if let Some(setting) =
            name.strip_prefix("GATEPOST_").filter(|_| !OTHER_VARIABLES.contains(&name.as_str()))
        {
            config
                .set(&setting.to_lowercase(), text)
                .map_err(|why| Error::setup(format!("environment variable {name}: {why}")))?;
        }
    }
    for (name, _) in SETTINGS {
        if let Some(text) = matches.get_one::<String>(name) {
            config
                .set(name, text)
                .map_err(|why| Error::setup(format!("--{}: {why}", name.replace('_', "-"))))?;
        }
    }
    config.check()?;
    Ok(config)
}

pub fn unknown(name: &str) -> Error {
    Error::setup(format!("“{name}” is not a setting (gatepost config prints them all)"))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn environment() -> Result<Vec<(String, String)>> {
    std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text)))
        .filter(|(name, _)| name.starts_with("GATEPOST_") || name == "DATABASE_URL")
        .map(|(name, text)| match text.into_string() {
            Ok(text) => Ok((name, text)),
            Err(_) => Err(Error::setup(format!("environment variable {name} is not UTF-8"))),
        })
        .collect()
}

/// An empty variable counts as none, as where a compose file passes on what nobody has set.
fn given<'a>(environment: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let (_, text) = environment.iter().find(|(name, text)| name == wanted && !text.is_empty())?;
    Some(text)
}

fn read_file(config: &mut Config, file: &Path) -> Result<()> {
    let refused = |why: &dyn std::fmt::Display| Error::setup(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|why| refused(&why))?;
    let table: toml::Table = text.parse().map_err(|why: toml::de::Error| {
        // The whole error repeats the line, which may hold a password.
        let line =
            why.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.split('\n').count());
        refused(&format!("line {line}: {}", why.message()))
    })?;
    for (name, value) in table {
        let text = text_of(&value).ok_or_else(|| {
            refused(&format!("{name} takes text, a number, true or false, or a list of text"))
        })?;
        config.set(&name, &text).map_err(|why| refused(&why))?;
    }
    Ok(())
}

/// A TOML value as it would stand in the environment.
fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => Some(items.iter().map(text_of).collect::<Option<Vec<_>>>()?.join(",")),
        _ => None,
    }
}
