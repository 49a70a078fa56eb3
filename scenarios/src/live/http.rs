//! HTTP: a request becomes an exchange, and what comes out of it a response with the headers that dockerd gives. What
//! requests mean is not known here.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{CONNECTION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use netyard_drivers::engine::{Media, headers_of_reply};
use netyard_sim::userland::Request as Question;

use tokio::net::UnixStream;

use super::door::{Door, Exchange, Part};
use super::outside::Refusal;
use super::stream;
use super::twin::Twins;

/// The largest body that is taken, in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Where one asks to go into a container, whose name follows.
pub const ENTER: &str = "/netyard/enter/";

/// What a response carries: one piece, or pieces as they come.
type Answer = Either<Full<Bytes>, Pieces>;

/// Answers one request.
///
/// # Errors
/// None: whatever goes wrong is told to the client.
pub async fn serve(
    door: Door,
    twins: Option<Twins>,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    if let Some(container) = request.uri().path().strip_prefix(ENTER) {
        let container = container.to_owned();
        return Ok(enter(twins, &container, request).await);
    }
    let question = match read(&mut request).await {
        Ok(question) => question,
        Err((status, text)) => return Ok(refusal(status, text)),
    };
    let mut exchange = door.ask(question);
    let Some(Part::Head { status, media, headers }) = exchange.next().await else {
        return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "the engine is not running"));
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = head(status, media, headers);
    if status == StatusCode::SWITCHING_PROTOCOLS {
        upgrade(&mut response, request.uri().path());
        tokio::spawn(stream::carry(hyper::upgrade::on(request), exchange));
        return Ok(response);
    }
    *response.body_mut() = if response.headers().contains_key(TRANSFER_ENCODING) {
        Either::Right(Pieces { early: None, exchange })
    } else {
        answer(exchange, request.method() == Method::HEAD)
    };
    Ok(response)
}

/// Lets somebody into a container: what follows on the connection is the twins' affair.
async fn enter(twins: Option<Twins>, container: &str, request: Request<Incoming>) -> Response<Answer> {
    let Some(twins) = twins else {
        return refusal(StatusCode::BAD_REQUEST, "containers can be gone into by the Unix socket only");
    };
    let entry = match twins.enter(container).await {
        Ok(entry) => entry,
        Err(Refusal(status, text)) => {
            return refusal(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &text);
        }
    };
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        if let Ok(parts) = upgraded.downcast::<TokioIo<UnixStream>>() {
            twins.serve(parts.io.into_inner(), entry).await;
        }
    });
    let mut response = head(StatusCode::SWITCHING_PROTOCOLS, Media::Json, Vec::new());
    upgrade(&mut response, ENTER);
    response
}

/// What a client asks. Names of methods that nobody answers become an empty one.
async fn read(request: &mut Request<Incoming>) -> Result<Question, (StatusCode, &'static str)> {
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "",
    };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = request.headers().iter().map(header).collect();
    let body = match Limited::new(request.body_mut(), BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes().into(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "http: request body too large"));
        }
        Err(_) => return Err((StatusCode::BAD_REQUEST, "unexpected EOF")),
    };
    Ok(Question { method, target, headers, body })
}

/// A response as dockerd begins it, without its body.
fn head(status: StatusCode, media: Media, more: Vec<(&'static str, String)>) -> Response<Answer> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in headers_of_reply(media, more) {
        headers.insert(name, text(&value));
    }
    if status != StatusCode::SWITCHING_PROTOCOLS {
        headers.insert(DATE, text(&httpdate::fmt_http_date(SystemTime::now())));
    }
    response
}

/// A header's value; one that cannot be sent is empty.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

/// Makes a response that of a connection which becomes a stream. dockerd writes this head by hand, and for attach leaves
/// out what it says of every reply.
fn upgrade(response: &mut Response<Answer>, path: &str) {
    let kind = response.headers_mut().remove(CONTENT_TYPE);
    if path.ends_with("/attach") {
        response.headers_mut().clear();
    }
    if let Some(kind) = kind {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response.extensions_mut().insert(ReasonPhrase::from_static(b"UPGRADED"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("tcp"));
}

fn refusal(status: StatusCode, message: &str) -> Response<Answer> {
    let mut response = head(status, Media::Json, Vec::new());
    let json = serde_json::json!({ "message": message }).to_string() + "\n";
    *response.body_mut() = Either::Left(Full::from(json));
    response
}

/// The body: of one piece when all of it is there already.
fn answer(mut exchange: Exchange, is_head: bool) -> Answer {
    let mut pieces = Vec::new();
    loop {
        match exchange.try_next() {
            Some(Part::Body(bytes)) => pieces.push(bytes),
            Some(Part::Head { .. }) => {}
            Some(Part::End) if is_head => return Either::Left(Full::default()),
            Some(Part::End) => return Either::Left(Full::from(pieces.concat())),
            None => break,
        }
    }
    let early = (!pieces.is_empty()).then(|| Bytes::from(pieces.concat()));
    Either::Right(Pieces { early, exchange })
}

/// A body whose pieces go out as they come.
#[derive(Debug)]
pub struct Pieces {
    /// What had come when the response began.
    early: Option<Bytes>,
    exchange: Exchange,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(bytes) = self.early.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if self.exchange.is_over() {
            return Poll::Ready(None);
        }
        loop {
            match std::task::ready!(self.exchange.poll_next(cx)) {
                Some(Part::Body(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Part::Head { .. }) => {}
                Some(Part::End) | None => return Poll::Ready(None),
            }
        }
    }
}
