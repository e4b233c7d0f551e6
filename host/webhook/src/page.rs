//! A page for people: one document, which can only be read.
//!
//! On an address of this host alone it is plain HTTP for everybody on the host; what browsers there are made to ask for by
//! pages of others is refused by the name that they ask for. On any other address it is TLS, for those alone whom a
//! [`Guard`] lets in by the token that they bring.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio_rustls::TlsAcceptor;

use crate::certificate::Served;
use crate::server::{BindError, bind};
use crate::side::{self, Listening, Side, text};
use crate::tls;

/// How many connections are open at once: people have few.
const CONNECTIONS: usize = 16;
/// How long a handshake and the head of a request may take.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long whoever says who may see the page may take.
const GUARD_TIME: Duration = Duration::from_secs(5);

type Answer = Response<Full<Bytes>>;

/// Makes the page.
pub trait Page: Send + Sync + 'static {
    /// Makes it as it is now, for a request with this query. It is polled on the page's own thread.
    fn render(&self, query: &str) -> impl Future<Output = Rendered> + Send;
}

/// The page as it is at a moment.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The document.
    pub html: String,
    /// What a browser may do with it.
    pub content_security_policy: &'static str,
}

/// Says who may see the page.
pub trait Guard: Send + Sync + 'static {
    /// Whether who brings this token may see it.
    fn admits<'g>(&'g self, token: &'g str) -> Pin<Box<dyn Future<Output = Entrance> + Send + 'g>>;
}

/// Whether somebody may see the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// He may.
    Open,
    /// Nobody knows the token.
    Unknown,
    /// He may not; why, and what would let him.
    Forbidden(String),
    /// That cannot be said now; why.
    Unclear(String),
}

/// Who may see the page.
#[derive(Clone)]
pub enum Audience {
    /// Whoever is on this host.
    Host,
    /// Those whom a guard lets in, over TLS.
    Admitted {
        /// The guard.
        guard: Arc<dyn Guard>,
        /// The certificate.
        served: Arc<Served>,
    },
}

/// A page that is served until this is dropped.
pub struct PageServer {
    address: SocketAddr,
    _listening: Listening,
}

impl PageServer {
    /// Begins to serve a page.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or when others than this host's reach it and no guard is given.
    pub async fn bind<P: Page>(
        address: SocketAddr,
        audience: Audience,
        page: Arc<P>,
    ) -> Result<Self, BindError> {
        let tls = match &audience {
            Audience::Host if !address.ip().is_loopback() => {
                return Err(BindError::Exposed { address });
            }
            Audience::Host => None,
            Audience::Admitted { served, .. } => {
                let config = tls::http1_config(Arc::clone(served))?;
                Some(TlsAcceptor::from(Arc::new(config)))
            }
        };
        let (listener, address) = bind(address).await?;
        let listener = listener.into_std().map_err(BindError::Page)?;
        let side = Side {
            name: "page",
            connections: CONNECTIONS,
            header_time: HEADER_TIME,
            tls,
        };
        let answer = move |request| answer(request, audience.clone(), Arc::clone(&page));
        Ok(Self {
            address,
            _listening: side::start(listener, side, answer).map_err(BindError::Page)?,
        })
    }

    /// The address that was really bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn answer<P: Page>(request: Request<Incoming>, audience: Audience, page: Arc<P>) -> Answer {
    let mut answer = match admit(&request, &audience).await {
        Ok(()) => {
            let query = request.uri().query().unwrap_or_default();
            shown(page.render(query).await)
        }
        Err(refusal) => *refusal,
    };
    harden(answer.headers_mut());
    answer
}

/// Whether the page is to be shown; else what is answered instead.
async fn admit<B>(request: &Request<B>, audience: &Audience) -> Result<(), Box<Answer>> {
    let refuse = |status, why: &str| Err(Box::new(text(status, why.to_owned())));
    if matches!(audience, Audience::Host) && !is_asked_as_this_host(request) {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "the page is served by the names of this host alone; open it as `http://localhost:PORT/` or `http://127.0.0.1:PORT/`",
        );
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "the method must be `GET`");
        let allowed = HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(ALLOW, allowed);
        return Err(Box::new(answer));
    }
    if request.uri().path() != "/" {
        return refuse(StatusCode::NOT_FOUND, "only `/` is served here");
    }
    match audience {
        Audience::Host => Ok(()),
        Audience::Admitted { guard, .. } => by_token(request.headers(), &**guard).await,
    }
}

