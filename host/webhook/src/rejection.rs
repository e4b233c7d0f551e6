//! Answers that are not a review.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use crate::reviewer::Refusal;

/// Why a call gets no review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    NotFound,
    Method,
    MediaType,
    TooLarge,
    BrokenBody,
    BadRequest,
    Overload,
    NotReady,
    Deadline,
    Unavailable,
    Panic,
}

/// A reason with the words for the client.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    message: Cow<'static, str>,
}

impl Reason {
    pub(crate) const ALL: [Self; 11] = [
        Self::NotFound,
        Self::Method,
        Self::MediaType,
        Self::TooLarge,
        Self::BrokenBody,
        Self::BadRequest,
        Self::Overload,
        Self::NotReady,
        Self::Deadline,
        Self::Unavailable,
        Self::Panic,
    ];

    pub(crate) fn as_label(self) -> &'static str {
        self.facts().0
    }

    /// Its word in metrics, its status, and what it tells the client.
    fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::NotFound => (
                "not_found",
                StatusCode::NOT_FOUND,
                "only `/mutate` and `/validate` are served here",
            ),
            Self::Method => (
                "method",
                StatusCode::METHOD_NOT_ALLOWED,
                "the method must be `POST`",
            ),
            Self::MediaType => (
                "media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content type must be `application/json`",
            ),
            Self::TooLarge => (
                "too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large",
            ),
            Self::BrokenBody => (
                "broken_body",
                StatusCode::BAD_REQUEST,
                "the body could not be read",
            ),
            Self::BadRequest => (
                "bad_request",
                StatusCode::BAD_REQUEST,
                "the body is not an AdmissionReview",
            ),
            Self::Overload => (
                "overload",
                StatusCode::TOO_MANY_REQUESTS,
                "too many reviews at once",
            ),
            Self::NotReady => (
                "not_ready",
                StatusCode::SERVICE_UNAVAILABLE,
                "no policies are loaded yet",
            ),
            Self::Deadline => (
                "deadline",
                StatusCode::SERVICE_UNAVAILABLE,
                "the review's deadline has passed",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "no review can be made now",
            ),
            Self::Panic => (
                "panic",
                StatusCode::INTERNAL_SERVER_ERROR,
                "the review failed",
            ),
        }
    }
}

impl Rejection {
    /// The answer. It never has a `Retry-After`: with one, the API server would wait and try again within its
    /// timeout, instead of letting `failurePolicy` decide at once.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.message));
        let (_, status, _) = self.reason.facts();
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self.reason == Reason::Method {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        let (_, _, message) = reason.facts();
        Self {
            reason,
            message: Cow::Borrowed(message),
        }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let (reason, message) = match refusal {
            Refusal::BadRequest(message) => (Reason::BadRequest, message),
            Refusal::Unavailable(message) => (Reason::Unavailable, message),
        };
        Self {
            reason,
            message: Cow::Owned(message),
        }
    }
}
