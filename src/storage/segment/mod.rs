//! Segments as files: written once, read in pieces, verified against the manifest's checksum.

pub(super) mod read;
pub(super) mod verify;
pub(super) mod write;
