//! A decoded KubeArmor event: a row of values indexed by [`Field`].
//!
//! `ingest` fills it and turns it into columns; the name of a field is what `source` says in
//! `catalog/kubearmor.toml`, so a new column of a known field touches only that file. All texts of
//! an event lie behind each other in one buffer: filling an event that is used again allocates nothing.

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $source:literal,)*) => {
        /// A field that an event can have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// All fields; a field's position is its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name, as `catalog/kubearmor.toml` spells it.
            pub fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            /// The field of this name.
            pub fn from_source(source: &str) -> Option<Self> {
                match source { $($source => Some(Self::$name),)* _ => None }
            }
        }
    };
}

fields! {
    /// When it happened: microseconds since 1970 UTC.
    UpdatedTime = "UpdatedTime",
    /// Where that came from: 0 UpdatedTime, 1 Timestamp, 2 our clock.
    TimeSource = "TimeSource",
    /// KubeArmor's own seconds since 1970 UTC.
    Timestamp = "Timestamp",
    /// The node that received it.
    Node = "Node",
    /// The feed it came through.
    Feed = "Feed",
    /// When it was received: microseconds since 1970 UTC.
    ReceivedAt = "ReceivedAt",
    /// The row's identity.
    EventId = "EventId",
    /// Hash of what KubeArmor said, alone.
    ContentHash = "ContentHash",
    /// What found no column, as JSON.
    Extra = "Extra",
    /// Tags of tag policies, as JSON.
    EventTags = "EventTags",
    /// Name of the cluster.
    ClusterName = "ClusterName",
    /// Name of the Kubernetes node or host.
    HostName = "HostName",
    /// Address of the host (messages).
    HostIp = "HostIP",
    /// Hash of the machine id.
    NodeId = "NodeID",
    /// Kubernetes namespace.
    NamespaceName = "NamespaceName",
    /// Pod, or container outside Kubernetes.
    PodName = "PodName",
    /// Kind of the pod's owner.
    OwnerRef = "Owner.Ref",
    /// Name of the pod's owner.
    OwnerName = "Owner.Name",
    /// Namespace of the pod's owner.
    OwnerNamespace = "Owner.Namespace",
    /// Labels of the pod, as JSON.
    Labels = "Labels",
    /// Id of the container.
    ContainerId = "ContainerID",
    /// Name of the container.
    ContainerName = "ContainerName",
    /// Image of the container.
    ContainerImage = "ContainerImage",
    /// Parent's process id on the host.
    HostPpid = "HostPPID",
    /// Process id on the host.
    HostPid = "HostPID",
    /// Parent's process id in the container.
    Ppid = "PPID",
    /// Process id in the container.
    Pid = "PID",
    /// User id.
    Uid = "UID",
    /// User name.
    UserName = "UserName",
    /// Path of the parent's executable.
    ParentProcessName = "ParentProcessName",
    /// Path of the executable.
    ProcessName = "ProcessName",
    /// MatchedPolicy, ContainerLog and the like.
    Type = "Type",
    /// Command line of the acting process.
    Source = "Source",
    /// Process, File, Network and the like.
    Operation = "Operation",
    /// What was acted on.
    Resource = "Resource",
    /// Details, as sent.
    Data = "Data",
    /// Outcome.
    Result = "Result",
    /// Working directory.
    Cwd = "Cwd",
    /// Terminal.
    Tty = "TTY",
    /// Details as JSON.
    EventData = "EventData",
    /// Links the events of one entry into a container.
    ExecId = "ExecEvent.ExecID",
    /// Command of that entry.
    ExecName = "ExecEvent.ExecutableName",
    /// Hash of the executable.
    ProcessHash = "ProcessHash",
    /// Hash of the parent's executable.
    ParentHash = "ParentHash",
    /// Hash of the resource.
    ResourceHash = "ResourceHash",
    /// Algorithm of the hashes.
    HashAlgo = "HashAlgo",
    /// System call named in the details.
    Syscall = "Syscall",
    /// Open flags named in the details.
    OpenFlags = "OpenFlags",
    /// Peer address.
    RemoteIp = "RemoteIp",
    /// Peer port.
    RemotePort = "RemotePort",
    /// Transport protocol.
    Protocol = "Protocol",
    /// Name asked for (DNS).
    Domain = "Domain",
    /// Record type asked for (DNS).
    QType = "QType",
    /// Policy that matched.
    PolicyName = "PolicyName",
    /// 1 to 10.
    Severity = "Severity",
    /// Tags of the policy, in one text.
    Tags = "Tags",
    /// Tags of the policy, one by one.
    ATags = "ATags",
    /// Message of the policy, or of the daemon.
    Message = "Message",
    /// Who enforced.
    Enforcer = "Enforcer",
    /// What was done.
    Action = "Action",
    /// Version of the daemon.
    KubeArmorVersion = "KubeArmorVersion",
    /// Throttling notices: the limit.
    MaxAlertsPerSec = "MaxAlertsPerSec",
    /// Throttling notices: seconds of silence.
    DroppingAlertsInterval = "DroppingAlertsInterval",
    /// Level of a message.
    Level = "Level",
}

