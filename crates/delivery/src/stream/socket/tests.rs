use super::*;
use crate::{heart::Beating as _, testing::soon};
use podbell_hub::Outlet as _;
use std::io::{ErrorKind, IoSlice};
use tokio::{io::AsyncReadExt, net::TcpListener};

async fn pair(kind: Kind) -> (Arc<Socket>, TcpStream, Arc<Heart>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let heart = Arc::new(Heart::default());
    stream.writable().await.unwrap();
    (Socket::open(stream, kind, &heart), client, heart)
}

const LOUD: Kind = Kind::Stream { heartbeat: true };

async fn all(mut client: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    soon(client.read_to_end(&mut all)).await.unwrap();
    all
}

/// Fills the socket with documents until it takes no more; returns what is left of the last one.
fn fill(socket: &Socket) -> Vec<u8> {
    let part = [vec![b'x'; 50_000], b"\n".to_vec()].concat();
    loop {
        match socket.try_write(&[IoSlice::new(&part)]) {
            Ok(written) if written < part.len() => return part[written..].to_vec(),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return Vec::new();
            }
        }
    }
}

#[tokio::test]
async fn events_begin_with_the_time_to_wait_and_beat_by_comments() {
    let (socket, client, _heart) = pair(Kind::Events).await;
    socket.beat();
    assert_eq!(socket.try_write(&[IoSlice::new(b"data: a\n\n"), IoSlice::new(b"data: b\n\n")]).unwrap(), 18);
    socket.beat();
    socket.close(Ending::Expired, false);
    assert_eq!(all(client).await, b"retry: 3000\n\n:\n\ndata: a\n\ndata: b\n\n:\n\n");
}

/// R-SH-3.
#[tokio::test]
async fn documents_go_out_one_by_one() {
    let (socket, client, _heart) = pair(Kind::Stream { heartbeat: false }).await;
    assert_eq!(socket.try_write(&[IoSlice::new(b"a\n"), IoSlice::new(b"b\n")]).unwrap(), 2);
    assert_eq!(socket.try_write(&[IoSlice::new(b"b\n")]).unwrap(), 2);
    socket.close(Ending::Expired, false);
    assert_eq!(all(client).await, b"a\nb\n");
}

#[tokio::test]
async fn a_stream_of_documents_beats_only_where_that_was_asked_for() {
    for (heartbeat, expected) in [(false, &b"a\nb\n"[..]), (true, b"\na\n\nb\n\n")] {
        let (socket, client, _heart) = pair(Kind::Stream { heartbeat }).await;
        socket.beat();
        socket.try_write(&[IoSlice::new(b"a\n")]).unwrap();
        socket.beat();
        socket.try_write(&[IoSlice::new(b"b\n")]).unwrap();
        socket.beat();
        socket.close(Ending::Expired, false);
        assert_eq!(all(client).await, expected);
    }
}

#[tokio::test]
async fn a_stream_in_chunks_tells_whether_it_is_whole() {
    for (mid_frame, expected) in [(false, &b"2\r\na\n\r\n0\r\n\r\n"[..]), (true, b"2\r\na\n\r\n")] {
        let (socket, client, _heart) = pair(Kind::Chunks).await;
        socket.beat();
        socket.try_write(&[IoSlice::new(b"2\r\na\n\r\n")]).unwrap();
        socket.close(Ending::Forbidden, mid_frame);
        assert_eq!(all(client).await, expected);
    }
}

#[tokio::test]
async fn a_beat_is_never_inside_a_document_and_is_skipped_where_there_is_no_room() {
    let (socket, client, _heart) = pair(LOUD).await;
    let rest = fill(&socket);
    assert!(!rest.is_empty(), "the kernel split a document");
    socket.beat();
    assert!(socket.waiting().is_empty(), "it does not wait");
    let (told, mut is_told) = tokio::sync::mpsc::unbounded_channel();
    socket.on_room(Box::new(move || told.send(()).unwrap()));
    socket.wake_when_writable();
    let reader = tokio::spawn(all(client));
    let mut left = rest.as_slice();
    while !left.is_empty() {
        soon(is_told.recv()).await.unwrap();
        socket.beat();
        match socket.try_write(&[IoSlice::new(left)]) {
            Ok(written) => left = &left[written..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        socket.wake_when_writable();
    }
    socket.close(Ending::Shutdown, false);
    let all = reader.await.unwrap();
    assert!(all.len() > 50_001 && all.len().is_multiple_of(50_001), "whole documents and no beat");
    assert!(all.chunks(50_001).all(|document| document.iter().position(|byte| *byte == b'\n') == Some(50_000)));
}

#[tokio::test]
async fn nothing_follows_the_end() {
    let (socket, client, _heart) = pair(LOUD).await;
    socket.try_write(&[IoSlice::new(b"a\n")]).unwrap();
    socket.close(Ending::Forbidden, false);
    assert!(socket.try_write(&[IoSlice::new(b"b\n")]).is_err());
    socket.beat();
    assert_eq!(all(client).await, b"a\n");
}

#[tokio::test]
async fn a_document_cut_by_a_lost_grant_is_not_continued() {
    let (socket, client, _heart) = pair(LOUD).await;
    let rest = fill(&socket);
    assert!(!rest.is_empty());
    socket.close(Ending::Forbidden, true);
    assert!(socket.try_write(&[IoSlice::new(&rest)]).is_err());
    assert_ne!(all(client).await.len() % 50_001, 0);
}

#[tokio::test]
async fn a_peer_that_has_gone_is_looked_for() {
    let (socket, _client, _heart) = pair(LOUD).await;
    let socket = SockRef::from(socket.stream());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_mins(1));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(15));
}
