//! `gatepost config`: what is in force, as a TOML file that says the same.

use super::output;
use crate::config::{Config, SETTINGS};

pub fn print(config: &Config) -> anyhow::Result<()> {
    let mut text = String::new();
    for ((name, value), (_, doc)) in config.printed().into_iter().zip(SETTINGS) {
        text.push_str(&format!("#{doc}\n{name} = {}\n\n", toml::Value::String(value)));
    }
    Ok(output::write(text.trim_end().as_bytes()).and_then(|()| output::line(""))?)
}
