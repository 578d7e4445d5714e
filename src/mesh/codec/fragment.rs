//! Fragment requests and the pieces of their replies <-> protobuf.

use std::time::Duration;

use datafusion::arrow::datatypes::{Field, Schema};

use super::super::{ExpectedColumn, FragmentMode, FragmentReply, FragmentRequest, MeshError, Trailer};
use super::bad;
use super::batch::{BatchDecoder, decode_schema, encode_schema};
use crate::proto::mesh as proto;
use crate::proto::mesh::fragment_reply::Piece;
use crate::types::limits::FRAGMENT_SQL_BYTES_MAX;
use crate::types::{Code, FragmentSettings, QueryId};

/// The meaning of requests that this node speaks.
const VERSION: u32 = 1;
/// Most roles in a request.
const ROLES_MAX: usize = 1_024;
/// Longest role name or setting, in bytes.
const TEXT_BYTES_MAX: usize = 1_024;
/// Longest time that a fragment may be given.
const DEADLINE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Longest error text that travels, in characters.
const MESSAGE_CHARS_MAX: usize = 4_096;

/// A request as protobuf.
pub(in crate::mesh) fn encode_request(request: &FragmentRequest) -> Result<proto::FragmentRequest, MeshError> {
    let columns = request.expected.iter();
    let fields: Vec<Field> = columns.map(|column| Field::new(&column.name, column.data_type.clone(), true)).collect();
    let mode = match request.mode {
        FragmentMode::Rows => proto::FragmentMode::Rows,
        FragmentMode::Partial => proto::FragmentMode::Partial,
    };
    let settings = &request.settings;
    Ok(proto::FragmentRequest {
        version: VERSION,
        query_id: request.query_id.0.as_bytes().to_vec().into(),
        sql: request.sql.clone(),
        mode: mode.into(),
        expected_schema: encode_schema(&Schema::new(fields))?,
        settings: Some(proto::FragmentSettings {
            time_zone: settings.time_zone.clone(),
            date_style: settings.date_style.clone(),
            interval_style: settings.interval_style.clone(),
            now_us: settings.now_us,
            current_user: settings.current_user.clone(),
            current_database: settings.current_database.clone(),
        }),
        roles: request.roles.clone(),
        deadline_ms: u64::try_from(request.deadline.as_millis()).unwrap_or(u64::MAX),
        reply_bytes_max: request.reply_bytes_max,
        fragments: request.fragments,
    })
}

/// A peer's request; what breaks the contract is refused with the protocol violation's code.
pub(in crate::mesh) fn decode_request(request: proto::FragmentRequest) -> Result<FragmentRequest, MeshError> {
    if request.version > VERSION {
        return refused(Code::FeatureNotSupported, "this node does not know that version of fragments");
    }
    if request.sql.len() > FRAGMENT_SQL_BYTES_MAX {
        return refused(Code::StatementTooComplex, "the fragment's text is too long");
    }
    let mode = match request.mode() {
        proto::FragmentMode::Rows => FragmentMode::Rows,
        proto::FragmentMode::Partial => FragmentMode::Partial,
        proto::FragmentMode::Unspecified => return refused(Code::FeatureNotSupported, "unknown mode of a fragment"),
    };
    let Some(settings) = request.settings else { return violation("a fragment without settings") };
    let texts = [
        &settings.time_zone,
        &settings.date_style,
        &settings.interval_style,
        &settings.current_user,
        &settings.current_database,
    ];
    let too_long = |text: &String| text.len() > TEXT_BYTES_MAX;
    if request.roles.len() > ROLES_MAX || request.roles.iter().any(too_long) || texts.into_iter().any(too_long) {
        return violation("a fragment with too many or too long settings");
    }
    let Ok(query_id) = uuid::Uuid::from_slice(&request.query_id) else { return violation("a fragment without id") };
    let Ok(schema) = decode_schema(&request.expected_schema) else {
        return violation("a fragment whose columns cannot be read");
    };
    let columns = schema.fields().iter();
    let expected = columns
        .map(|field| ExpectedColumn { name: field.name().clone(), data_type: field.data_type().clone() })
        .collect();
    Ok(FragmentRequest {
        query_id: QueryId(query_id),
        sql: request.sql,
        mode,
        expected,
        settings: FragmentSettings {
            time_zone: settings.time_zone,
            date_style: settings.date_style,
            interval_style: settings.interval_style,
            now_us: settings.now_us,
            current_user: settings.current_user,
            current_database: settings.current_database,
        },
        roles: request.roles,
        deadline: Duration::from_millis(request.deadline_ms).min(DEADLINE_MAX),
        reply_bytes_max: request.reply_bytes_max,
        fragments: request.fragments,
    })
}

