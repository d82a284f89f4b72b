//! The table of outcomes, against real receivers, by the guarded client.

use super::{
    receiver::{Answers, Receiver},
    world::World,
};
use crate::push::{Outcome, Queue as _, Settings};
use std::time::Duration;
use tokio::net::TcpListener;

/// What becomes of the delivery and its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delivered,
    /// Tried again, not before so many seconds.
    Again(i64),
    Ended,
}

#[tokio::test]
async fn what_becomes_of_a_delivery_is_a_table() {
    use {Answers::*, Fate::*, Outcome::*};
    let settings = Settings { timeout: Duration::from_millis(500), ..Settings::default() };
    for (answers, outcome, fate) in [
        (Head("200 OK"), Some(Acknowledged(200)), Delivered),
        (Head("201 Created"), Some(Acknowledged(201)), Delivered),
        (Head("202 Accepted"), Some(Acknowledged(202)), Delivered),
        (Head("204 No Content"), Some(Acknowledged(204)), Delivered),
        (Endless("200 OK"), Some(Acknowledged(200)), Delivered),
        (Head("301 Moved Permanently\r\nlocation: /elsewhere"), Some(Refused(301)), Again(5)),
        (Head("307 Temporary Redirect\r\nlocation: /elsewhere"), Some(Refused(307)), Again(5)),
        (Head("400 Bad Request"), Some(Refused(400)), Again(5)),
        (Head("401 Unauthorized"), Some(Refused(401)), Again(5)),
        (Head("403 Forbidden"), Some(Refused(403)), Again(5)),
        (Head("404 Not Found"), Some(Refused(404)), Again(5)),
        (Head("410 Gone"), None, Ended),
        (Head("413 Content Too Large"), Some(Refused(413)), Again(5)),
        (Head("429 Too Many Requests"), Some(Refused(429)), Again(5)),
        (Head("429 Too Many Requests\r\nretry-after: 900"), Some(Refused(429)), Again(900)),
        (Head("429 Too Many Requests\r\nretry-after: Thu, 01 Jan 1970 01:00:00 GMT"), Some(Refused(429)), Again(3_600)),
        (Head("503 Service Unavailable\r\nretry-after: 999999999"), Some(Refused(503)), Again(86_400)),
        (Head("500 Internal Server Error"), Some(Refused(500)), Again(5)),
        (Endless("500 Internal Server Error"), Some(Refused(500)), Again(5)),
        (Head("502 Bad Gateway"), Some(Refused(502)), Again(5)),
        (Head("504 Gateway Timeout"), Some(Refused(504)), Again(5)),
        (Drips("200 OK"), Some(TimedOut), Again(5)),
        (Hangs, Some(TimedOut), Again(5)),
        (ClosesEarly, Some(Unreachable), Again(5)),
        (Slams, Some(Unreachable), Again(5)),
        (Babbles, Some(Unreachable), Again(5)),
    ] {
        let (world, receiver) = (World::with_network(settings.clone()), Receiver::start(answers).await);
        let channel = world.channel(&receiver.url);
        let id = world.owe(&channel, "https://pod.example/a", "{}");
        world.until(|world| world.queue.due(id).is_none() || world.queue.tried(id) == Some(1)).await;
        let attempts = world.queue.attempts(channel.id, 9).await.unwrap();
        assert_eq!(attempts.first().map(|(_, attempt)| attempt.outcome), outcome, "{answers:?}");
        let found = match world.queue.due(id) {
            Some(due) => Again(due.as_second()),
            None if world.queue.has(channel.id) => Delivered,
            None => Ended,
        };
        assert_eq!(found, fate, "{answers:?}");
        assert_eq!(receiver.bodies.lock().len(), usize::from(!matches!(answers, Slams)), "one request: {answers:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_reached_is_not_reached() {
    let world = World::with_network(Settings::default());
    for url in
        ["http://192.0.2.1/", "https://10.0.0.1/", "https://169.254.169.254/latest", "no URL", "ftp://127.0.0.1/"]
    {
        let channel = world.channel(url);
        let id = world.owe(&channel, "https://pod.example/a", "{}");
        world.until(|world| world.queue.tried(id) == Some(1)).await;
        let attempts = world.queue.attempts(channel.id, 9).await.unwrap();
        assert_eq!(attempts[0].1.outcome, Outcome::Forbidden, "{url}");
    }
}

#[tokio::test]
async fn a_receiver_that_was_down_for_an_hour_gets_everything_in_order() {
    let world = World::with_network(Settings { timeout: Duration::from_millis(500), ..Settings::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let channel = world.channel(&format!("http://{address}/hook?key=1"));
    for number in 0..12 {
        world.owe(&channel, &format!("https://pod.example/{}", number % 3), &format!("{} {number}", number % 3));
    }
    for _ in 0..12 {
        world.quiet().await;
        world.pass(Duration::from_mins(5));
    }
    world.quiet().await;
    assert_eq!((world.courier.counts().acknowledged, world.queue.pending()), (0, 12));
    let receiver = Receiver::on(TcpListener::bind(address).await.unwrap(), Answers::Head("204 No Content"));
    for _ in 0..20 {
        world.pass(Duration::from_hours(1));
        world.quiet().await;
    }
    world.until(|world| world.queue.pending() == 0).await;
    let bodies = receiver.bodies.lock().clone();
    assert_eq!(bodies.len(), 12);
    for object in 0..3 {
        let of: Vec<_> = bodies.iter().filter_map(|body| body.strip_prefix(&format!("{object} "))).collect();
        let numbers: Vec<usize> = of.iter().map(|number| number.parse().unwrap()).collect();
        assert!(numbers.len() == 4 && numbers.is_sorted(), "{bodies:?}");
    }
}