/// Whether a request names this host, so that it is not the work of a page whose name was made to lead here.
fn is_asked_as_this_host<B>(request: &Request<B>) -> bool {
    let mut named = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return false;
    };
    let host = host.to_str().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

async fn by_token(headers: &HeaderMap, guard: &dyn Guard) -> Result<(), Box<Answer>> {
    let Some(token) = bearer(headers) else {
        return Err(Box::new(unknown("a bearer token is needed")));
    };
    let asked = tokio::time::timeout(GUARD_TIME, guard.admits(token)).await;
    let entrance = asked.unwrap_or_else(|_| Entrance::Unclear("no answer in time".to_owned()));
    Err(Box::new(match entrance {
        Entrance::Open => return Ok(()),
        Entrance::Unknown => unknown("the bearer token is not known"),
        Entrance::Forbidden(why) => text(StatusCode::FORBIDDEN, why),
        Entrance::Unclear(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn unknown(why: &'static str) -> Answer {
    let mut answer = text(StatusCode::UNAUTHORIZED, why);
    let scheme = HeaderValue::from_static("Bearer realm=\"tollgate\"");
    answer.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    answer
}

fn shown(rendered: Rendered) -> Answer {
    let Rendered {
        html,
        content_security_policy,
    } = rendered;
    let mut answer = Response::new(Full::from(html));
    let headers = answer.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    let policy = HeaderValue::from_static(content_security_policy);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    answer
}

/// What tells browsers to keep nothing of an answer, and to let no other page near it.
fn harden(headers: &mut HeaderMap) {
    let fixed = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Request<()> {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(name.clone(), *value)
        });
        request.body(()).unwrap()
    }

    async fn refused(request: Request<()>) -> Option<StatusCode> {
        let admitted = admit(&request, &Audience::Host).await;
        admitted.err().map(|answer| answer.status())
    }

    #[tokio::test]
    async fn is_shown_to_who_asks_for_this_host() {
        for host in [
            "localhost:9444",
            "LOCALHOST",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:9444",
            "[::1]",
        ] {
            let asked = request(Method::GET, "/?refresh", &[(HOST, host)]);
            assert_eq!(refused(asked).await, None, "{host}");
        }
        let head = request(Method::HEAD, "/", &[(HOST, "localhost")]);
        assert_eq!(refused(head).await, None);
    }

    #[tokio::test]
    async fn is_not_shown_under_a_name_that_was_made_to_lead_here() {
        let misdirected = Some(StatusCode::MISDIRECTED_REQUEST);
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.nip.io",
            "",
            "[fe80::1]",
            "0.0.0.0",
        ] {
            let asked = request(Method::GET, "/", &[(HOST, host)]);
            assert_eq!(refused(asked).await, misdirected, "{host}");
        }
        assert_eq!(refused(request(Method::GET, "/", &[])).await, misdirected);
        let both = [(HOST, "localhost"), (HOST, "evil.example")];
        assert_eq!(refused(request(Method::GET, "/", &both)).await, misdirected);
    }

    #[tokio::test]
    async fn only_reads_of_one_path_are_answered() {
        let host = [(HOST, "localhost")];
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let asked = request(method.clone(), "/", &host);
            assert_eq!(
                refused(asked).await,
                Some(StatusCode::METHOD_NOT_ALLOWED),
                "{method}"
            );
        }
        for path in [
            "/index.html",
            "/dashboard",
            "//",
            "/metrics",
            "/favicon.ico",
        ] {
            let asked = request(Method::GET, path, &host);
            assert_eq!(refused(asked).await, Some(StatusCode::NOT_FOUND), "{path}");
        }
    }

    #[test]
    fn a_token_is_what_follows_the_scheme() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer ", None),
            ("Bearerabc", None),
            ("abc", None),
        ];
        for (value, token) in cases {
            let asked = request(Method::GET, "/", &[(AUTHORIZATION, value)]);
            assert_eq!(bearer(asked.headers()), token, "{value}");
        }
    }
}
