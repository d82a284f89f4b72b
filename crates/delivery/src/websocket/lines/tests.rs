use super::*;
use crate::{
    heart::Heart,
    websocket::{session::WebSockets, socket::Dialect},
};
use bytes::BytesMut;
use podbell_hub::Outlet as _;
use podbell_wire::solid_0_1::MARK;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const URI: &str = "https://pod.example/a";
const PATIENCE: Duration = Duration::from_secs(20);

async fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let stream = listener.accept().await.unwrap().0;
    stream.writable().await.unwrap();
    (stream, client)
}

struct Bench {
    lines: Arc<Lines>,
    client: TcpStream,
    ended: mpsc::UnboundedReceiver<(LineKey, Ending)>,
    _heart: Arc<Heart>,
}

async fn bench() -> Bench {
    let (stream, client) = streams().await;
    let heart = Arc::new(Heart::default());
    let (endings, ended) = mpsc::unbounded_channel();
    let lines = Lines::new(Socket::open(stream, Dialect::Solid, &heart), endings);
    Bench { lines, client, ended, _heart: heart }
}

fn line(lines: &Arc<Lines>, number: u64, uri: &str) -> Arc<Line> {
    let line = Line::new(LineKey(number), uri, Arc::clone(lines));
    line.open();
    line
}

/// Writes marks one by one until there is no room; how many.
fn fill(line: &Line) -> usize {
    let mut filled = 0;
    while line.try_write(&[IoSlice::new(MARK)]).is_ok() {
        filled += 1;
    }
    filled
}

/// What a server has sent: texts, and the code of a close frame. Frames that are not whole are an error.
fn texts(mut bytes: &[u8]) -> (Vec<String>, Option<u16>) {
    let (mut texts, mut code) = (Vec::new(), None);
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match *length {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            length => (usize::from(length), rest),
        };
        let (payload, rest) = rest.split_at(length);
        match first {
            0x81 => texts.push(String::from_utf8(payload.to_vec()).unwrap()),
            0x88 => code = Some(u16::from_be_bytes([payload[0], payload[1]])),
            0x89 | 0x8a => {}
            other => panic!("{other:#x}"),
        }
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame");
    (texts, code)
}

async fn all(client: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    tokio::time::timeout(PATIENCE, client.read_to_end(&mut all)).await.unwrap().unwrap();
    all
}

#[tokio::test]
async fn each_mark_is_one_line() {
    let mut bench = bench().await;
    let line = line(&bench.lines, 0, URI);
    let marks = [IoSlice::new(MARK), IoSlice::new(MARK), IoSlice::new(MARK)];
    assert_eq!(line.try_write(&marks).unwrap(), 3 * MARK.len());
    bench.lines.socket.finish(b"");
    assert_eq!(texts(&all(&mut bench.client).await).0, vec![format!("pub {URI}"); 3]);
}

#[tokio::test]
async fn nothing_is_told_before_it_is_opened() {
    let bench = bench().await;
    let line = Line::new(LineKey(0), URI, Arc::clone(&bench.lines));
    assert_eq!(line.try_write(&[IoSlice::new(MARK)]).unwrap_err().kind(), ErrorKind::WouldBlock);
    line.wake_when_writable();
    assert!(bench.lines.waiting.lock().is_empty(), "it does not turn round and round");
    line.open();
    assert!(line.try_write(&[IoSlice::new(MARK)]).is_ok());
}

#[tokio::test]
async fn whole_lines_alone_go_out_though_several_wait_for_room() {
    let mut bench = bench().await;
    let long = format!("{URI}/{}", "x".repeat(2_000));
    let (one, two) = (line(&bench.lines, 1, &long), line(&bench.lines, 2, URI));
    let filled = fill(&one);
    assert_eq!(two.try_write(&[IoSlice::new(MARK)]).unwrap_err().kind(), ErrorKind::WouldBlock);
    for waits in [&one, &two] {
        waits.wake_when_writable();
        waits.wake_when_writable();
    }
    assert_eq!(bench.lines.waiting.lock().len(), 2, "each waits once");
    let room = bench.lines.room.notified();
    let reader = tokio::spawn(async move { all(&mut bench.client).await });
    tokio::time::timeout(PATIENCE, room).await.unwrap();
    let mut late = 0;
    while late < 3 {
        match two.try_write(&[IoSlice::new(MARK)]) {
            Ok(_) => late += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                tokio::task::yield_now().await;
            }
        }
    }
    let bye = tokio::time::timeout(PATIENCE, bench.lines.say(Says::Pong("last"))).await.unwrap();
    assert!(bye.is_continue());
    bench.lines.socket.finish(b"");
    let (told, _) = texts(&reader.await.unwrap());
    assert_eq!(told.len(), filled + 4);
    assert!(told[..filled].iter().all(|told| *told == format!("pub {long}")));
    assert!(told[filled..filled + 3].iter().all(|told| *told == format!("pub {URI}")));
    assert_eq!(told[filled + 3], "pong last");
}

