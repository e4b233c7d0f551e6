//! The page: for whoever is on this host, or over TLS for those whom a guard lets in.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use tollgate_webhook::{Audience, Entrance, Guard, Page, PageServer, Rendered};

use crate::client::{Reply, plain};
use crate::running::{Running, start};
use crate::within;

const SECRET: &str = "what is on the page";
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

struct Sheet;

impl Page for Sheet {
    async fn render(&self, query: &str) -> Rendered {
        Rendered {
            html: format!("{SECRET} {query}"),
            content_security_policy: "default-src 'none'",
        }
    }
}

/// Lets in by what the token says.
struct Porter;

impl Guard for Porter {
    fn admits<'g>(&'g self, token: &'g str) -> Pin<Box<dyn Future<Output = Entrance> + Send + 'g>> {
        Box::pin(std::future::ready(match token {
            "good" => Entrance::Open,
            "weak" => Entrance::Forbidden("`ben` may not".to_owned()),
            "away" => Entrance::Unclear("nobody says so".to_owned()),
            _ => Entrance::Unknown,
        }))
    }
}

async fn admitted(running: &Running) -> PageServer {
    let audience = Audience::Admitted {
        guard: Arc::new(Porter),
        served: Arc::clone(&running.served),
    };
    PageServer::bind(ANY, audience, Arc::new(Sheet))
        .await
        .unwrap()
}

async fn ask(running: &Running, page: &PageServer, authorization: &str) -> Reply {
    let address = SocketAddr::from(([127, 0, 0, 1], page.address().port()));
    // A client that would rather speak HTTP/2 is served by HTTP/1.1.
    let mut client = running.dial().connect(address).await.unwrap();
    let request = Request::builder()
        .uri("/")
        .header("authorization", authorization);
    client
        .send(request.body(Full::new(Bytes::new())).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn beyond_this_host_the_page_is_for_those_whom_the_guard_lets_in() {
    within(async {
        let running = start(|_| {}).await;
        let page = admitted(&running).await;
        let cases = [
            ("Bearer good", 200),
            ("", 401),
            ("Basic good", 401),
            ("Bearer stolen", 401),
            ("Bearer weak", 403),
            ("Bearer away", 503),
        ];
        for (authorization, status) in cases {
            let reply = ask(&running, &page, authorization).await;
            assert_eq!(reply.status, status, "{authorization}");
            assert_eq!(
                reply.text().contains(SECRET),
                status == 200,
                "{authorization}"
            );
            let asks = reply.headers.contains_key("www-authenticate");
            assert_eq!(asks, status == 401, "{authorization}");
            assert_eq!(
                reply.headers["cache-control"], "no-store",
                "{authorization}"
            );
        }
        running.stopped().await;
    })
    .await;
}

#[tokio::test]
async fn beyond_this_host_nothing_is_told_without_tls() {
    within(async {
        let running = start(|_| {}).await;
        let page = admitted(&running).await;
        let address = SocketAddr::from(([127, 0, 0, 1], page.address().port()));
        let asked = tokio::task::spawn_blocking(move || {
            // What comes back is an alert of TLS, which is no text.
            std::panic::catch_unwind(|| plain(address, "GET", "/"))
        });
        let told = asked.await.unwrap().ok().and_then(Result::ok);
        assert!(told.is_none(), "{told:?}");
        running.stopped().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_guard_only_addresses_of_this_host_are_taken() {
    let bound = PageServer::bind(ANY, Audience::Host, Arc::new(Sheet)).await;
    let err = bound.err().unwrap();
    assert_eq!(
        err.to_string(),
        "`0.0.0.0:0` is not an address of this host alone, and nothing says who may see the page"
    );
}

#[tokio::test]
async fn the_page_ends_when_it_is_dropped() {
    within(async {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let page = PageServer::bind(here, Audience::Host, Arc::new(Sheet))
            .await
            .unwrap();
        let address = page.address();
        drop(page);
        crate::until(|| std::net::TcpStream::connect(address).is_err()).await;
    })
    .await;
}
