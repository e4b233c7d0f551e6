//! Reads the body of a call.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::gate::Seat;
use crate::rejection::Reason;

/// How many times the limit is read and thrown away, so that a client that is a little over it gets to read the
/// answer instead of a broken connection.
const DISCARDED: u64 = 4;

/// Reads a body up to a limit. One that arrives in a single piece, as most do, is not copied.
pub(crate) async fn read(
    mut body: Incoming,
    limit: usize,
    seat: &mut Seat<'_>,
) -> Result<Bytes, Reason> {
    if body.size_hint().lower() > (limit as u64).saturating_mul(DISCARDED) {
        return Err(Reason::TooLarge);
    }
    let mut whole = Pieces::None;
    while let Some(piece) = next(&mut body).await? {
        if whole.len() + piece.len() > limit {
            discard(body, limit).await;
            return Err(Reason::TooLarge);
        }
        seat.hold(piece.len())?;
        whole.push(piece);
    }
    Ok(whole.into_bytes())
}

enum Pieces {
    None,
    One(Bytes),
    Many(BytesMut),
}

impl Pieces {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(piece) => piece.len(),
            Self::Many(pieces) => pieces.len(),
        }
    }

    fn push(&mut self, piece: Bytes) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(piece),
            Self::One(first) => {
                let mut pieces = BytesMut::with_capacity(2 * (first.len() + piece.len()));
                pieces.extend_from_slice(&first);
                pieces.extend_from_slice(&piece);
                Self::Many(pieces)
            }
            Self::Many(mut pieces) => {
                pieces.extend_from_slice(&piece);
                Self::Many(pieces)
            }
        };
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(piece) => piece,
            Self::Many(pieces) => pieces.freeze(),
        }
    }
}

/// The next piece of data; trailers are skipped.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Reason> {
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Reason::BrokenBody)?.into_data() {
            Ok(data) if !data.is_empty() => return Ok(Some(data)),
            _ => {}
        }
    }
    Ok(None)
}

async fn discard(mut body: Incoming, limit: usize) {
    let mut left = (limit as u64).saturating_mul(DISCARDED);
    while left > 0
        && let Ok(Some(piece)) = next(&mut body).await
    {
        left = left.saturating_sub(piece.len() as u64);
    }
}
