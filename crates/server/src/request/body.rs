//! Request bodies, bounded in bytes and in time.

use crate::problem::Problem;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use std::{error::Error, io, pin::Pin, time::Duration};
use tokio::time::{Instant, timeout};

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Larger than is taken here.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// How much is taken.
        limit: u64,
    },
    /// It came too slowly.
    #[error("the body did not come in {limit:?}")]
    TooSlow {
        /// How long is waited.
        limit: Duration,
    },
    /// The client broke off, or its framing is wrong.
    #[error("the body is not complete")]
    Broken,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::too_large(limit),
            BodyError::TooSlow { .. } => Self::blank(StatusCode::REQUEST_TIMEOUT).detail("the body came too slowly"),
            BodyError::Broken => Self::bad_request("the body is not complete"),
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Reads a whole body of at most `limit` bytes within `patience` in all. Nothing is read if its stated length is too
/// large.
pub async fn collect<B>(body: B, limit: usize, patience: Duration) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let too_large = BodyError::TooLarge { limit: limit as u64 };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    let reading = async move {
        let mut body = body;
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            if data.len() > limit - whole.len() {
                return Err(too_large);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    };
    timeout(patience, reading).await.unwrap_or(Err(BodyError::TooSlow { limit: patience }))
}

/// A body that goes on for long comes at so many bytes in a second at least, or whoever sends one byte now and then
/// would hold a connection and a request for ever.
const LEAST_PACE: u64 = 4 * 1_024;

/// The parts of a large body as they come: at most `limit` bytes in all, each part within `patience`, and after that time
/// at [`LEAST_PACE`] on the whole. An error ends it and holds a [`BodyError`] (see [`problem_of`]).
pub fn paced<B>(body: B, limit: u64, patience: Duration) -> Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    let first = Some((body, limit, Duration::ZERO));
    Box::pin(stream::unfold(first, move |state| async move {
        // What the reader of this stream takes for itself does not count as waiting.
        let (mut body, left, mut waited) = state?;
        loop {
            let earned = patience + Duration::from_secs((limit - left) / LEAST_PACE);
            let asked = Instant::now();
            let frame = timeout(patience.min(earned.saturating_sub(waited)), body.frame()).await;
            waited += asked.elapsed();
            let frame = match frame {
                Err(_) => return Some((Err(io_error(BodyError::TooSlow { limit: patience })), None)),
                Ok(None) => return None,
                Ok(Some(Err(_))) => return Some((Err(io_error(BodyError::Broken)), None)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let Some(left) = left.checked_sub(data.len() as u64) else {
                return Some((Err(io_error(BodyError::TooLarge { limit })), None));
            };
            return Some((Ok(data), Some((body, left, waited))));
        }
    }))
}

fn io_error(error: BodyError) -> io::Error {
    io::Error::other(error)
}

/// The [`BodyError`] that an error of [`paced`] holds, also under the errors of whoever read the stream.
pub fn problem_of(error: &(dyn Error + 'static)) -> Option<BodyError> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = error.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref::<BodyError>()))
        {
            return Some(*found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn parts(parts: &[&'static str]) -> impl Body<Data = Bytes, Error = io::Error> + Unpin + Send + use<> {
        let frames: Vec<_> = parts.iter().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    fn silent() -> impl Body<Data = Bytes, Error = io::Error> + Unpin + Send {
        let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"a")))]);
        StreamBody::new(Box::pin(first.chain(stream::pending())))
    }

    #[tokio::test]
    async fn a_body_at_the_limit_is_taken_and_one_byte_more_is_not() {
        assert_eq!(collect(parts(&["ab", "cd"]), 4, PATIENCE).await, Ok(Bytes::from_static(b"abcd")));
        assert_eq!(collect(parts(&["ab", "cde"]), 4, PATIENCE).await, Err(BodyError::TooLarge { limit: 4 }));
        assert_eq!(
            collect(Full::new(Bytes::from_static(b"abcde")), 4, PATIENCE).await,
            Err(BodyError::TooLarge { limit: 4 })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_given_up() {
        assert_eq!(collect(silent(), 9, PATIENCE).await, Err(BodyError::TooSlow { limit: PATIENCE }));
        let mut paced = paced(silent(), 9, PATIENCE);
        assert_eq!(paced.next().await.unwrap().unwrap(), "a");
        let error = paced.next().await.unwrap().unwrap_err();
        assert_eq!(problem_of(&error), Some(BodyError::TooSlow { limit: PATIENCE }));
        assert!(paced.next().await.is_none());
    }

    /// A part of that size each second.
    fn drip(size: usize) -> impl Body<Data = Bytes, Error = io::Error> + Unpin + Send {
        StreamBody::new(Box::pin(stream::repeat(size).then(|size| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Frame::data(Bytes::from(vec![b'a'; size])))
        })))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_and_one_that_flows_is_taken() {
        let begun = Instant::now();
        let mut slow = paced(drip(1), 1_000_000, PATIENCE);
        let error = loop {
            if let Err(error) = slow.next().await.unwrap() {
                break error;
            }
        };
        assert_eq!(problem_of(&error), Some(BodyError::TooSlow { limit: PATIENCE }));
        assert!(begun.elapsed() <= PATIENCE + Duration::from_secs(1));
        let flowing = paced(drip(4 * 1_024), 1_000_000, PATIENCE);
        assert!(flowing.take(200).all(|part| async move { part.is_ok() }).await);
        // Whoever reads slowly is not the sender's fault.
        let flowing = paced(drip(4 * 1_024), 1_000_000, PATIENCE).take(20);
        let read = flowing.then(|part| async move {
            tokio::time::sleep(PATIENCE).await;
            part
        });
        assert!(read.all(|part| async move { part.is_ok() }).await);
    }

    #[tokio::test]
    async fn a_stream_ends_at_the_limit() {
        let whole: Vec<_> = paced(parts(&["ab", "cd"]), 4, PATIENCE).map(Result::unwrap).collect().await;
        assert_eq!(whole.concat(), b"abcd");
        let mut paced = paced(parts(&["ab", "cd"]), 3, PATIENCE);
        assert!(paced.next().await.unwrap().is_ok());
        let error = paced.next().await.unwrap().unwrap_err();
        assert_eq!(problem_of(&error), Some(BodyError::TooLarge { limit: 3 }));
        assert!(paced.next().await.is_none());
    }

    #[test]
    fn each_error_has_its_status() {
        for (error, status) in [
            (BodyError::TooLarge { limit: 1 }, 413),
            (BodyError::TooSlow { limit: PATIENCE }, 408),
            (BodyError::Broken, 400),
        ] {
            assert_eq!(Problem::from(error).status().as_u16(), status);
        }
    }
}