/// Which of KubeArmor's three kinds an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// A policy matched.
    Alert,
    /// Something happened.
    Log,
    /// The daemon says something.
    Message,
}

impl EventKind {
    /// All kinds; those that must not wait come first.
    pub const ALL: [Self; 3] = [Self::Alert, Self::Log, Self::Message];

    /// The stream that carries this kind and the table that keeps it.
    pub fn table(self) -> &'static str {
        match self {
            Self::Alert => "alerts",
            Self::Log => "logs",
            Self::Message => "messages",
        }
    }

    /// The kind called `alert`, `log` or `message` (or by its table's name), in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let table = kind.table();
            name.eq_ignore_ascii_case(table) || name.eq_ignore_ascii_case(&table[..table.len() - 1])
        })
    }

    /// The kind whose events have this `Type`: what KubeArmor itself goes by when it picks the stream.
    pub fn from_type(event_type: &str) -> Self {
        let starts =
            |prefix: &str| event_type.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if starts("Matched") || starts("SystemEvent") || starts("PolicyMatched") {
            Self::Alert
        } else if event_type.eq_ignore_ascii_case("Message") {
            Self::Message
        } else {
            Self::Log
        }
    }
}

/// Where a text of an event lies in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Null,
    Int(i64),
    Text(Span),
    Id([u8; 16]),
    List { first: u32, count: u32 },
}

/// A value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number, or microseconds since 1970 UTC.
    Int(i64),
    /// A text, or JSON.
    Text(&'a str),
    /// Sixteen bytes.
    Id([u8; 16]),
    /// Several texts.
    List(TextList<'a>),
}

/// Several texts of one field.
#[derive(Debug, Clone, Copy)]
pub struct TextList<'a> {
    buffer: &'a str,
    spans: &'a [Span],
}

impl<'a> TextList<'a> {
    /// The texts in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.spans.iter().map(move |span| read(self.buffer, *span))
    }
}

impl PartialEq for TextList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

fn read(buffer: &str, span: Span) -> &str {
    let start = span.start as usize;
    buffer.get(start..start + span.length as usize).unwrap_or("")
}

/// Most bytes of all texts of one event.
const BUFFER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    kind: EventKind,
    malformed: bool,
    unknown_fields: u32,
    slots: [Slot; Field::ALL.len()],
    buffer: String,
    spans: Vec<Span>,
}

