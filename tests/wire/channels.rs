//! LISTEN, NOTIFY, UNLISTEN: what listeners are told, and when.

use super::raw::{Answer, Raw, kinds};
use super::server::{Server, config};

/// Process id, channel and payload of a notification.
fn told(answer: &Answer) -> (i32, String, String) {
    assert_eq!(answer.kind, 'A');
    let pid = i32::from_be_bytes(answer.body[..4].try_into().expect("four bytes"));
    let texts: Vec<String> =
        answer.body[4..].split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    (pid, texts[0].clone(), texts[1].clone())
}

async fn pid(raw: &mut Raw) -> i32 {
    raw.rows("select pg_backend_pid()").await[0].parse().expect("a number")
}

#[tokio::test]
async fn listeners_are_told_at_commit_and_while_they_wait() {
    let server = Server::start(config()).await;
    let (mut listener, mut speaker) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    let speaker_pid = pid(&mut speaker).await;
    assert_eq!(listener.tags("listen ch; listen \"Other\"").await, ["LISTEN", "LISTEN"]);
    // Nothing before the commit, and the same words once.
    assert_eq!(speaker.tags("begin; notify ch, 'a'; notify ch, 'a'; notify nobody").await.len(), 4);
    assert_eq!(kinds(&listener.query("select 1").await), "TDCZ");
    assert_eq!(speaker.tags("savepoint s; notify ch, 'lost'; rollback to s; commit").await.len(), 4);
    let answer = listener.next().await.expect("a notification unasked");
    assert_eq!(told(&answer), (speaker_pid, "ch".to_owned(), "a".to_owned()));
    // By function, and with an own listener: told before ReadyForQuery.
    let listener_pid = pid(&mut listener).await;
    let own = listener.query("select pg_notify('Other', 'b')").await;
    assert_eq!(kinds(&own), "TDCAZ");
    assert_eq!(told(&own[3]), (listener_pid, "Other".to_owned(), "b".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn nobody_is_told_inside_a_transaction_or_after_unlisten() {
    let server = Server::start(config()).await;
    let (mut listener, mut speaker) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    listener.query("listen ch").await;
    listener.query("begin").await;
    speaker.query("notify ch, 'early'").await;
    assert_eq!(kinds(&listener.query("select 1").await), "TDCZ");
    let ended = listener.query("commit").await;
    assert_eq!((kinds(&ended).as_str(), told(&ended[1]).2.as_str()), ("CAZ", "early"));
    for reset in ["unlisten ch", "unlisten *", "discard all"] {
        listener.query("listen ch").await;
        listener.query(reset).await;
        speaker.query("notify ch, 'late'").await;
        assert_eq!(kinds(&listener.query("select 1").await), "TDCZ", "{reset}");
    }
    // What a transaction that is rolled back said and heard of never was.
    listener.query("begin; listen ch; notify ch; rollback").await;
    speaker.query("notify ch").await;
    assert_eq!(kinds(&listener.query("").await), "IZ");
    for (sql, state) in [("notify \"\"", "42601"), ("select pg_notify('', 'x')", "22023"), ("listen", "42601")] {
        assert_eq!(listener.error(sql).await[0], state, "{sql}");
    }
    let long = format!("notify ch, '{}'", "x".repeat(8_000));
    assert_eq!(listener.error(&long).await[1], "payload string too long");
    server.stop().await;
}

#[tokio::test]
async fn a_session_can_be_ended_by_another_of_its_role() {
    let server = Server::start(config()).await;
    let (mut victim, mut other) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    let victim_pid = pid(&mut victim).await;
    assert_eq!(other.rows(&format!("select pg_cancel_backend({victim_pid})")).await, ["t"]);
    assert_eq!(kinds(&victim.query("select 1").await), "TDCZ");
    let mut stranger = Raw::log_in_as(server.address, "keyless").await;
    assert_eq!(stranger.error(&format!("select pg_terminate_backend({victim_pid})")).await[0], "42501");
    assert_eq!(other.rows(&format!("select pg_terminate_backend({victim_pid})")).await, ["t"]);
    assert_eq!(victim.until_closed().await[0].field(b'C').as_deref(), Some("57P01"));
    assert_eq!(other.rows("select pg_terminate_backend(2000000000)").await, ["f"]);
    server.stop().await;
}
