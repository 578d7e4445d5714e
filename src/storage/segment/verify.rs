//! Whether a segment's file still is what was sealed; a damaged one is set aside, never read.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::storage::manifest::{DAMAGED_SUFFIX, SEGMENT_SUFFIX};
use crate::storage::{Segment, StorageError};

const READ_BYTES: usize = 256 * 1024;

/// What a look at a file brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) enum Finding {
    /// It is as it was sealed.
    Whole,
    /// It is not; why.
    Damaged(String),
}

/// Compares the file's length.
pub(in crate::storage) fn check_length(segment: &Segment) -> Result<Finding, StorageError> {
    match fs::metadata(&segment.path) {
        Ok(found) if found.len() == segment.bytes => Ok(Finding::Whole),
        Ok(found) => Ok(Finding::Damaged(format!("{} bytes long instead of {}", found.len(), segment.bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Finding::Damaged("the file is missing".to_owned())),
        Err(source) => Err(StorageError::file("look at a segment", source)),
    }
}

/// Reads the whole file and compares length and checksum.
pub(in crate::storage) fn check_contents(segment: &Segment) -> Result<Finding, StorageError> {
    let failed = |source| StorageError::file("verify a segment", source);
    if let Finding::Damaged(reason) = check_length(segment)? {
        return Ok(Finding::Damaged(reason));
    }
    let mut file = File::open(&segment.path).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; READ_BYTES];
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => break,
            bytes => hasher.update(&piece[..bytes]),
        };
    }
    if hasher.finalize().to_hex().as_str() == segment.checksum {
        Ok(Finding::Whole)
    } else {
        Ok(Finding::Damaged("checksum does not match".to_owned()))
    }
}

/// Gives a damaged file another name; a missing one stays missing.
pub(in crate::storage) fn rename_damaged(segment: &Segment) -> Result<(), StorageError> {
    let name = segment.path.to_string_lossy();
    let aside = format!("{}{DAMAGED_SUFFIX}", name.strip_suffix(SEGMENT_SUFFIX).unwrap_or(&name));
    match fs::rename(&segment.path, aside) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(StorageError::file("set a damaged segment aside", source))
        }
        _ => Ok(()),
    }
}

/// Makes the names in a directory durable.
pub(in crate::storage) fn sync_directory(directory: &Path) -> Result<(), StorageError> {
    let sync = || File::open(directory)?.sync_all();
    sync().map_err(|source| StorageError::file("sync a directory", source))
}
