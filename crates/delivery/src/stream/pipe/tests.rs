use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn pipe(kind: Kind) -> (Arc<Pipe>, Arc<Woken>, Waker) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    (Pipe::open(kind, &Heart::default()), woken, waker)
}

const LOUD: Kind = Kind::Stream { heartbeat: true };

#[track_caller]
fn taken(pipe: &Pipe, waker: &Waker) -> Option<Bytes> {
    match pipe.ask(waker) {
        Asked::Answer(Poll::Ready(piece)) => piece.map(Result::unwrap),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_asked(pipe: &Pipe, waker: &Waker) {
    assert!(matches!(pipe.ask(waker), Asked::Answer(Poll::Pending)));
}

#[track_caller]
fn is_refused(pipe: &Pipe, bytes: &[u8], kind: io::ErrorKind) {
    assert_eq!(pipe.try_write(&[IoSlice::new(bytes)]).unwrap_err().kind(), kind);
}

#[test]
fn nothing_is_handed_over_before_it_is_asked_for() {
    let (pipe, woken, waker) = pipe(LOUD);
    is_refused(&pipe, b"a\n", io::ErrorKind::WouldBlock);
    pipe.beat();
    is_asked(&pipe, &waker);
    assert_eq!(pipe.try_write(&[IoSlice::new(b"a\n")]).unwrap(), 2);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    is_refused(&pipe, b"b\n", io::ErrorKind::WouldBlock);
    pipe.beat();
    assert_eq!(&taken(&pipe, &waker).unwrap()[..], b"a\n");
    is_refused(&pipe, b"b\n", io::ErrorKind::WouldBlock);
    is_asked(&pipe, &waker);
    pipe.beat();
    assert_eq!(&taken(&pipe, &waker).unwrap()[..], b"\n");
}

#[test]
fn the_hub_is_told_once_when_it_waits_and_the_server_asks() {
    let (pipe, woken, waker) = pipe(LOUD);
    pipe.wake_when_writable();
    assert!(matches!(pipe.ask(&waker), Asked::Tell));
    is_asked(&pipe, &waker);
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    // The server had asked already: it is made to ask again.
    pipe.wake_when_writable();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(matches!(pipe.ask(&waker), Asked::Tell));
}

#[test]
fn a_beat_is_never_inside_a_notification() {
    let (pipe, _, waker) = pipe(Kind::Events);
    assert_eq!(&taken(&pipe, &waker).unwrap()[..], b"retry: 3000\n\n");
    is_asked(&pipe, &waker);
    let large = vec![b'x'; PIECE + 10];
    assert_eq!(pipe.try_write(&[IoSlice::new(&large)]).unwrap(), PIECE);
    assert_eq!(taken(&pipe, &waker).unwrap().len(), PIECE);
    is_asked(&pipe, &waker);
    pipe.beat();
    is_asked(&pipe, &waker);
    assert_eq!(pipe.try_write(&[IoSlice::new(&large[PIECE..])]).unwrap(), 10);
    assert_eq!(taken(&pipe, &waker).unwrap().len(), 10);
    is_asked(&pipe, &waker);
    pipe.beat();
    assert_eq!(&taken(&pipe, &waker).unwrap()[..], b":\n\n");
}

#[test]
fn events_go_together_and_documents_alone() {
    let parts = [IoSlice::new(b"a\n\n"), IoSlice::new(b"b\n\n")];
    for (kind, together) in [(Kind::Events, 6), (LOUD, 3)] {
        let (pipe, _, waker) = pipe(kind);
        if kind == Kind::Events {
            taken(&pipe, &waker).unwrap();
        }
        is_asked(&pipe, &waker);
        assert_eq!(pipe.try_write(&parts).unwrap(), together);
        assert_eq!(taken(&pipe, &waker).unwrap().len(), together);
    }
}

#[test]
fn an_end_follows_what_was_handed_over() {
    let (pipe, woken, waker) = pipe(LOUD);
    is_asked(&pipe, &waker);
    pipe.try_write(&[IoSlice::new(b"a\n")]).unwrap();
    pipe.close(Ending::Expired, false);
    assert!(!pipe.is_over());
    assert_eq!(&taken(&pipe, &waker).unwrap()[..], b"a\n");
    assert!(pipe.is_over() && taken(&pipe, &waker).is_none());
    is_refused(&pipe, b"b\n", io::ErrorKind::BrokenPipe);
    pipe.beat();
    assert!(taken(&pipe, &waker).is_none());
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

#[test]
fn an_end_wakes_a_server_that_waits() {
    let (pipe, woken, waker) = pipe(LOUD);
    is_asked(&pipe, &waker);
    pipe.close(Ending::Shutdown, false);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(taken(&pipe, &waker).is_none());
}

#[test]
fn of_a_notification_that_may_not_be_finished_no_more_goes_out() {
    let (pipe, _, waker) = pipe(LOUD);
    is_asked(&pipe, &waker);
    pipe.try_write(&[IoSlice::new(&vec![b'x'; PIECE * 2])]).unwrap();
    pipe.close(Ending::Forbidden, true);
    assert!(!pipe.is_over());
    is_cut(&pipe, &waker);
}

#[test]
fn a_stream_that_ends_inside_a_notification_is_cut_and_not_ended() {
    let (pipe, _, waker) = pipe(LOUD);
    is_asked(&pipe, &waker);
    pipe.try_write(&[IoSlice::new(&vec![b'x'; PIECE * 2])]).unwrap();
    assert_eq!(taken(&pipe, &waker).unwrap().len(), PIECE);
    Beating::cut(&*pipe);
    is_cut(&pipe, &waker);
}

#[track_caller]
fn is_cut(pipe: &Pipe, waker: &Waker) {
    assert!(matches!(pipe.ask(waker), Asked::Answer(Poll::Ready(Some(Err(CutShort))))));
    assert!(pipe.is_over() && taken(pipe, waker).is_none());
}
