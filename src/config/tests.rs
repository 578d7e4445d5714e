//! What the whole room promises: order of the sources, every mistake at once, no secret printed.

use std::path::Path;
use std::time::Duration;

use super::{Config, ConfigError, Credential, FeedStream, NodeRole, Origin, PgTls, Sources};

const VERIFIER: &str = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir.join(name).parent().expect("a parent")).expect("make a folder");
    std::fs::write(dir.join(name), text).expect("write a file");
}

/// Loads `text` from a folder that has the files that it may name.
fn load(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().expect("make a folder");
    for name in ["tls/ca.crt", "tls/node.crt", "tls/node.key", "kubearmor/ca.crt"] {
        write(dir.path(), name, "PEM");
    }
    write(dir.path(), "secret", "from a file\n");
    write(dir.path(), "node.toml", text);
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Config::load(&Sources {
        file: Some(dir.path().join("node.toml")),
        environment: pairs(environment),
        flags: pairs(flags),
    })
}

fn mistakes(text: &str) -> Vec<String> {
    match load(text, &[], &[]) {
        Err(ConfigError::Mistakes { mistakes }) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("no mistakes, but {other:?}"),
    }
}

const SMALL: &str = "[node]\nname = 'edge-1'\ndata_dir = '.'\n";

const WHOLE: &str = r#"
[node]
name = "edge-1"
role = "edge"
data_dir = "."

[pg]
listen = "127.0.0.1:0"
max_connections = 20
statement_timeout = "5m"
users = [
  { name = "app", password = "hunter2 is long", roles = ["reader", "monitor"] },
  { name = "grafana", password_file = "secret" },
]

[mesh]
listen = "0.0.0.0:7400"
advertise = "edge-1.example:7400"
seeds = ["edge-2.example:7400", "[::1]:7400"]

[[feeds]]
name = "daemon"
address = "kubearmor.svc:32767"
streams = ["logs", "alerts"]
[feeds.tls]
ca = "kubearmor/ca.crt"
server_name = "kubearmor"

[storage]
seal_rows = 1_000
seal_bytes = "1MiB"
seal_age = "90s"

[log]
level = "warn,armorlake::mesh=debug"
"#;

#[test]
fn a_small_file_is_enough_and_defaults_are_sound() {
    let config = load(SMALL, &[], &[]).expect("a sound file");
    assert_eq!((config.node.role, config.mesh, config.feeds.len()), (NodeRole::Edge, None, 0));
    assert_eq!((config.pg.tls, config.pg.max_connections), (PgTls::Off, 100));
    assert_eq!(config.storage.seal_bytes, 64 << 20);
    assert_eq!(config.pg.statement_timeout, None);
}

#[test]
fn a_whole_file_is_read() {
    let config = load(WHOLE, &[], &[]).expect("a sound file");
    let mesh = config.mesh.expect("a mesh");
    assert_eq!(mesh.advertise.expect("an address").to_string(), "edge-1.example:7400");
    assert_eq!((mesh.seeds.len(), mesh.tls.key.ends_with("tls/node.key")), (2, true));
    assert_eq!(config.pg.tls, PgTls::Node, "a node with a certificate shows it to clients");
    assert_eq!(config.pg.statement_timeout, Some(Duration::from_secs(300)));
    let Credential::Password(password) = &config.pg.users[1].credential else { panic!("no password") };
    assert_eq!(
        (password.expose(), config.pg.users[1].roles.as_slice()),
        ("from a file", ["reader".to_owned()].as_slice())
    );
    assert_eq!(config.feeds[0].streams, [FeedStream::Alerts, FeedStream::Logs]);
    assert_eq!((config.storage.seal_rows, config.storage.seal_age), (1_000, Duration::from_secs(90)));
}

