//! Proves that the tree of dependencies is what deny.toml says: only known licences, each heavy
//! crate once, no second TLS library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Crates of which two versions would double build time and binary, or split a type in two.
const HEAVY: [&str; 18] = [
    "arrow",
    "arrow-array",
    "arrow-schema",
    "chitchat",
    "datafusion",
    "datafusion-common",
    "datafusion-expr",
    "gluesql",
    "hyper",
    "parquet",
    "pgwire",
    "prost",
    "redb",
    "rustls",
    "tokio",
    "tokio-rustls",
    "tonic",
    "tracing",
];

fn read_toml(name: &str) -> toml::Table {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("read a file");
    text.parse().expect("sound TOML")
}

/// Names and versions of Cargo.lock.
fn locked() -> BTreeMap<String, BTreeSet<String>> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in read_toml("Cargo.lock")["package"].as_array().expect("packages") {
        let text = |key: &str| package[key].as_str().expect("a text").to_owned();
        versions.entry(text("name")).or_default().insert(text("version"));
    }
    versions
}

fn texts<'a>(list: &'a toml::Value, key: Option<&str>) -> Vec<&'a str> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| key.map_or(item, |key| &item[key]).as_str().expect("a text")).collect()
}

/// Whether an SPDX expression can be met with the allowed licences.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.trim();
    // "OR" binds weaker than "AND"; an old form writes "/" for "OR".
    for (word, all) in [(" OR ", false), ("/", false), (" AND ", true)] {
        let parts = split_outside(expression, word);
        if parts.len() > 1 {
            return if all {
                parts.iter().all(|part| is_met(part, allowed))
            } else {
                parts.iter().any(|part| is_met(part, allowed))
            };
        }
    }
    match expression.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')) {
        Some(inside) => is_met(inside, allowed),
        None => allowed.contains(expression.trim_end_matches('+')),
    }
}

/// Splits at a word that stands in no parentheses.
fn split_outside<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (index, character) in expression.char_indices() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth == 0 && index >= start && expression[index..].starts_with(word) {
            parts.push(&expression[start..index]);
            start = index + word.len();
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[test]
fn every_licence_is_allowed() {
    let deny = read_toml("deny.toml");
    let general: BTreeSet<&str> = texts(&deny["licenses"]["allow"], None).into_iter().collect();
    let exceptions = deny["licenses"]["exceptions"].as_array().expect("exceptions");
    // Crates of other platforms are not fetched by a build, and cargo would want them.
    let rustc = std::process::Command::new("rustc").arg("-vV").output().expect("run rustc");
    let about = String::from_utf8(rustc.stdout).expect("text");
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("the host's triple");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = std::process::Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("run cargo");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON of cargo");
    let packages = told["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|package| {
            let (name, licence) = (package["name"].as_str()?, package["license"].as_str().unwrap_or("none"));
            let own = exceptions.iter().filter(|exception| exception["crate"].as_str() == Some(name));
            let allowed =
                own.flat_map(|exception| texts(&exception["allow"], None)).chain(general.iter().copied()).collect();
            (!is_met(licence, &allowed)).then(|| format!("{name}: {licence}"))
        })
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn heavy_crates_come_once_and_banned_ones_never() {
    let locked = locked();
    for heavy in HEAVY {
        let versions = locked.get(heavy);
        assert_eq!(versions.map(BTreeSet::len), Some(1), "{heavy}: {versions:?}");
    }
    let deny = read_toml("deny.toml");
    for banned in texts(&deny["bans"]["deny"], Some("crate")) {
        assert!(!locked.contains_key(banned), "{banned} is in the tree");
    }
}

#[test]
fn licence_expressions_are_read() {
    let allowed = BTreeSet::from(["MIT", "ISC", "MPL-2.0", "Apache-2.0 WITH LLVM-exception"]);
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "MPL-2.0+",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for refused in ["", "none", "GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR MIT) AND Zlib", "Apache-2.0"] {
        assert!(!is_met(refused, &allowed), "{refused}");
    }
}
