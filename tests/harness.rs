//! Proves that the helpers for whole processes see what a process prints, and stop, go on and end
//! it as they say: other tests trust them.

mod support;

use std::process::Command;
use std::time::Duration;

use support::{PATIENCE, Process, field, free_port, wait_until};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    command
}

#[tokio::test]
async fn lines_are_seen_in_order_and_by_start() {
    let folder = tempfile::tempdir().expect("make a folder");
    let script = "echo one; echo 'INFO listening service=\"pg\" address=127.0.0.1:54321'; echo two >&2; exec sleep 600";
    let mut process = Process::start("lines", shell(script), folder.path());
    assert_eq!(process.wait_for_line("two", PATIENCE).await, "two");
    assert_eq!(process.address_of("pg").await, "127.0.0.1:54321".parse().expect("an address"));
    process.kill();
    assert!(!process.is_running());
    let mut again = Process::start("lines", shell("echo two again; exec sleep 600"), folder.path());
    assert_eq!(again.wait_for_line("two", PATIENCE).await, "two again", "not the line of the first start");
    assert_eq!(again.lines(), ["two again"]);
}

#[tokio::test]
async fn a_paused_process_is_silent_and_a_stopped_one_ends() {
    let folder = tempfile::tempdir().expect("make a folder");
    let script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.02; done";
    let mut process = Process::start("paused", shell(script), folder.path());
    process.wait_for_line("ready", PATIENCE).await;
    process.pause();
    process.signal("TERM");
    let state = |state: char| {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
        status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(state)).then_some(())
    };
    wait_until("a paused process", PATIENCE, || std::future::ready(state('T'))).await;
    assert_eq!(process.lines(), ["ready"]);
    process.resume();
    process.wait_for_line("bye", PATIENCE).await;
    let mut stopped =
        Process::start("stopped", shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done"), folder.path());
    stopped.wait_for_line("ready", PATIENCE).await;
    assert_eq!(stopped.stop(PATIENCE).await.code(), Some(7));
}

#[tokio::test]
#[should_panic(expected = "logged errors")]
async fn an_error_in_the_log_fails_a_test() {
    let folder = tempfile::tempdir().expect("make a folder");
    let mut process =
        Process::start("errors", shell("echo '2026-01-01T00:00:00Z ERROR room: it broke'; echo done"), folder.path());
    process.wait_for_line("done", PATIENCE).await;
    process.assert_no_errors(&["it broke"]);
    process.assert_no_errors(&[]);
}

#[tokio::test]
#[should_panic(expected = "never: not within")]
async fn patience_ends() {
    wait_until("never", Duration::from_millis(60), || std::future::ready(None::<()>)).await;
}

#[test]
fn fields_and_ports_are_found() {
    let line = "2026-01-01T00:00:00Z  INFO armorlake::pg: listening service=\"pg\" address=127.0.0.1:5432";
    assert_eq!((field(line, "service"), field(line, "address")), (Some("pg"), Some("127.0.0.1:5432")));
    assert_eq!(field(line, "port"), None);
    assert_ne!(free_port(), 0);
}
