//! Proves that the house is as docs/ARCHITECTURE.md says: rooms import only what is below them,
//! border crates stay in their rooms, every file has a header and a bearable length, documents
//! name modules that exist, and no file tells about the machine it was written on.
//!
//! Each rule is a function from text to findings, and has a check that it can fail.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "tidy/code.rs"]
mod code;

use code::{code_lines, paths};

/// The rooms, lowest first: a room names only rooms before it.
const ROOMS: [&str; 20] = [
    "types",
    "env",
    "tasks",
    "telemetry",
    "config",
    "tls",
    "proto",
    "catalog",
    "storage",
    "ingest",
    "mesh",
    "execution",
    "system",
    "planner",
    "session",
    "pg",
    "node",
    "simulate",
    "cli",
    "main",
];

/// Rooms that may name less than what is below them.
const STRICTER: [(&str, &[&str]); 4] = [
    ("ingest", &["types", "env", "tasks", "config", "tls", "proto", "catalog", "storage"]),
    ("mesh", &["types", "env", "tasks", "config", "tls", "proto", "catalog"]),
    ("simulate", &["types", "env", "tasks", "tls", "proto"]),
    ("cli", &["types", "env", "tasks", "telemetry", "config", "tls", "node", "simulate"]),
];

/// Crates that stay inside some rooms.
const BORDERS: [(&str, &[&str]); 15] = [
    ("pgwire", &["pg"]),
    ("arrow_pg", &["pg"]),
    ("tonic", &["proto", "ingest", "mesh", "simulate"]),
    ("tonic_prost", &["proto", "ingest", "mesh", "simulate"]),
    ("prost", &["proto", "ingest", "mesh", "simulate"]),
    ("chitchat", &["mesh"]),
    ("redb", &["storage"]),
    ("gluesql", &["storage"]),
    ("parquet", &["storage"]),
    ("sqlparser", &["planner"]),
    ("rustls", &["tls"]),
    ("rcgen", &["tls"]),
    ("x509_parser", &["tls"]),
    ("clap", &["cli", "main"]),
    ("tokio_postgres", &["cli"]),
];

/// Crates that show border crates under a second name.
const RE_EXPORTERS: [&str; 3] = ["datafusion", "tokio_rustls", "chitchat"];

/// Longest file, its tests not counted.
const LINES_MAX: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name ends in `.extension`, in order.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("read a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Source files, with their path below `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let src = root().join("src");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("read a source file");
        (path.strip_prefix(&src).expect("below src").to_owned(), text)
    };
    files_below(&src, "rs").into_iter().map(read).collect()
}

/// The room that a file belongs to; none for `lib.rs`.
fn room_of(path: &Path) -> Option<String> {
    let first = path.iter().next()?.to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (room != "lib").then(|| room.to_owned())
}

/// Modules between the crate's root and the file's own items.
fn depth_of(path: &Path) -> usize {
    let is_mod = path.file_name().is_some_and(|name| name == "mod.rs");
    path.iter().count() - usize::from(is_mod)
}

fn may_name(room: &str, other: &str) -> bool {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let stricter = STRICTER.iter().find(|(strict, _)| *strict == room);
    match (place(room), place(other)) {
        (Some(here), Some(there)) => {
            here == there || (there < here && stricter.is_none_or(|(_, allowed)| allowed.contains(&other)))
        }
        _ => false,
    }
}

/// Rooms above, and border crates of other rooms, that a file names.
fn border_findings(path: &Path, text: &str) -> Vec<String> {
    let Some(room) = room_of(path) else { return Vec::new() };
    let mut findings = Vec::new();
    for named in paths(text) {
        let at = format!("src/{}:{}", path.display(), named.line);
        let supers = named.segments.iter().take_while(|segment| *segment == "super").count();
        if supers > 0 && supers >= depth_of(path) + named.inline_depth {
            findings.push(format!("{at}: `super` reaches the crate's root; write crate::"));
        }
        let mut segments = named.segments.iter().map(String::as_str);
        let (first, second) = (segments.next().unwrap_or_default(), segments.next());
        if let ("crate", Some(other)) = (first, second)
            && !may_name(&room, other)
        {
            findings.push(format!("{at}: `{room}` must not name `crate::{other}`"));
        }
        // `datafusion::sql::sqlparser`, but not a module of its own such as `datafusion::a::b::parquet`.
        let reach = if RE_EXPORTERS.contains(&first) { 3 } else { 1 };
        let crates = &named.segments[..named.segments.len().min(reach)];
        for (border, rooms) in BORDERS {
            if crates.iter().any(|named| named == border) && !rooms.contains(&room.as_str()) {
                findings.push(format!("{at}: `{border}` stays inside {}", rooms.join(", ")));
            }
        }
    }
    findings
}

