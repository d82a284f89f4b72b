use super::*;
use crate::heart::Beating as _;
use podbell_hub::Outlet as _;
use std::io::{self, IoSlice};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

async fn pair() -> (Arc<Socket>, TcpStream, Arc<Heart>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let heart = Arc::new(Heart::default());
    stream.writable().await.unwrap();
    (Socket::open(stream, Dialect::Solid, &heart), client, heart)
}

/// Fills the socket with frames until it takes no more; returns what is left of the last one.
fn fill(socket: &Socket) -> Vec<u8> {
    let part = frame::frame(Opcode::Text, &vec![b'x'; 50_000]);
    loop {
        match socket.try_write(&[IoSlice::new(&part)]) {
            Ok(written) if written < part.len() => return part[written..].to_vec(),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                return Vec::new();
            }
        }
    }
}

#[tokio::test]
async fn frames_go_out_in_one_write() {
    let (socket, mut client, _heart) = pair().await;
    let written = socket.try_write(&[IoSlice::new(b"\x81\x01a"), IoSlice::new(b"\x81\x01b")]).unwrap();
    assert_eq!(written, 6);
    let mut read = [0; 6];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"\x81\x01a\x81\x01b");
}

#[tokio::test]
async fn a_ping_waits_for_the_end_of_a_frame_that_is_partly_out() {
    let (socket, mut client, _heart) = pair().await;
    let rest = fill(&socket);
    assert!(!rest.is_empty(), "the kernel split a frame");
    socket.beat();
    assert_eq!(socket.waiting(), b"\x89\x00");
    let (told, mut is_told) = tokio::sync::mpsc::unbounded_channel();
    socket.on_room(Box::new(move || told.send(()).unwrap()));
    socket.wake_when_writable();
    let reader = tokio::spawn(async move {
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        all
    });
    let mut left = rest.as_slice();
    while !left.is_empty() {
        is_told.recv().await.unwrap();
        match socket.try_write(&[IoSlice::new(left)]) {
            Ok(written) => left = &left[written..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        socket.wake_when_writable();
    }
    while !socket.waiting().is_empty() {
        is_told.recv().await.unwrap();
    }
    socket.cut();
    let all = reader.await.unwrap();
    assert_eq!(&all[all.len() - 2..], b"\x89\x00");
    assert_eq!((all.len() - 2) % 50_004, 0, "no ping inside a frame");
}

#[tokio::test]
async fn nothing_follows_a_close() {
    let (socket, mut client, _heart) = pair().await;
    socket.close(Ending::Forbidden, false);
    assert!(socket.try_write(&[IoSlice::new(b"\x81\x01a")]).is_err());
    socket.beat();
    let mut read = [0; 4];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(u16::from_be_bytes([read[2], read[3]]), 4403);
}

#[tokio::test]
async fn a_frame_cut_by_a_lost_grant_ends_the_connection_without_a_word() {
    let (socket, mut client, _heart) = pair().await;
    let rest = fill(&socket);
    assert!(!rest.is_empty());
    socket.close(Ending::Forbidden, true);
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    assert_ne!(all.len() % 50_004, 0);
}

#[tokio::test]
async fn two_missed_heartbeats_end_a_socket_and_a_sign_of_life_does_not() {
    let (socket, mut client, _heart) = pair().await;
    socket.beat();
    socket.beat();
    socket.alive();
    socket.beat();
    socket.beat();
    client.write_all(b"x").await.unwrap();
    socket.beat();
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, [0x89, 0].repeat(4));
}
