//! One conversation from its opening to its end.

use super::{LineKey, Lines};
use crate::websocket::{
    decode::{Decoder, Message},
    frame::CloseCode,
    session::WebSockets,
    socket::{Dialect, Socket},
};
use bytes::BytesMut;
use podbell_hub::Ending;
use std::{io, ops::ControlFlow, sync::Arc};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
};

/// How a conversation ends: what the socket is closed with.
pub type End = (CloseCode, &'static str);

/// What a client has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'m> {
    /// A text message.
    Text(&'m str),
    /// A message that is no text.
    Binary,
    /// A message that is larger than is read. The conversation ends with it.
    TooLarge,
}

/// What is made of what a client says. Everything comes in order, one after the other.
pub trait Converse: Send + 'static {
    /// The socket is open.
    fn opened(&mut self) -> impl Future<Output = ControlFlow<End>> + Send;

    /// The client has said something.
    fn heard(&mut self, heard: Heard<'_>) -> impl Future<Output = ControlFlow<End>> + Send;

    /// Something that was heard has ended.
    fn ended(&mut self, key: LineKey, ending: Ending) -> impl Future<Output = ControlFlow<End>> + Send;
}

/// Cuts the connection when nobody serves it any more.
struct Cut(Arc<Socket>);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.cut();
    }
}

impl WebSockets {
    /// Converses on a stream whose opening has been answered with 101, until either side ends it; `held` lives as long.
    ///
    /// `early` is what the client sent after its opening.
    pub async fn converse<C: Converse, T>(
        self,
        stream: TcpStream,
        early: BytesMut,
        begin: impl FnOnce(Arc<Lines>) -> C,
        held: T,
    ) {
        let _held = held;
        let socket = Socket::open(stream, Dialect::Solid, &self.heart);
        let _cut = Cut(Arc::clone(&socket));
        let (endings, ended) = mpsc::unbounded_channel();
        let conversation = begin(Lines::new(Arc::clone(&socket), endings));
        let stop = self.stop.subscribe();
        let talk = Talk { socket: Arc::clone(&socket), conversation, decoder: None, limit: self.limit };
        let (code, reason) = match talk.go_on(early, ended, stop).await {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(()) => (CloseCode::NORMAL, ""),
        };
        socket.say_close(code, reason);
        // A socket that is closed with bytes unread would take back the close frame.
        let mut rest = vec![0; 4_096];
        while read(&socket, &mut rest).await.is_ok_and(|count| count > 0) {}
    }
}

async fn read(socket: &Socket, into: &mut [u8]) -> io::Result<usize> {
    loop {
        socket.stream().readable().await?;
        match socket.stream().try_read(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done,
        }
    }
}

struct Talk<C> {
    socket: Arc<Socket>,
    conversation: C,
    /// Only while part of a message is here.
    decoder: Option<Box<Decoder>>,
    limit: usize,
}

impl<C: Converse> Talk<C> {
    /// Dropped with what it hears when it is over.
    async fn go_on(
        mut self,
        early: BytesMut,
        mut ended: mpsc::UnboundedReceiver<(LineKey, Ending)>,
        mut stop: watch::Receiver<bool>,
    ) -> ControlFlow<End> {
        self.conversation.opened().await?;
        self.hear(&early).await?;
        drop(early);
        loop {
            let socket = Arc::clone(&self.socket);
            tokio::select! {
                biased;
                () = async { drop(stop.wait_for(|stop| *stop).await) } => {
                    return ControlFlow::Break(Dialect::Solid.close(Ending::Shutdown));
                }
                Some((key, ending)) = ended.recv() => self.conversation.ended(key, ending).await?,
                ready = socket.stream().readable() => {
                    if ready.is_err() {
                        return ControlFlow::Continue(());
                    }
                    let mut buffer = vec![0; 4_096];
                    match socket.stream().try_read(&mut buffer) {
                        Ok(0) => return ControlFlow::Continue(()),
                        Ok(read) => self.hear(&buffer[..read]).await?,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(_) => return ControlFlow::Continue(()),
                    }
                }
            }
        }
    }

    async fn hear(&mut self, mut input: &[u8]) -> ControlFlow<End> {
        let mut decoder = self.decoder.take().unwrap_or_else(|| Box::new(Decoder::new(self.limit)));
        loop {
            match decoder.next(&mut input) {
                Ok(None) => break,
                Ok(Some(message)) => {
                    self.socket.alive();
                    self.answer(message).await?;
                }
                Err(violation) => {
                    if violation.code == CloseCode::TOO_BIG {
                        self.conversation.heard(Heard::TooLarge).await?;
                    }
                    return ControlFlow::Break((violation.code, violation.rule));
                }
            }
        }
        self.decoder = (!decoder.is_between_messages()).then_some(decoder);
        ControlFlow::Continue(())
    }

    async fn answer(&mut self, message: Message) -> ControlFlow<End> {
        match message {
            Message::Text(text) => self.conversation.heard(Heard::Text(&text)).await,
            Message::Binary(_) => self.conversation.heard(Heard::Binary).await,
            Message::Ping(payload) => {
                self.socket.pong(&payload);
                ControlFlow::Continue(())
            }
            Message::Pong => ControlFlow::Continue(()),
            Message::Close(code) => ControlFlow::Break((code.unwrap_or(CloseCode::NORMAL), "")),
        }
    }
}