fn refused<T>(code: Code, message: &str) -> Result<T, MeshError> {
    Err(MeshError::Refused { code, message: message.to_owned() })
}

fn violation<T>(message: &str) -> Result<T, MeshError> {
    refused(Code::ProtocolViolation, message)
}

/// The last piece of a complete reply.
pub(in crate::mesh) fn encode_trailer(trailer: &Trailer) -> proto::FragmentReply {
    let trailer = proto::Trailer {
        rows: trailer.rows,
        segments_scanned: trailer.segments_scanned,
        segments_pruned: trailer.segments_pruned,
        watermark: trailer.watermark,
        elapsed_us: u64::try_from(trailer.elapsed.as_micros()).unwrap_or(u64::MAX),
        incomplete: trailer.incomplete.clone().unwrap_or_default(),
    };
    proto::FragmentReply { piece: Some(Piece::Trailer(trailer)) }
}

/// The last piece of a failed reply.
pub(in crate::mesh) fn encode_failure(error: &MeshError) -> proto::FragmentReply {
    let failure = proto::Failure { sqlstate: error.code().sqlstate().to_owned(), message: bounded(&error.to_string()) };
    proto::FragmentReply { piece: Some(Piece::Failure(failure)) }
}

fn bounded(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Checks that the pieces of a reply come in order and within bounds, and turns them into ours.
#[derive(Debug)]
pub(in crate::mesh) struct ReplyDecoder {
    batches: Option<BatchDecoder>,
    bytes_left: u64,
    rows: u64,
    is_complete: bool,
}

impl ReplyDecoder {
    /// For a reply of at most that many bytes of batches.
    pub(in crate::mesh) fn new(reply_bytes_max: u64) -> Self {
        Self { batches: None, bytes_left: reply_bytes_max, rows: 0, is_complete: false }
    }

    /// Whether the trailer was there.
    pub(in crate::mesh) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The next piece; an error ends the reply.
    pub(in crate::mesh) fn decode(&mut self, reply: proto::FragmentReply) -> Result<FragmentReply, MeshError> {
        if self.is_complete {
            return Err(bad("a piece after the trailer"));
        }
        match reply.piece {
            None => Err(bad("an empty piece")),
            Some(Piece::Failure(failure)) => {
                let code = Code::from_sqlstate(&failure.sqlstate);
                Err(MeshError::Refused { code, message: bounded(&failure.message) })
            }
            Some(Piece::Header(_)) if self.batches.is_some() => Err(bad("a second header")),
            Some(Piece::Header(header)) => {
                let batches = self.batches.insert(BatchDecoder::new(&header.schema)?);
                Ok(FragmentReply::Header(std::sync::Arc::clone(batches.schema())))
            }
            Some(Piece::Batch(batch)) => self.batch(batch),
            Some(Piece::Trailer(trailer)) => self.trailer(&trailer),
        }
    }

    fn batch(&mut self, batch: proto::Batch) -> Result<FragmentReply, MeshError> {
        let batches = self.batches.as_ref().ok_or_else(|| bad("a batch before the header"))?;
        let bytes = batch.metadata.len() as u64 + batch.body.len() as u64;
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or_else(|| bad("more bytes than asked for"))?;
        let decoded = batches.decode(batch)?;
        self.rows = self.rows.saturating_add(decoded.num_rows() as u64);
        Ok(FragmentReply::Batch(decoded))
    }

    fn trailer(&mut self, trailer: &proto::Trailer) -> Result<FragmentReply, MeshError> {
        if self.batches.is_none() {
            return Err(bad("a trailer before the header"));
        }
        if trailer.rows != self.rows {
            return Err(bad(format!("{} rows arrived, {} were announced", self.rows, trailer.rows)));
        }
        self.is_complete = true;
        Ok(FragmentReply::Trailer(Trailer {
            rows: trailer.rows,
            segments_scanned: trailer.segments_scanned,
            segments_pruned: trailer.segments_pruned,
            watermark: trailer.watermark,
            elapsed: Duration::from_micros(trailer.elapsed_us),
            incomplete: (!trailer.incomplete.is_empty()).then(|| trailer.incomplete.clone()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    fn request() -> FragmentRequest {
        FragmentRequest {
            query_id: QueryId(uuid::Uuid::from_u128(7)),
            sql: String::from("SELECT \"count\" FROM logs"),
            mode: FragmentMode::Partial,
            expected: vec![
                ExpectedColumn { name: String::from("a"), data_type: DataType::Utf8View },
                ExpectedColumn { name: String::from("b"), data_type: DataType::Int64 },
            ],
            settings: FragmentSettings {
                time_zone: String::from("Europe/Berlin"),
                date_style: String::from("ISO, MDY"),
                interval_style: String::from("postgres"),
                now_us: 42,
                current_user: String::from("ada"),
                current_database: String::from("kubearmor"),
            },
            roles: vec![String::from("reader")],
            deadline: Duration::from_millis(1_500),
            reply_bytes_max: 1 << 20,
            fragments: 2,
        }
    }

    #[test]
    fn a_request_survives() {
        let encoded = encode_request(&request()).expect("encoded");
        assert_eq!(decode_request(encoded).expect("decoded"), request());
    }

    #[test]
    fn requests_beyond_the_bounds_are_refused() {
        let encoded = encode_request(&request()).expect("encoded");
        let long = proto::FragmentRequest { sql: "x".repeat(FRAGMENT_SQL_BYTES_MAX + 1), ..encoded.clone() };
        let newer = proto::FragmentRequest { version: 2, ..encoded.clone() };
        let many = proto::FragmentRequest { roles: vec![String::new(); ROLES_MAX + 1], ..encoded.clone() };
        let nameless = proto::FragmentRequest { query_id: vec![1, 2].into(), ..encoded };
        for (refused, code) in [
            (long, Code::StatementTooComplex),
            (newer, Code::FeatureNotSupported),
            (many, Code::ProtocolViolation),
            (nameless, Code::ProtocolViolation),
        ] {
            assert_eq!(decode_request(refused).expect_err("refused").code(), code);
        }
    }

    #[test]
    fn an_error_keeps_its_sqlstate_and_loses_control_characters() {
        let error = MeshError::Refused { code: Code::UndefinedColumn, message: String::from("no\u{7}\ncolumn") };
        let decoded = ReplyDecoder::new(0).decode(encode_failure(&error)).expect_err("a failure");
        assert_eq!(decoded.code(), Code::UndefinedColumn);
        assert_eq!(decoded.to_string(), "no  column");
    }

    #[test]
    fn pieces_out_of_order_are_refused() {
        let trailer = encode_trailer(&Trailer::default());
        assert!(ReplyDecoder::new(0).decode(trailer).is_err());
        let batch = proto::FragmentReply { piece: Some(Piece::Batch(proto::Batch::default())) };
        assert!(ReplyDecoder::new(0).decode(batch).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Ok(request) = proto::FragmentRequest::decode(bytes.as_slice()) {
                let _ = decode_request(request);
            }
            if let Ok(reply) = proto::FragmentReply::decode(bytes.as_slice()) {
                let _ = ReplyDecoder::new(1 << 20).decode(reply);
            }
        }

        #[test]
        fn damaged_requests_never_panic(at in any::<usize>(), value in any::<u8>()) {
            let mut bytes = encode_request(&request()).expect("encoded").encode_to_vec();
            let at = at % bytes.len();
            bytes[at] = value;
            if let Ok(request) = proto::FragmentRequest::decode(bytes.as_slice()) {
                let _ = decode_request(request);
            }
        }
    }
}
