//! Files that nobody else may read. Each comes into being in one step: whoever reads it sees it whole or not at all, even
//! after a loss of power in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::alphanumeric;

/// Replaces what is there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = beside(path, content)?;
    let placed = fs::rename(&temporary, path);
    if placed.is_err() {
        let _left_behind = fs::remove_file(&temporary);
    }
    placed.and_then(|()| keep_name(path))
}

/// Leaves what is there.
pub fn make(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = beside(path, content)?;
    let placed = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match placed {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(cause),
        _ => keep_name(path),
    }
}

/// A file of this process's own in the same directory, its content on the disk.
fn beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let temporary = path.with_extension(format!("{}.new", alphanumeric(8)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(cause) = written {
        let _left_behind = fs::remove_file(&temporary);
        return Err(cause);
    }
    Ok(temporary)
}

/// A new name is on the disk once its directory is.
fn keep_name(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