#[tokio::test]
async fn what_is_said_to_one_who_does_not_read_waits_and_ends_with_the_socket() {
    let bench = bench().await;
    let line = line(&bench.lines, 1, URI);
    fill(&line);
    let lines = Arc::clone(&bench.lines);
    let saying = tokio::spawn(async move {
        loop {
            if lines.say(Says::Ack(URI)).await.is_break() {
                return;
            }
        }
    });
    bench.lines.socket.cut();
    tokio::time::timeout(PATIENCE, saying).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_ending_of_one_topic_leaves_the_socket_and_one_of_all_closes_it() {
    let mut bench = bench().await;
    let line = line(&bench.lines, 7, URI);
    line.close(Ending::Forbidden, false);
    assert_eq!(bench.ended.recv().await, Some((LineKey(7), Ending::Forbidden)));
    assert!(line.try_write(&[IoSlice::new(MARK)]).is_ok());
    line.close(Ending::Overload, false);
    assert_eq!(line.try_write(&[IoSlice::new(MARK)]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(texts(&all(&mut bench.client).await), (vec![format!("pub {URI}")], Some(1013)));
}

/// Says again what it hears, after a while.
struct Echo(Arc<Lines>);

impl Converse for Echo {
    async fn opened(&mut self) -> ControlFlow<End> {
        self.0.say(Says::Protocol).await
    }

    async fn heard(&mut self, heard: Heard<'_>) -> ControlFlow<End> {
        match heard {
            Heard::Text(text) => {
                tokio::task::yield_now().await;
                self.0.say(Says::Pong(text)).await
            }
            Heard::Binary => self.0.say(Says::Warning("binary")).await,
            Heard::TooLarge => self.0.say(Says::Error("large")).await,
        }
    }

    async fn ended(&mut self, _: LineKey, _: Ending) -> ControlFlow<End> {
        ControlFlow::Continue(())
    }
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0], payload].concat()
}

async fn conversation(limit: usize) -> (WebSockets, TcpStream, tokio::task::JoinHandle<()>) {
    let (stream, client) = streams().await;
    let sockets = WebSockets::start(Duration::from_mins(1), limit);
    let early = BytesMut::from(&masked(0x81, b"early")[..]);
    let served = tokio::spawn(sockets.clone().converse(stream, early, Echo, ()));
    (sockets, client, served)
}

#[tokio::test]
async fn what_is_said_is_answered_in_order_and_goodbye_with_goodbye() {
    let (_sockets, mut client, served) = conversation(100).await;
    let mut said = Vec::new();
    for number in 0..50 {
        said.extend(masked(0x81, format!("{number}").as_bytes()));
    }
    said.extend(masked(0x82, b"b"));
    said.extend(masked(0x88, &1000_u16.to_be_bytes()));
    for part in said.chunks(7) {
        client.write_all(part).await.unwrap();
    }
    let (told, code) = texts(&all(&mut client).await);
    let mut expected = vec!["protocol solid-0.1".to_owned(), "pong early".to_owned()];
    expected.extend((0..50).map(|number| format!("pong {number}")));
    expected.push("warning binary".to_owned());
    assert_eq!((told, code), (expected, Some(1000)));
    drop(client);
    tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_message_that_is_too_large_is_an_error_and_the_end() {
    let (_sockets, mut client, _served) = conversation(10).await;
    client.write_all(&masked(0x81, b"more than ten")).await.unwrap();
    let (told, code) = texts(&all(&mut client).await);
    assert_eq!((told.last().map(String::as_str), code), (Some("error large"), Some(1009)));
}

#[tokio::test]
async fn a_conversation_about_nothing_hears_that_the_server_stops() {
    let (sockets, mut client, served) = conversation(100).await;
    sockets.stop();
    let (_, code) = texts(&all(&mut client).await);
    assert_eq!(code, Some(1001));
    drop(client);
    tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_says_more_than_it_reads_waits_for_itself() {
    let (_sockets, mut client, _served) = conversation(1_000).await;
    let long = masked(0x81, &[b'x'; 120]);
    // More than fits into all buffers between the two.
    let mut stuck = false;
    for _ in 0..1_000_000 {
        if tokio::time::timeout(Duration::from_millis(200), client.write_all(&long)).await.is_err() {
            stuck = true;
            break;
        }
    }
    assert!(stuck, "it is made to wait");
}
