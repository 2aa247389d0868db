//! `gatepost man`: the manual pages, made of what the commands say of themselves.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_mangen::Man as Page;

use super::{EXIT_CODES, output};

#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for each command into this directory: gatepost.1, gatepost-credential.1 …
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
}

/// Variables that are no settings.
const VARIABLES: [(&str, &str); 4] = [
    ("GATEPOST_SERVER", "The server whose API the commands ask that take --server."),
    ("GATEPOST_API_KEY", "The key that they ask it with."),
    ("GATEPOST_CONFIG", "The file of settings, as --config names it."),
    ("DATABASE_URL", "Read where neither GATEPOST_DATABASE_URL nor --database-url is given."),
];

/// Prints the page of `whole`, the command with all settings; or writes it and, of `plain`, those of all commands.
pub fn run(man: &Man, whole: Command, plain: Command) -> anyhow::Result<()> {
    let (mut whole, mut plain) = (without_help(whole), without_help(plain));
    let Some(dir) = &man.dir else {
        return Ok(output::write(&page(&mut whole)?)?);
    };
    let unwritten = || format!("{} can't be written", dir.display());
    std::fs::create_dir_all(dir).with_context(unwritten)?;
    let mut pages = vec![(Page::new(whole.clone()).get_filename(), page(&mut whole)?)];
    plain.build();
    for command in plain.get_subcommands_mut() {
        collect(command, &mut pages)?;
    }
    for (name, text) in pages {
        std::fs::write(dir.join(name), text).with_context(unwritten)?;
    }
    Ok(())
}

/// What is for help alone: the command `help`, the exit codes at the end, and that its short form leaves settings out.
fn without_help(command: Command) -> Command {
    let command = command.disable_help_subcommand(true).after_help(None::<&str>);
    command.mut_args(|argument| argument.hide_short_help(false))
}

fn collect(command: &mut Command, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    pages.push((Page::new(command.clone()).get_filename(), page(command)?));
    for command in command.get_subcommands_mut() {
        collect(command, pages)?;
    }
    Ok(())
}

fn page(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    command.build();
    let has_commands = command.get_subcommands().next().is_some();
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let is_whole = name == command.get_name();
    let page = Page::new(command.clone());
    let mut text = Vec::new();
    writeln!(text, ".TH \"{}\" 1 \"\" \"Gatepost {}\"", name.to_uppercase(), env!("CARGO_PKG_VERSION"))?;
    page.render_name_section(&mut text)?;
    if is_whole {
        text.write_all(b".SH SYNOPSIS\n\\fBgatepost\\fR [\\fISETTINGS\\fR] [\\fICOMMAND\\fR]\n")?;
    } else {
        page.render_synopsis_section(&mut text)?;
    }
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    if is_whole {
        section(&mut text, "ENVIRONMENT", &VARIABLES)?;
    }
    section(&mut text, "EXIT STATUS", &EXIT_CODES)?;
    if !is_whole {
        text.write_all(b".SH \"SEE ALSO\"\n\\fBgatepost\\fR(1): the settings, and all commands\n")?;
    }
    Ok(in_ascii(&String::from_utf8(text)?).into_bytes())
}

fn section(text: &mut Vec<u8>, title: &str, entries: &[(&str, &str)]) -> std::io::Result<()> {
    writeln!(text, ".SH \"{title}\"")?;
    entries.iter().try_for_each(|(name, meaning)| {
        let meaning = meaning.replace('-', "\\-");
        writeln!(text, ".TP\n\\fB{name}\\fR\n{meaning}")
    })
}

/// As every reader of manual pages understands it.
fn in_ascii(text: &str) -> String {
    let escaped = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    text.chars().map(escaped).collect()
}