/// A missing header, or too many lines.
fn shape_findings(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut findings = Vec::new();
    if !text.starts_with("//! ") {
        findings.push(format!("src/{shown}: it does not open with a `//!` header"));
    }
    let is_test =
        path.file_name().is_some_and(|name| name == "tests.rs" || name.to_string_lossy().ends_with("_tests.rs"))
            || path.iter().any(|part| part == "tests");
    let lines = code_lines(text);
    if !is_test && lines > LINES_MAX {
        findings.push(format!("src/{shown}: {lines} lines without tests, and {LINES_MAX} are the most"));
    }
    findings
}

/// Names of modules in a document, such as `storage::seal`, that are not there.
fn document_findings(document: &str, text: &str, exists: impl Fn(&[&str]) -> bool) -> Vec<String> {
    // Between an odd and an even back-tick stands code.
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter(|quote| {
        quote.contains("::") && quote.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
    });
    let missing = named.filter(|quote| {
        let segments: Vec<&str> = quote.split("::").collect();
        ROOMS.contains(&segments[0]) && !exists(&segments)
    });
    missing.map(|quote| format!("{document}: there is no `{quote}`")).collect()
}

/// Whether `room::module` or `room::module::Item` is there.
fn module_exists(segments: &[&str]) -> bool {
    let src = root().join("src");
    let is_item = |segment: &str| segment.starts_with(|first: char| first.is_ascii_uppercase());
    let modules: PathBuf = segments.iter().take_while(|segment| !is_item(segment)).collect();
    let candidates = [src.join(&modules).with_extension("rs"), src.join(&modules).join("mod.rs")];
    let Some(text) = candidates.iter().find_map(|file| std::fs::read_to_string(file).ok()) else { return false };
    segments.iter().find(|segment| is_item(segment)).is_none_or(|item| text.contains(item))
}

/// Places of one machine that a text tells about.
fn machine_findings(name: &str, text: &str, places: &BTreeSet<String>) -> Vec<String> {
    let told = places.iter().filter(|place| text.contains(place.as_str()));
    told.map(|place| format!("{name}: it names {place}, which is a place of one machine")).collect()
}

/// This checkout's own place and the folders of toolchains. Built from parts, since this file is
/// looked at too.
fn machine_places() -> BTreeSet<String> {
    let mut places = BTreeSet::from([[".cargo", "/registry"].concat(), [".rustup", "/toolchains"].concat()]);
    let checkout = root();
    places.insert(checkout.display().to_string());
    // Folders that every machine has also occur in events, as data.
    let everywhere = ["/", "/root", "/home", "/tmp", "/src", "/app"];
    let parent = checkout.parent().map(|parent| parent.display().to_string());
    places.extend(parent.filter(|parent| !everywhere.contains(&parent.as_str())).map(|parent| parent + "/"));
    places
}

/// Scripts without expected output, and expected output without a script.
fn script_findings(files: &BTreeSet<PathBuf>) -> Vec<String> {
    let lonely = |path: &&PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        Some("sql") => !files.contains(&path.with_extension("out")),
        Some("out") => !files.contains(&path.with_extension("sql")),
        _ => false,
    };
    files.iter().filter(lonely).map(|path| format!("{}: its .sql or .out is missing", path.display())).collect()
}

fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn rooms_name_only_what_is_below_them() {
    let findings: Vec<String> = sources().iter().flat_map(|(path, text)| border_findings(path, text)).collect();
    assert_none(&findings);
}

#[test]
fn files_have_a_header_and_a_bearable_length() {
    let findings: Vec<String> = sources().iter().flat_map(|(path, text)| shape_findings(path, text)).collect();
    assert_none(&findings);
}

#[test]
fn the_list_of_rooms_is_the_one_in_lib_rs() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("read lib.rs");
    let listed: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(listed, ROOMS[..ROOMS.len() - 1]);
}

#[test]
fn documents_name_modules_that_exist() {
    let mut findings = Vec::new();
    for document in ["README.md", "docs/ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(document)).expect("read a document");
        findings.extend(document_findings(document, &text, module_exists));
    }
    assert_none(&findings);
}

#[test]
fn no_tracked_file_tells_about_a_machine() {
    let listed = std::process::Command::new("git").arg("ls-files").arg("-z").current_dir(root()).output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        println!("skipped: this is no git checkout");
        return;
    };
    let names = String::from_utf8(listed.stdout).expect("names of files");
    let places = machine_places();
    let mut findings = Vec::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        // A tracked file may be deleted in the work tree, and a binary one is no text.
        if let Ok(text) = std::fs::read_to_string(root().join(name)) {
            findings.extend(machine_findings(name, &text, &places));
        }
    }
    assert_none(&findings);
}