#[test]
fn environment_beats_file_and_command_line_beats_environment() {
    let environment =
        [("ARMORLAKE_STORAGE_SEAL_ROWS", "7"), ("ARMORLAKE_LOG", "debug"), ("ARMORLAKE_MESH_SEEDS", "a:1, b:2")];
    let flags = [("storage.seal_bytes", "2MiB"), ("node.name", "edge-9")];
    let config = load(WHOLE, &environment, &flags).expect("a sound file");
    assert_eq!((config.storage.seal_rows, config.storage.seal_bytes), (7, 2 << 20));
    assert_eq!((config.log.as_str(), config.node.name.as_str()), ("debug", "edge-9"));
    assert_eq!(config.mesh.expect("a mesh").seeds.len(), 2);
    let both = load(SMALL, &[("ARMORLAKE_NODE_NAME", "low")], &[("node.name", "high")]).expect("a sound file");
    assert_eq!(both.node.name.as_str(), "high");
}

#[test]
fn a_node_can_be_configured_without_a_file() {
    let dir = tempfile::tempdir().expect("make a folder");
    let sources = Sources { environment: vec![("ARMORLAKE_NODE_NAME".into(), "query-3".into())], ..Sources::default() };
    let config = Config::load(&sources.with_flag("node.data_dir", dir.path().display().to_string()));
    assert_eq!(config.expect("sound").node.name.as_str(), "query-3");
}