impl Event {
    /// An event without any value.
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            malformed: false,
            unknown_fields: 0,
            slots: [Slot::Null; Field::ALL.len()],
            buffer: String::new(),
            spans: Vec::new(),
        }
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self, kind: EventKind) {
        self.kind = kind;
        self.malformed = false;
        self.unknown_fields = 0;
        self.slots = [Slot::Null; Field::ALL.len()];
        self.buffer.clear();
        self.spans.clear();
        self.buffer.shrink_to(64 * 1024);
    }

    /// Alert, log or message.
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// A value did not parse into its field; `Extra` tells which.
    pub fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// Notes that a value did not parse.
    pub fn mark_malformed(&mut self) {
        self.malformed = true;
    }

    /// Protobuf fields in it that this version does not know.
    pub fn unknown_fields(&self) -> u32 {
        self.unknown_fields
    }

    /// Counts one more unknown protobuf field.
    pub fn count_unknown_field(&mut self) {
        self.unknown_fields = self.unknown_fields.saturating_add(1);
    }

    /// Keeps a text in the buffer without giving it to a field yet.
    pub fn store(&mut self, text: &str) -> Span {
        let (start, room) = (self.buffer.len(), BUFFER_BYTES_MAX.saturating_sub(self.buffer.len()));
        self.buffer.push_str(&text[..text.floor_char_boundary(room)]);
        // The bound above keeps both below 2^32.
        Span { start: start as u32, length: (self.buffer.len() - start) as u32 }
    }

    /// A stored text.
    pub fn stored(&self, span: Span) -> &str {
        read(&self.buffer, span)
    }

    /// Where a part of a stored text lies; none for a text that is not in this event.
    pub fn span_of(&self, part: &str) -> Option<Span> {
        let start = part.as_ptr().addr().checked_sub(self.buffer.as_ptr().addr())?;
        let inside = start.checked_add(part.len()).is_some_and(|end| end <= self.buffer.len());
        // The bound of the buffer keeps both below 2^32.
        inside.then_some(Span { start: start as u32, length: part.len() as u32 })
    }

    /// Makes a field NULL.
    pub fn set_null(&mut self, field: Field) {
        self.slots[field as usize] = Slot::Null;
    }

    /// Sets a number.
    pub fn set_int(&mut self, field: Field, value: i64) {
        self.slots[field as usize] = Slot::Int(value);
    }

    /// Sets a text.
    pub fn set_text(&mut self, field: Field, text: &str) {
        let span = self.store(text);
        self.slots[field as usize] = Slot::Text(span);
    }

    /// Sets a text that is stored already.
    pub fn set_stored(&mut self, field: Field, span: Span) {
        self.slots[field as usize] = Slot::Text(span);
    }

    /// Sets an id.
    pub fn set_id(&mut self, field: Field, id: [u8; 16]) {
        self.slots[field as usize] = Slot::Id(id);
    }

    /// Sets several texts that are stored already.
    pub fn set_list(&mut self, field: Field, texts: &[Span]) {
        let first = self.spans.len() as u32;
        self.spans.extend_from_slice(texts);
        self.slots[field as usize] = Slot::List { first, count: texts.len() as u32 };
    }

    /// The value of a field.
    pub fn value(&self, field: Field) -> Value<'_> {
        match self.slots[field as usize] {
            Slot::Null => Value::Null,
            Slot::Int(value) => Value::Int(value),
            Slot::Text(span) => Value::Text(read(&self.buffer, span)),
            Slot::Id(id) => Value::Id(id),
            Slot::List { first, count } => {
                let spans = self.spans.get(first as usize..(first + count) as usize).unwrap_or(&[]);
                Value::List(TextList { buffer: &self.buffer, spans })
            }
        }
    }

    /// Where the text of a field lies.
    pub fn span(&self, field: Field) -> Option<Span> {
        match self.slots[field as usize] {
            Slot::Text(span) => Some(span),
            _ => None,
        }
    }

    /// The text of a field.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.span(field).map(|span| read(&self.buffer, span))
    }

    /// The number of a field.
    pub fn int(&self, field: Field) -> Option<i64> {
        match self.slots[field as usize] {
            Slot::Int(value) => Some(value),
            _ => None,
        }
    }

    /// Bytes that its texts take.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, EventKind, Field, Value};

    #[test]
    fn fields_are_found_by_the_name_that_the_catalog_uses() {
        for (number, field) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, number);
            assert_eq!(Field::from_source(field.source()), Some(*field));
        }
        assert_eq!(Field::from_source("Owner.Ref"), Some(Field::OwnerRef));
    }

    #[test]
    fn an_event_gives_back_what_was_put_in() {
        let mut event = Event::new(EventKind::Alert);
        event.set_text(Field::HostName, "edge");
        event.set_int(Field::Uid, 0);
        let tags = [event.store("a"), event.store("b")];
        event.set_list(Field::ATags, &tags);
        assert_eq!(event.text(Field::HostName), Some("edge"));
        assert_eq!(event.value(Field::Uid), Value::Int(0));
        let Value::List(list) = event.value(Field::ATags) else { panic!("no list") };
        assert_eq!(list.iter().collect::<Vec<_>>(), ["a", "b"]);
        event.clear(EventKind::Log);
        assert_eq!(event.value(Field::HostName), Value::Null);
    }

    #[test]
    fn kinds_follow_the_type_as_the_daemon_does_it() {
        for (event_type, kind) in [
            ("MatchedHostPolicy", EventKind::Alert),
            ("PolicyMatched", EventKind::Alert),
            ("SystemEvent", EventKind::Alert),
            ("SystemLog", EventKind::Log),
            ("containerlog", EventKind::Log),
            ("Message", EventKind::Message),
            ("", EventKind::Log),
        ] {
            assert_eq!(EventKind::from_type(event_type), kind, "{event_type}");
        }
        assert_eq!(EventKind::from_name("Alert"), Some(EventKind::Alert));
        assert_eq!(EventKind::from_name("logs"), Some(EventKind::Log));
        assert_eq!(EventKind::from_name("x"), None);
    }
}
