//! The client libraries of the live programs, installed once for all runs into a cache of the user.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One who installs or compiles at a time, whichever test it is.
static TURN: Mutex<()> = Mutex::new(());

/// The packages of the Python programs. The asynchronous half of SQLAlchemy needs greenlet.
const PYTHON: [&str; 7] =
    ["sqlalchemy", "greenlet", "psycopg2-binary", "psycopg[binary]", "asyncpg", "pg8000", "pandas"];
const PYTHON_MODULES: &str = "import sqlalchemy, greenlet, psycopg2, psycopg, asyncpg, pg8000, pandas";
/// Where Debian's package puts the JDBC driver.
const JDBC: &str = "/usr/share/java/postgresql.jar";

/// What a program is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Psql,
    Python,
    Java,
    JavaScript,
    Go,
}

/// A live program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// Its name among the arguments of `run_all.sh`.
    pub(crate) name: &'static str,
    language: Language,
}

const fn program(name: &'static str, language: Language) -> Program {
    Program { name, language }
}

/// All of them.
pub(crate) const PROGRAMS: &[Program] = &[
    program("psql", Language::Psql),
    program("psycopg2", Language::Python),
    program("psycopg", Language::Python),
    program("asyncpg", Language::Python),
    program("pg8000", Language::Python),
    program("sqlalchemy-psycopg2", Language::Python),
    program("sqlalchemy-psycopg", Language::Python),
    program("sqlalchemy-asyncpg", Language::Python),
    program("sqlalchemy-pg8000", Language::Python),
    program("pgjdbc", Language::Java),
    program("node-postgres", Language::JavaScript),
    program("lib-pq", Language::Go),
    program("pgx", Language::Go),
];

impl Program {
    /// Held while it runs, where running it compiles in the cache.
    pub(crate) fn turn(&self) -> Option<MutexGuard<'static, ()>> {
        matches!(self.language, Language::Go | Language::JavaScript).then(turn)
    }
}

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where `run_all.sh` finds what was installed.
pub(crate) fn cache() -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    home.join(".cache/armorlake/live")
}

/// Makes sure that a program can run; what is missing where it cannot.
pub(crate) fn is_installed(program: &Program, material: &Path) -> Result<(), &'static str> {
    let _turn = turn();
    let done = match program.language {
        Language::Psql => true,
        Language::Python => python(),
        Language::Java => java(),
        Language::JavaScript => java_script(material),
        Language::Go => go(material),
    };
    match (done, program.language) {
        (true, _) => Ok(()),
        (false, Language::Java) => Err("there is no Java compiler, or no JDBC driver"),
        (false, Language::JavaScript) => Err("there is no node, or its packages cannot be installed"),
        (false, Language::Go) => Err("there is no go, or its modules cannot be fetched"),
        (false, _) => Err("the Python packages cannot be installed"),
    }
}

/// Whether a command ends well; what it prints is nobody's concern.
fn succeeds(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn made(folder: &Path) -> bool {
    std::fs::create_dir_all(folder).is_ok()
}

fn python() -> bool {
    let (cache, environment) = (cache(), cache().join("venv"));
    let (python, pip) = (environment.join("bin/python"), environment.join("bin/pip"));
    if !made(&cache) || succeeds(&python, &["-c", PYTHON_MODULES], &cache) {
        return cache.is_dir();
    }
    let arguments: Vec<&str> = ["install", "-q"].into_iter().chain(PYTHON).collect();
    succeeds("python3", &["-m", "venv", &environment.to_string_lossy()], &cache)
        && succeeds(&pip, &arguments, &cache)
        && succeeds(&python, &["-c", PYTHON_MODULES], &cache)
}

fn java() -> bool {
    let here = Path::new("/");
    let install = ["install", "-y", "-q", "libpostgresql-jdbc-java"];
    succeeds("javac", &["-version"], here)
        && (Path::new(JDBC).is_file() || (succeeds("apt-get", &install, here) && Path::new(JDBC).is_file()))
}

fn java_script(material: &Path) -> bool {
    let folder = cache().join("node");
    if folder.join("node_modules/pg").is_dir() {
        return succeeds("node", &["--version"], &folder);
    }
    made(&folder)
        && copied(&material.join("live/node"), &folder)
        && succeeds("npm", &["install", "--silent"], &folder)
        && folder.join("node_modules/pg").is_dir()
}

fn go(material: &Path) -> bool {
    let folder = cache().join("go");
    made(&folder)
        && copied(&material.join("live/go"), &folder)
        && succeeds("go", &["mod", "tidy"], &folder)
        && succeeds("go", &["build", "-o", "live_go", "."], &folder)
}

/// Puts the files of a folder into another one.
fn copied(from: &Path, to: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(from) else { return false };
    let mut files = files.filter_map(Result::ok).filter(|file| file.path().is_file());
    files.all(|file| std::fs::copy(file.path(), to.join(file.file_name())).is_ok())
}
