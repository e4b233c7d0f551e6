use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tollgate_budget::{Draw, Event, Limit, Live};
use tollgate_gpu::{Amount, Unit};

use super::{Book, Trouble};
use crate::accounts::{Accounts, StatusStore};

/// An API server that has one budget.
struct Server {
    budget: Mutex<Value>,
    /// Whether it goes away before it answers to a write that it has made.
    goes_away: AtomicBool,
}

impl Server {
    async fn start() -> (Arc<Self>, StatusStore) {
        let budget = json!({
            "apiVersion": "tollgate.dev/v1alpha1", "kind": "Budget",
            "metadata": {"name": "research", "uid": "1", "resourceVersion": "1"}, "spec": {},
        });
        let server = Arc::new(Self {
            budget: Mutex::new(budget),
            goes_away: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.serve(stream).await;
            }
        });
        tollgate_webhook::install_crypto();
        let config = Config::new(format!("http://{address}").parse().unwrap());
        let client = Client::try_from(config).unwrap();
        let store = StatusStore::new(&client, Accounts::default()).unwrap();
        (server, store)
    }

    /// Answers one request, and closes the connection.
    async fn serve(&self, mut stream: TcpStream) {
        let (is_write, body) = request(&mut stream).await;
        if is_write {
            let version = self.version() + 1;
            let mut written: Value = serde_json::from_slice(&body).unwrap();
            written["metadata"]["resourceVersion"] = version.to_string().into();
            *self.budget.lock().unwrap() = written;
            if self.goes_away.load(Ordering::SeqCst) {
                return;
            }
        }
        let budget = self.budget.lock().unwrap().to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            budget.len()
        );
        stream.write_all((head + &budget).as_bytes()).await.unwrap();
    }

    fn version(&self) -> u64 {
        let budget = self.budget.lock().unwrap();
        let version = budget["metadata"]["resourceVersion"].as_str();
        version.unwrap().parse().unwrap()
    }

    /// What the account says that live pods hold.
    fn held(&self) -> Value {
        let budget = self.budget.lock().unwrap();
        budget["status"]["account"]["usage"]["gpu"]["held"]["0"].clone()
    }
}

/// Whether a request writes, and its body.
async fn request(stream: &mut TcpStream) -> (bool, Vec<u8>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    (head.starts_with("put"), body)
}

fn limits() -> Arc<[Limit]> {
    [Limit {
        unit: Unit::Gpu,
        model: None,
        window: None,
        amount: Amount::from_atoms(10),
        soft: None,
        share: None,
    }]
    .into()
}

fn pod() -> Live {
    let draw = Draw::Held(Amount::from_atoms(4));
    Live {
        charge: limits().iter().map(|limit| (limit.key(), draw)).collect(),
        began: 0,
    }
}

#[tokio::test]
async fn what_was_written_without_an_answer_is_not_charged_twice() {
    let (server, store) = Server::start().await;
    let mut book = Book::new("research".into(), limits());
    assert!(book.recount(&store, BTreeMap::new(), 0).await.is_ok());
    assert!(book.is_counted(&store));

    book.note(Event::Seen("a".into(), pod()));
    server.goes_away.store(true, Ordering::SeqCst);
    assert!(matches!(book.post(&store, 0).await, Err(Trouble::Store(_))));
    assert_eq!(server.held(), "4");
    server.goes_away.store(false, Ordering::SeqCst);

    // The watch shows it meanwhile.
    assert!(store.read("research").await.is_ok());
    assert!(!book.is_counted(&store));
    assert!(matches!(book.post(&store, 0).await, Err(Trouble::Outdated)));
    let live = [("a".into(), pod())].into();
    assert!(book.recount(&store, live, 0).await.is_ok());
    assert_eq!(server.held(), "4");
}
