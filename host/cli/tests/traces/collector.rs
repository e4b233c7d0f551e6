//! A collector that keeps what it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use prost::Message as _;
use serde_json::{Map, Value};

use crate::message::{ExportRequest, KeyValue, SpanKind, StatusCode, Value as Known};

pub struct Collector {
    pub url: String,
    requests: Arc<Mutex<Vec<(String, ExportRequest)>>>,
}

/// What was sent, for people.
#[derive(Debug)]
pub struct Received {
    pub path: String,
    pub resource: Value,
    pub spans: Vec<Span>,
}

#[derive(Debug)]
pub struct Span {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub kind: SpanKind,
    pub from: u64,
    pub until: u64,
    pub attributes: Value,
    pub error: Option<String>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || keep(stream.unwrap(), &kept));
            }
        });
        Self { url, requests }
    }

    /// What came, of which there must be something.
    pub fn received(&self) -> Received {
        let requests = self.requests.lock().unwrap();
        let (path, first) = requests.first().expect("a request");
        let all = requests
            .iter()
            .flat_map(|(_, request)| &request.resource_spans);
        let scopes = all.flat_map(|resource| &resource.scope_spans);
        Received {
            path: path.clone(),
            resource: attributes(
                &first.resource_spans[0]
                    .resource
                    .as_ref()
                    .unwrap()
                    .attributes,
            ),
            spans: scopes.flat_map(|scope| &scope.spans).map(span).collect(),
        }
    }
}

impl Received {
    /// The only span of a name.
    pub fn named(&self, name: &str) -> &Span {
        let mut spans = self.spans.iter().filter(|span| span.name == name);
        let span = spans
            .next()
            .unwrap_or_else(|| panic!("no span `{name}`: {self:?}"));
        assert!(spans.next().is_none(), "several spans `{name}`: {self:?}");
        span
    }
}

/// Answers the requests of a connection, one after the other.
fn keep(stream: TcpStream, kept: &Mutex<Vec<(String, ExportRequest)>>) {
    let mut answers = stream.try_clone().unwrap();
    let mut stream = BufReader::new(stream);
    while let Some((head, length)) = head(&mut stream) {
        assert!(
            head.contains("content-type: application/x-protobuf"),
            "{head}"
        );
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let path = head.split_whitespace().nth(1).unwrap().to_owned();
        let request = ExportRequest::decode(&*body).unwrap();
        kept.lock().unwrap().push((path, request));
        answers
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    }
}

/// The head of a request, and how long its body is.
fn head(stream: &mut impl std::io::BufRead) -> Option<(String, usize)> {
    let lines = stream.by_ref().lines().map_while(Result::ok);
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    Some((head.join("\n"), length.parse().unwrap()))
}

fn span(span: &crate::message::Span) -> Span {
    let failed = span
        .status
        .iter()
        .find(|status| status.code() == StatusCode::Error);
    Span {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name.clone(),
        kind: span.kind(),
        from: span.start_time_unix_nano,
        until: span.end_time_unix_nano,
        attributes: attributes(&span.attributes),
        error: failed.map(|status| status.message.clone()),
    }
}

fn attributes(attributes: &[KeyValue]) -> Value {
    let pairs = attributes.iter().map(|KeyValue { key, value }| {
        let value = match value.as_ref().unwrap().value.as_ref().unwrap() {
            Known::String(text) => Value::from(text.clone()),
            Known::Bool(holds) => Value::from(*holds),
            Known::Int(number) => Value::from(*number),
        };
        (key.clone(), value)
    });
    pairs.collect::<Map<_, _>>().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