#[test]
fn every_script_has_its_expected_output() {
    let sql = root().join("sql");
    let files: BTreeSet<PathBuf> = files_below(&sql, "sql").into_iter().chain(files_below(&sql, "out")).collect();
    assert_none(&script_findings(&files));
}

#[test]
fn the_rule_of_rooms_can_fail() {
    let found = |path: &str, text: &str| border_findings(Path::new(path), text).len();
    assert_eq!(found("storage/mod.rs", "use crate::pg::Listener;"), 1);
    assert_eq!(found("storage/mod.rs", "use crate::{types::Code, pg, session::{self, Session}};"), 3);
    assert_eq!(found("storage/mod.rs", "fn f() { crate::pg::listen() }"), 1);
    assert_eq!(found("storage/mod.rs", "use super::pg::Listener;"), 1);
    assert_eq!(found("storage/segment/read.rs", "use super::super::super::pg;"), 1);
    assert_eq!(found("mesh/client.rs", "use crate::storage::Store;"), 1, "below, and still forbidden");
    assert_eq!(found("ingest/feed.rs", "use crate::mesh::Fleet;"), 1);
    assert_eq!(found("simulate/mod.rs", "use crate::ingest::Feed;"), 1);
    assert_eq!(found("attic/mod.rs", "use crate::types::Code;"), 1, "a room that nobody knows");
    let good = "//! crate::pg in words\nuse crate::types::Code;\nuse crate::storage::hot;\nuse super::Store;\n\
                const TEXT: &str = \"crate::pg\"; /* crate::pg */\nmod tests { use super::super::Store; }";
    assert_eq!(found("storage/hot.rs", good), 0);
}

#[test]
fn the_rule_of_borders_can_fail() {
    let found = |path: &str, text: &str| border_findings(Path::new(path), text).len();
    assert_eq!(found("session/mod.rs", "use pgwire::api::PgWireHandlerFactory;"), 1);
    assert_eq!(found("pg/mod.rs", "use pgwire::api::PgWireHandlerFactory;"), 0);
    assert_eq!(found("execution/table.rs", "use datafusion::parquet::file::reader;"), 1);
    assert_eq!(found("execution/table.rs", "use datafusion::{arrow, parquet::file::reader};"), 1);
    assert_eq!(found("execution/table.rs", "type P = datafusion::sql::sqlparser::ast::Statement;"), 1);
    assert_eq!(found("pg/tls.rs", "use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};"), 1);
    assert_eq!(found("pg/tls.rs", "use tokio_rustls::TlsAcceptor;"), 0);
    assert_eq!(found("execution/table.rs", "use redb;"), 1);
    assert_eq!(found("catalog/mod.rs", "fn redb_free() { let parquet = 1; drop(parquet); }"), 0);
}

#[test]
fn the_rule_of_shape_can_fail() {
    let found = |text: &str| shape_findings(Path::new("storage/hot.rs"), text).len();
    assert_eq!(found("use std::fmt;\n"), 1);
    assert_eq!(found(&format!("//! Long.\n{}", "fn f() {}\n".repeat(LINES_MAX))), 1);
    assert_eq!(found("//! Short.\n"), 0);
    let tested = format!("//! Tested.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(LINES_MAX));
    assert_eq!(found(&tested), 0);
    let resumed =
        format!("//! Goes on after its tests.\n#[cfg(test)]\nmod tests {{\n}}\n{}", "fn f() {}\n".repeat(LINES_MAX));
    assert_eq!(found(&resumed), 1);
}

#[test]
fn the_rules_of_documents_and_scripts_can_fail() {
    let named = "`types::code` `storage::seal::Sealer` `std::fmt` `a b::c`";
    assert_eq!(document_findings("d", named, |_| false).len(), 2);
    assert_eq!(document_findings("d", named, |_| true).len(), 0);
    assert!(module_exists(&["types", "code", "Code"]) && module_exists(&["types"]));
    assert!(!module_exists(&["types", "attic"]) && !module_exists(&["types", "code", "NoSuchType"]));
    let places = BTreeSet::from(["/somewhere/".to_owned()]);
    assert_eq!(machine_findings("f", "see /somewhere/else", &places).len(), 1);
    assert_eq!(machine_findings("f", "see nowhere", &places).len(), 0);
    assert!(machine_places().contains(env!("CARGO_MANIFEST_DIR")));
    let scripts = |names: &[&str]| script_findings(&names.iter().map(PathBuf::from).collect()).len();
    assert_eq!((scripts(&["a.sql"]), scripts(&["a.out"]), scripts(&["a.sql", "a.out"])), (1, 1, 0));
}
