//! One call, from its head to its answer.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Version};
use tracing::{debug, error};

use crate::lifecycle::Stage;
use crate::rejection::{Reason, Rejection};
use crate::reviewer::{Admission, Call, Phase, Reviewer};
use crate::server::Shared;
use crate::traceparent::{self, TraceParent};
use crate::unwind::{Panicked, caught};
use crate::{body, deadline};

/// Answers a call, whatever happens to it.
pub(crate) async fn answer<R: Reviewer>(
    shared: &Shared<R>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let start = Instant::now();
    let version = request.version();
    let mut response = match review(shared, request, start).await {
        Ok((phase, admission)) => {
            shared.metrics.reviewed(phase, &admission, start.elapsed());
            reviewed(admission)
        }
        Err(rejection) => {
            debug!(reason = rejection.reason.as_label(), "no review");
            shared.metrics.rejected(rejection.reason);
            rejection.into_response()
        }
    };
    if version < Version::HTTP_2 && shared.lifecycle.stage() >= Stage::Draining {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn review<R: Reviewer>(
    shared: &Shared<R>,
    request: Request<Incoming>,
    start: Instant,
) -> Result<(Phase, Admission), Rejection> {
    let phase = route(&request)?;
    if !shared.reviewer.is_ready() {
        return Err(Reason::NotReady.into());
    }
    let deadline = start + deadline::time_for(request.uri().query(), &shared.limits);
    let call = Call {
        phase,
        body: Bytes::new(),
        received: start,
        deadline,
        caller: caller(request.headers()),
    };
    let judged = tokio::time::timeout_at(deadline.into(), judge(shared, call, request.into_body()));
    let admission = judged.await.map_err(|_| Reason::Deadline)??;
    Ok((phase, admission))
}

fn route<B>(request: &Request<B>) -> Result<Phase, Reason> {
    let phase = match request.uri().path() {
        "/mutate" => Phase::Mutate,
        "/validate" => Phase::Validate,
        _ => return Err(Reason::NotFound),
    };
    if request.method() != Method::POST {
        return Err(Reason::Method);
    }
    if !is_json(request.headers()) {
        return Err(Reason::MediaType);
    }
    Ok(phase)
}

/// The span that a call is part of, if its head says so.
fn caller(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(headers.get(traceparent::HEADER)?.to_str().ok()?)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

async fn judge<R: Reviewer>(
    shared: &Shared<R>,
    call: Call,
    body: Incoming,
) -> Result<Admission, Rejection> {
    let phase = call.phase;
    let mut seat = shared.gate.seat()?;
    let body = body::read(body, shared.limits.body_bytes, &mut seat).await?;
    let _turn = seat.turn().await?;
    let call = Call { body, ..call };
    match caught(async { shared.reviewer.admit(call).await }).await {
        Ok(result) => Ok(result?),
        Err(Panicked(text)) => {
            error!(phase = phase.as_label(), text, "the reviewer panicked");
            Err(Reason::Panic.into())
        }
    }
}

fn reviewed(admission: Admission) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(admission.body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str, content_type: &str) -> Request<()> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, content_type);
        request.body(()).unwrap()
    }

    #[test]
    fn routes_the_two_calls() {
        let json = "application/json";
        assert_eq!(
            route(&request(Method::POST, "/mutate?timeout=10s", json)),
            Ok(Phase::Mutate)
        );
        assert_eq!(
            route(&request(
                Method::POST,
                "/validate",
                "Application/JSON; charset=utf-8"
            )),
            Ok(Phase::Validate)
        );
    }

    #[test]
    fn refuses_everything_else() {
        let json = "application/json";
        let cases = [
            (Method::POST, "/", json, Reason::NotFound),
            (Method::POST, "/mutate/", json, Reason::NotFound),
            (Method::GET, "/metrics", json, Reason::NotFound),
            (Method::GET, "/mutate", json, Reason::Method),
            (
                Method::POST,
                "/mutate",
                "application/yaml",
                Reason::MediaType,
            ),
            (
                Method::POST,
                "/mutate",
                "application/jsonp",
                Reason::MediaType,
            ),
            (Method::POST, "/mutate", "", Reason::MediaType),
        ];
        for (method, path, content_type, reason) in cases {
            assert_eq!(
                route(&request(method, path, content_type)),
                Err(reason),
                "{path}"
            );
        }
    }
}