#[test]
fn every_mistake_is_named_at_once_with_key_and_line() {
    let found = mistakes(
        r#"[node]
name = "Edge 1"
rolle = "edge"
[pg]
listen = "localhost:5432"
max_connections = 0
trust_loopback = "yes"
[[pg.users]]
name = "app"
[mesh]
listen = "0.0.0.0:7400"
seeds = ["edge-2"]
[[feeds]]
name = "one"
address = "kubearmor:70000"
[[feeds]]
name = "one"
streams = ["alert"]
address = 5
[feeds.tls]
ca = "absent.crt"
cert = "kubearmor/ca.crt"
[storage]
seal_bytes = "1MB"
seal_age = 30
[log]
level = "loud"
[extra]
"#,
    );
    let expected = [
        r#"node.name (line 2): "Edge 1" is not a name"#,
        r#"node.rolle (line 3): unknown key; did you mean "role"?"#,
        r#"pg.listen (line 5): "localhost:5432" is no address to listen on"#,
        "pg.max_connections (line 6): 0 is out of range: 1 to 100000",
        "pg.trust_loopback (line 7): it wants true or false, and has a text",
        "pg.users[0] (line 8): it has no password",
        r#"mesh.seeds (line 12): "edge-2" is no address"#,
        r#"feeds[0].address (line 15): "70000" is no port"#,
        r#"feeds[1].name (line 17): feeds[0] has the name "one" already"#,
        r#"feeds[1].streams (line 18): "alert" is no stream"#,
        "feeds[1].address (line 19): it wants a text, and has a whole number",
        "feeds[1].tls.ca (line 21): ",
        r#"storage.seal_bytes (line 24): "1MB" is no size"#,
        "storage.seal_age (line 25): it wants a time with its unit",
        r#"log.level (line 27): "loud" is no log level"#,
        "extra (line 28): unknown key",
        "node.data_dir: missing",
        "mesh.advertise: missing",
        "feeds[1].tls.key: missing",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for start in expected {
        assert!(found.iter().any(|mistake| mistake.starts_with(start)), "{start} is not in {found:#?}");
    }
    assert!(found[0].starts_with("node.name"), "in the order of the file");
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let found = mistakes("[node]\nname = 'edge-1'\nname = 'edge-2'\nrole = \n");
    assert!(found.iter().any(|mistake| mistake.starts_with("line 3: ")), "{found:?}");
    assert!(found.iter().any(|mistake| mistake.starts_with("line 4: ")), "{found:?}");
    for broken in ["\u{0}", &format!("a = {}", "[".repeat(100_000)), &"[a.".repeat(100_000)] {
        assert!(matches!(load(broken, &[], &[]), Err(ConfigError::Mistakes { .. })));
    }
}

#[test]
fn tables_and_lists_in_the_wrong_place_are_mistakes() {
    let found = mistakes("node = 5\nfeeds = { name = 'x' }\npg = { users = ['app'], tls = 'on' }\n");
    for start in [
        "node (line 1): it wants a table",
        "feeds (line 2): it wants a list of tables",
        "pg.users[0] (line 3): it wants a table",
        "pg.tls (line 3): it wants a table",
        "node.name: missing",
    ] {
        assert!(found.iter().any(|mistake| mistake.starts_with(start)), "{start} is not in {found:#?}");
    }
}

#[test]
fn users_are_checked() {
    let user = |user: &str| mistakes(&format!("{SMALL}[[pg.users]]\n{user}\n"));
    for (text, mistake) in [
        ("name = 'a'\npassword = 'x'\nverifier = 'y'", "pg.users[0] (line 4): it has more than one of"),
        ("name = 'a'\npassword = ''", "pg.users[0].password (line 6): the password is empty"),
        ("name = 'a'\nverifier = 'SCRAM-SHA-256$1:a$b:c'", "pg.users[0].verifier (line 6): it is no verifier"),
        ("name = 'a'\npassword_file = 'absent'", "pg.users[0].password_file (line 6): "),
        ("name = ''\npassword = 'x'", "pg.users[0].name (line 5): \"\" is no name of a role"),
        ("name = 'a'\npassword = 'x'\nroles = []", "pg.users[0].roles (line 7): "),
        (
            "name = 'a'\npassword = 'x'\n[[pg.users]]\nname = 'a'\npassword = 'x'",
            "pg.users[1].name (line 8): there are two",
        ),
    ] {
        let found = user(text);
        assert!(found.len() == 1 && found[0].starts_with(mistake), "{mistake}: {found:?}");
    }
    let config = load(&format!("{SMALL}[[pg.users]]\nname = 'a'\nverifier = '{VERIFIER}'\n"), &[], &[]).expect("sound");
    assert!(matches!(config.pg.users[0].credential, Credential::Verifier(_)));
    let trusting = format!("{SMALL}[pg]\ntrust_loopback = true\nusers = [{{ name = 'a' }}]\n");
    assert_eq!(load(&trusting, &[], &[]).expect("sound").pg.users[0].credential, Credential::Absent);
    assert_eq!(mistakes(&format!("{SMALL}[pg]\ntrust_loopback = true\n")).len(), 1);
}

#[test]
fn certificates_for_clients_are_checked() {
    let tls = |tls: &str| load(&format!("{SMALL}[pg.tls]\n{tls}\n"), &[], &[]);
    assert!(matches!(tls("cert = 'tls/node.crt'\nkey = 'tls/node.key'").expect("sound").pg.tls, PgTls::Files { .. }));
    for (text, mistake) in [
        ("mode = 'node'", "there is no [mesh]"),
        ("mode = 'on'", "is none of off, node and files"),
        ("cert = 'tls/node.crt'", "a certificate and its key belong together"),
        ("mode = 'off'\ncert = 'tls/node.crt'\nkey = 'tls/node.key'", "write \"files\""),
    ] {
        let error = tls(text).expect_err(text).to_string();
        assert!(error.contains(mistake), "{mistake}: {error}");
    }
}

#[test]
fn missing_mesh_certificates_are_named_with_their_key() {
    let found = mistakes(
        "[node]\nname = 'q'\nrole = 'query'\ndata_dir = 'elsewhere'\n[mesh]\n[[feeds]]\nname = 'f'\naddress = 'f:1'\n",
    );
    for start in ["mesh.tls.ca: ", "mesh.tls.cert: ", "mesh.tls.key: ", "feeds (line 6): a node of the role \"query\""]
    {
        assert!(found.iter().any(|mistake| mistake.starts_with(start)), "{start} is not in {found:#?}");
    }
}

#[test]
fn mistyped_variables_are_mistakes_and_service_links_are_not() {
    let error = load(SMALL, &[("ARMORLAKE_PG_LISEN", "127.0.0.1:1")], &[("pg.lisen", "x")]).expect_err("two mistakes");
    assert_eq!(
        error.to_string(),
        "ARMORLAKE_PG_LISEN: no key has this environment variable\npg.lisen: unknown key on the command line"
    );
    let bad = load(SMALL, &[("ARMORLAKE_PG_MAX_CONNECTIONS", "many")], &[]).expect_err("a mistake");
    assert!(
        bad.to_string().starts_with("pg.max_connections (ARMORLAKE_PG_MAX_CONNECTIONS): many is no whole"),
        "{bad}"
    );
    let links = [
        ("ARMORLAKE_MESH_SERVICE_HOST", "10.0.0.1"),
        ("ARMORLAKE_PG_PORT_5432_TCP", "tcp://10.0.0.1:5432"),
        ("ARMORLAKE_PG_PORT", "tcp://10.0.0.1:5432"),
        ("ARMORLAKE_SHARED", "../shared"),
    ];
    assert_eq!(load(SMALL, &links, &[]).expect("sound").mesh, None);
}

#[test]
fn secrets_are_masked_and_values_tell_their_origin() {
    let config = load(WHOLE, &[("ARMORLAKE_STORAGE_SEAL_ROWS", "7")], &[]).expect("sound");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("from a file"), "{shown}");
    let resolved: Vec<String> = config.resolved.iter().map(ToString::to_string).collect();
    for line in [
        "pg.users[0].password = *** (line 12)",
        "storage.seal_rows = 7 (ARMORLAKE_STORAGE_SEAL_ROWS)",
        "storage.cache_bytes = \"24MiB\" (default)",
    ] {
        assert!(resolved.iter().any(|shown| shown == line), "{line} is not in {resolved:#?}");
    }
    let file = config.resolved.iter().find(|key| key.key == "node.name").expect("a name");
    assert_eq!(file.origin, Origin::File { line: 3 });
    let clash = mistakes(&format!("{SMALL}[[pg.users]]\nname = 'a'\npassword = ['hunter2']\nverifier = 'hunter2'\n"));
    assert!(!clash.concat().contains("hunter2"), "{clash:?}");
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_said() {
    let absent = Sources { file: Some("no/such/file.toml".into()), ..Sources::default() };
    assert!(matches!(Config::load(&absent), Err(ConfigError::Unreadable { .. })));
    let large = format!("{SMALL}#{}", "x".repeat(1 << 20));
    assert!(matches!(load(&large, &[], &[]), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn the_document_lists_every_key_and_its_example_loads() {
    let document = include_str!("../../docs/CONFIGURATION.md");
    let example = document.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let resolved = [load(example, &[], &[]), load(SMALL, &[], &[]), load(WHOLE, &[], &[])]
        .map(|config| config.expect("sound").resolved);
    let index = regex::Regex::new(r"\[\d+\]").expect("a pattern");
    for key in resolved.iter().flatten() {
        let name = index.replace_all(&key.key, "[]");
        let row = document.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the document"));
        if key.origin == Origin::Default {
            assert!(row.contains(&format!("| `{}` |", key.value)), "the default of {name} is {}: {row}", key.value);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_value_in_any_place_breaks_the_reader(line in 0_usize..40, value in r#"[ -~\n]{0,12}|-?[0-9]{1,25}|"[^"\n]{0,40}"|\[\]|\{\}"#) {
        let changed: Vec<String> = WHOLE
            .lines()
            .enumerate()
            .map(|(index, text)| match text.split_once(" = ") {
                Some((key, _)) if index == line => format!("{key} = {value}"),
                _ => text.to_owned(),
            })
            .collect();
        // Sound or full of mistakes: both are answers, but no mistake must go unsaid.
        let read = load(&changed.join("\n"), &[("ARMORLAKE_STORAGE_SEAL_AGE", &value)], &[("pg.listen", &value)]);
        let says_nothing = matches!(read, Err(ConfigError::Mistakes { mistakes }) if mistakes.is_empty());
        proptest::prop_assert!(!says_nothing);
    }
}
