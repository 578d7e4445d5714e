//! A client of raw bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::PATIENCE;

/// One message from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) kind: char,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A field of an error or notice.
    pub(super) fn field(&self, field: u8) -> Option<String> {
        let texts = self.body.split(|byte| *byte == 0);
        let found = texts.into_iter().find(|text| text.first() == Some(&field))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    }

    /// The values of a row as text.
    pub(super) fn values(&self) -> Vec<Option<String>> {
        let (mut rest, mut values) = (&self.body[2..], Vec::new());
        while !rest.is_empty() {
            let length = i32::from_be_bytes(rest[..4].try_into().expect("a length"));
            rest = &rest[4..];
            values.push(usize::try_from(length).ok().map(|length| {
                let (value, after) = rest.split_at(length);
                rest = after;
                String::from_utf8_lossy(value).into_owned()
            }));
        }
        values
    }

    /// A body that is one text.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.strip_suffix('\0').unwrap_or(&text).to_owned()
    }
}

/// The kinds of some answers in order.
pub(super) fn kinds(answers: &[Answer]) -> String {
    answers.iter().map(|answer| answer.kind).collect()
}

/// A socket of one's own.
pub(super) struct Raw {
    stream: TcpStream,
}

impl Raw {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("connect") }
    }

    /// Connects and logs in as `reader` without a password.
    pub(super) async fn log_in(address: SocketAddr) -> Self {
        Self::log_in_as(address, "reader").await
    }

    /// Connects and logs in without a password, as soon as there is a slot.
    pub(super) async fn log_in_as(address: SocketAddr, user: &str) -> Self {
        loop {
            let mut raw = Self::connect(address).await;
            raw.bytes(&startup(&[("user", user), ("database", "kubearmor")])).await;
            let first = raw.next().await.expect("an answer");
            if first.kind == 'R' {
                raw.until('Z').await;
                return raw;
            }
            assert_eq!(first.field(b'C').as_deref(), Some("53300"), "{first:?}");
        }
    }

    /// Runs a text and gives the rows' values, those that are NULL as `-`; fails on an error.
    pub(super) async fn rows(&mut self, sql: &str) -> Vec<String> {
        let answers = self.query(sql).await;
        if let Some(error) = answers.iter().find(|answer| answer.kind == 'E') {
            panic!("{sql}: {:?}", error.field(b'M'));
        }
        let rows = answers.iter().filter(|answer| answer.kind == 'D').map(Answer::values);
        rows.map(|row| {
            row.into_iter().map(|value| value.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join("|")
        })
        .collect()
    }

    /// Runs a text; gives SQLSTATE, message and hint of its error.
    pub(super) async fn error(&mut self, sql: &str) -> [String; 3] {
        let answers = self.query(sql).await;
        let error = answers.iter().find(|answer| answer.kind == 'E').unwrap_or_else(|| panic!("{sql}: no error"));
        [b'C', b'M', b'H'].map(|field| error.field(field).unwrap_or_default())
    }

    /// Runs a text; gives the tags of its commands.
    pub(super) async fn tags(&mut self, sql: &str) -> Vec<String> {
        let answers = self.query(sql).await;
        assert!(answers.iter().all(|answer| answer.kind != 'E'), "{sql}: {answers:?}");
        answers.iter().filter(|answer| answer.kind == 'C').map(Answer::text).collect()
    }

    pub(super) async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("write");
    }

    /// Sends bytes that the server may hang up on.
    pub(super) async fn bytes_unless_closed(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Tells the server that no more bytes come; answers can still be read.
    pub(super) async fn no_more_bytes(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    pub(super) async fn query(&mut self, sql: &str) -> Vec<Answer> {
        self.bytes(&query(sql)).await;
        self.until('Z').await
    }

    /// The next message; none when the server closed the connection.
    pub(super) async fn next(&mut self) -> Option<Answer> {
        let read = async {
            let mut head = [0; 5];
            self.stream.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes(head[1..].try_into().expect("four")) as usize;
            let mut body = vec![0; length - 4];
            self.stream.read_exact(&mut body).await.ok()?;
            Some(Answer { kind: char::from(head[0]), body })
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    /// One byte, such as the answer to a request for TLS.
    pub(super) async fn byte(&mut self) -> u8 {
        tokio::time::timeout(PATIENCE, self.stream.read_u8()).await.expect("in time").expect("a byte")
    }

    /// Messages up to one of this kind.
    pub(super) async fn until(&mut self, kind: char) -> Vec<Answer> {
        let mut answers = Vec::new();
        loop {
            let answer = self.next().await.unwrap_or_else(|| panic!("closed before {kind}: {answers:?}"));
            let last = answer.kind == kind;
            answers.push(answer);
            if last {
                return answers;
            }
        }
    }

    /// Messages up to the end of the connection.
    pub(super) async fn until_closed(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.next().await {
            answers.push(answer);
        }
        answers
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

/// A message with type and length.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    bytes.extend(body);
    bytes
}

pub(super) fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

/// A packet without a type byte.
pub(super) fn packet(body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len() + 4).expect("short").to_be_bytes().to_vec();
    bytes.extend(body);
    bytes
}

/// A startup packet of protocol 3.0.
pub(super) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    for (name, value) in parameters {
        body.extend(format!("{name}\0{value}\0").bytes());
    }
    body.push(0);
    packet(&body)
}

pub(super) const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

/// Parse of a statement without declared types.
pub(super) fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

/// Bind of text parameters, with one format for all results.
pub(super) fn bind(portal: &str, statement: &str, parameters: &[Option<&str>], result_format: u8) -> Vec<u8> {
    let mut body = format!("{portal}\0{statement}\0\0\0").into_bytes();
    body.extend(u16::try_from(parameters.len()).expect("few").to_be_bytes());
    for parameter in parameters {
        match parameter {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(text) => {
                body.extend(u32::try_from(text.len()).expect("short").to_be_bytes());
                body.extend(text.bytes());
            }
        }
    }
    body.extend([0, 1, 0, result_format]);
    message(b'B', &body)
}

pub(super) fn describe(kind: char, name: &str) -> Vec<u8> {
    message(b'D', format!("{kind}{name}\0").as_bytes())
}

pub(super) fn execute(portal: &str, rows_max: i32) -> Vec<u8> {
    let mut body = format!("{portal}\0").into_bytes();
    body.extend(rows_max.to_be_bytes());
    message(b'E', &body)
}

pub(super) fn sync() -> Vec<u8> {
    message(b'S', b"")
}
