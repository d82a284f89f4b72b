//! Access that is withdrawn, in every form and over every transport: what is committed after the answer is heard by
//! nobody who lost it, the connection says why it ends, whoever comes back from before hears nothing of it, and other
//! topics of the same channel go on. A socket of `solid-0.1` is told what is lost and stays open.

use super::{
    ears::{Ear, Listener, Told, Way},
    hooks::{Hook, LDN, WEBHOOK, told},
    issuer::Issuer,
    world::{ALICE, ANYBODY, Agent, BOB, WORLD, container, for_bob, head, public, unique, until},
};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use podbell_test_client::receiver::{Receiver, Reply};
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

const APP: &str = "https://app.example/id";
const OTHER: &str = "https://other.example/id";
/// How many seconds a receiver that refuses wants to be left alone.
const WAIT: &str = "8";
const VCARD: &str = "http://www.w3.org/2006/vcard/ns#";

/// A form of withdrawal.
struct Form<'a> {
    /// Who listens.
    who: Listener<'a>,
    /// The topic that is lost. It exists, and is read by who listens.
    lost: String,
    withdraw: Box<dyn Fn() + 'a>,
    /// The withdrawal ends the topic too, and that is told to who could read it.
    ends_topic: bool,
}

impl<'a> Form<'a> {
    fn new(who: impl Into<Listener<'a>>, lost: impl Into<String>, withdraw: impl Fn() + 'a) -> Self {
        Self { who: who.into(), lost: lost.into(), withdraw: Box::new(withdraw), ends_topic: false }
    }

    /// Everything, on every transport.
    fn holds(&self) {
        let kept = format!("{}kept", container(&unique("kept"), &public("acl:Read")));
        ALICE.put(&kept, "");
        let (lost, who) = (&*self.lost, self.who);
        let mut alone: Vec<_> = who.ways().map(|way| (way, who.listen(way, &[lost]))).collect();
        let with_others = who.ways().filter(|way| !way.is_standing());
        let mut beside: Vec<_> = with_others.map(|way| (way, who.listen(way, &[lost, &kept]))).collect();
        let pushed = who.agent.token.is_some().then(|| Pushed::new(who, lost, &kept));
        let cursor = who.agent.ask("HEAD", lost, &who.headers(), "");
        let cursor = cursor.header("podbell-cursor").unwrap_or_else(|| panic!("{cursor:?}")).to_owned();
        ALICE.put(lost, "<> a <#Seen> .");
        for (way, (_, ear)) in alone.iter_mut().chain(&mut beside) {
            assert_eq!(ear.told(), (way.word("Update").into(), lost.to_owned()), "{way:?}");
        }
        if let Some(pushed) = &pushed {
            pushed.told_before(lost);
        }
        (self.withdraw)();
        let waits = pushed.as_ref().is_some_and(Pushed::waits);
        if !self.ends_topic {
            ALICE.put(lost, "<> a <#Secret> .");
        }
        ALICE.put(&kept, "<> a <#Other> .");
        for (way, (place, mut ear)) in alone {
            self.has_ended(way, &mut ear);
            let seen = if way == Way::LwsEvents { ear.last.as_deref() } else { Some(&*cursor) };
            for since in [seen, None] {
                let refused = who.connect(way, &place, since).err();
                let expected: &[u16] = match way {
                    Way::Standing | Way::Http2Standing | Way::Solid01 | Way::UpdatesVia => &[401, 403],
                    // Tells an `EventSource` not to come again.
                    Way::Events | Way::Http2Events => &[204],
                    Way::LwsEvents if since.is_some() => &[204],
                    _ => &[404, 410],
                };
                assert!(refused.is_some_and(|status| expected.contains(&status)), "{way:?} came back: {refused:?}");
            }
            let anew = who.place(way, &[lost]).map(|place| who.connect(way, &place, None).err());
            let nowhere = self.ends_topic && way == Way::UpdatesVia && anew == Err(404);
            assert!(nowhere || matches!(anew, Err(401 | 403) | Ok(Some(401 | 403))), "{way:?} came anew: {anew:?}");
        }
        for (way, (place, mut ear)) in beside {
            let seen = if way == Way::LwsEvents { ear.last.clone() } else { Some(cursor.clone()) };
            self.goes_on(way, &mut ear, &kept);
            drop(ear);
            if way.opens_once() {
                assert!(who.connect(way, &place, None).is_err());
                assert!(matches!(who.place(way, &[lost, &kept]), Err(401 | 403)));
            } else if way.is_solid_0_1() {
                assert_eq!(who.connect(way, &place, None).err(), Some(403));
            } else {
                let mut ear =
                    who.connect(way, &place, seen.as_deref()).unwrap_or_else(|status| panic!("{way:?} {status}"));
                self.goes_on(way, &mut ear, &kept);
            }
        }
        if let Some(pushed) = &pushed {
            self.is_pushed_no_more(pushed, &kept, waits);
        }
    }

    /// The channel with no other topic is gone; the others tell of the other topic alone, also of what was owed before.
    #[track_caller]
    fn is_pushed_no_more(&self, pushed: &Pushed, kept: &str, waits: bool) {
        let agent = self.who.agent;
        pushed.alone.is_gone(agent);
        let may_be = |(kind, object): &(String, String)| {
            object == kept || self.ends_topic && kind == "Delete" && *object == self.lost
        };
        for hook in [&pushed.beside, &pushed.waiting] {
            hook.receiver.wait_until("the other topic", |all| all.iter().any(|one| told(one).1 == kept));
            hook.is_settled(agent);
        }
        let since = |hook: &Hook| hook.receiver.received().iter().skip(1).map(told).collect::<Vec<_>>();
        for hook in [&pushed.alone, &pushed.beside].into_iter().chain(waits.then_some(&pushed.waiting)) {
            let since = since(hook);
            assert!(since.iter().all(may_be), "{since:?}");
        }
    }

    /// The next of a connection with no other topic is its end, which says why.
    #[track_caller]
    fn has_ended(&self, way: Way, ear: &mut Ear) {
        let mut next = ear.next();
        let is_end = |told: &Told| told.kind == way.word("Delete") && told.object == self.lost;
        if self.ends_topic && next.as_ref().is_some_and(is_end) {
            next = ear.next();
        }
        assert!(next.is_none(), "{way:?} heard {next:?}");
        assert_eq!(ear.code, way.farewell(), "{way:?}");
    }

    /// The other topic is heard, and nothing of the lost one before it. `solid-0.1` says too that it is lost.
    #[track_caller]
    fn goes_on(&self, way: Way, ear: &mut Ear, kept: &str) {
        let mut owed = vec![(way.word("Update"), kept)];
        owed.extend(way.is_solid_0_1().then_some(("err", &*self.lost)));
        while !owed.is_empty() {
            let told = ear.next().unwrap_or_else(|| panic!("{way:?} has ended: {:?}", ear.code));
            let heard = (&*told.kind, &*told.object);
            if let Some(place) = owed.iter().position(|owed| *owed == heard) {
                owed.remove(place);
                continue;
            }
            match heard {
                // Another storage's cursor opens nothing once that storage is gone.
                ("urn:podbell:terms#Gap", _) if self.ends_topic => {}
                (word, object) if self.ends_topic && word == way.word("Delete") && object == self.lost => {}
                _ => panic!("{way:?} heard {told:?}"),
            }
        }
    }
}

/// Channels that push, and what they push to.
struct Pushed {
    /// On the topic that is lost.
    alone: Hook,
    /// On another topic too.
    beside: Hook,
    /// The same; its receiver refuses the first message, which is to come again.
    waiting: Hook,
}

impl Pushed {
    fn new(who: Listener<'_>, lost: &str, kept: &str) -> Self {
        let hook = |kind, topics: &[&str], receiver| Hook::by(who, kind, topics, receiver, &json!({}));
        let busy = |number, _: &_| match number {
            0 => Reply::with(400, "retry-after", WAIT),
            _ => Reply::status(204),
        };
        Self {
            alone: hook(WEBHOOK, &[lost], Receiver::willing().unwrap()),
            beside: hook(LDN, &[lost, kept], Receiver::willing().unwrap()),
            waiting: hook(WEBHOOK, &[lost, kept], Receiver::http(busy).unwrap()),
        }
    }

    #[track_caller]
    fn told_before(&self, lost: &str) {
        for hook in [&self.alone, &self.beside, &self.waiting] {
            assert_eq!(hook.told(1), [("Update".to_owned(), lost.to_owned())]);
        }
    }

    /// Whether it is too early still for what was refused to come again. On a machine that is too slow it is not.
    fn waits(&self) -> bool {
        self.waiting.receiver.received()[0].at.elapsed().as_secs() < WAIT.parse().unwrap()
    }
}

/// A container under these rules, and a document in it.
fn ruled(name: &str, other: &str) -> (String, String) {
    let at = container(name, other);
    let lost = format!("{at}lost");
    ALICE.put(&lost, "");
    (at, lost)
}

/// The rules of one document: alice everything, and what else is said of it.
fn own_rules(of: &str, other: &str) {
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>.\n\
         <#owner> a acl:Authorization; acl:agent <{}>; acl:accessTo <{of}>; acl:mode acl:Read, acl:Write, acl:Control .\n\
         <#other> a acl:Authorization; acl:accessTo <{of}>; {other} .",
        WORLD.webid("ALICE"),
        of = WORLD.url(of),
    );
    ALICE.put(&format!("{of}.acl"), &acl);
}

fn group(member: Option<&str>) -> String {
    let member = member.map(|member| format!("; <{VCARD}hasMember> <{member}>")).unwrap_or_default();
    format!("<#g> a <{VCARD}Group>{member} .")
}

/// S02, R-AUTH-1.
#[test]
fn t_z01_t_z02_t_z03_t_z04_the_grant_of_an_agent() {
    let (_, lost) = ruled("withdrawn-agent", "");
    own_rules(&lost, &for_bob("acl:Read"));
    let bob_writes = for_bob("acl:Write, acl:Append");
    Form::new(&*BOB, &*lost, || own_rules(&lost, &bob_writes)).holds();
}

#[test]
fn a_member_of_a_group_here() {
    let people = format!("{}people", container("withdrawn-people", ""));
    ALICE.put(&people, &group(Some(WORLD.webid("BOB"))));
    let (_, lost) = ruled("withdrawn-member", &format!("acl:agentGroup <{}#g>; acl:mode acl:Read", WORLD.url(&people)));
    Form::new(&*BOB, lost, || drop(ALICE.put(&people, &group(None)))).holds();
}

#[test]
fn a_group_that_is_deleted() {
    let people = format!("{}people", container("withdrawn-group", ""));
    ALICE.put(&people, &group(Some(WORLD.webid("BOB"))));
    let (_, lost) = ruled("withdrawn-with", &format!("acl:agentGroup <{}#g>; acl:mode acl:Read", WORLD.url(&people)));
    Form::new(&*BOB, lost, || assert_eq!(ALICE.ask("DELETE", &people, &[], "").status, 204)).holds();
}

#[test]
fn everybody_who_is_logged_in() {
    let (at, lost) = ruled("withdrawn-class", "acl:agentClass acl:AuthenticatedAgent; acl:mode acl:Read");
    Form::new(&*BOB, lost, || drop(ALICE.rules(&at, ""))).holds();
}

#[test]
fn the_public() {
    let (at, lost) = ruled("withdrawn-public", &public("acl:Read"));
    Form::new(&*ANYBODY, lost, || drop(ALICE.rules(&at, "acl:agentClass acl:AuthenticatedAgent; acl:mode acl:Read")))
        .holds();
}

#[test]
fn an_origin() {
    let rule = |origin: &str| format!("{}; acl:origin <{origin}>", for_bob("acl:Read"));
    let (at, lost) = ruled("withdrawn-origin", &rule("https://app.example"));
    let who = Listener { agent: &BOB, origin: Some("https://app.example") };
    Form::new(who, lost, || drop(ALICE.rules(&at, &rule("https://other.example")))).holds();
}

#[test]
fn a_client() {
    let issuer = Issuer::start();
    let card = format!("{}card", container("withdrawn-card", &public("acl:Read")));
    ALICE.put(&card, &format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{}> .", issuer.url));
    let webid = WORLD.url(&format!("{card}#me"));
    let (key, now) = (SigningKey::generate(Algorithm::Es256).unwrap(), Timestamp::now().as_second());
    let claims = json!({ "iss": issuer.url, "sub": webid, "webid": webid, "aud": "solid", "client_id": APP, "azp": APP,
        "iat": now, "exp": now + 300, "jti": unique("token"), "cnf": { "jkt": key.thumbprint() } });
    let carol = Agent { world: &WORLD, token: Some(issuer.key.sign_token("at+jwt", &claims).unwrap()), key };
    let rule = |client: &str| {
        format!(
            "acl:agent <{webid}>; acl:mode acl:Read; acl:condition [ a acl:ClientCondition; acl:client <{client}> ]"
        )
    };
    let (at, lost) = ruled("withdrawn-client", &rule(APP));
    Form::new(&carol, lost, || drop(ALICE.rules(&at, &rule(OTHER)))).holds();
}

#[test]
fn what_was_inherited_is_cut_by_rules_below() {
    let (at, _) = ruled("withdrawn-cut", &for_bob("acl:Read"));
    let lost = format!("{at}in/lost");
    ALICE.put(&lost, "");
    Form::new(&*BOB, lost, || drop(ALICE.rules(&format!("{at}in/"), ""))).holds();
}

#[test]
fn the_rules_of_a_container_far_above() {
    let (at, _) = ruled("withdrawn-above", &for_bob("acl:Read"));
    let lost = format!("{at}a/b/lost");
    ALICE.put(&lost, "");
    Form::new(&*BOB, lost, || drop(ALICE.rules(&at, ""))).holds();
}

#[test]
fn rules_that_are_deleted() {
    let (_, lost) = ruled("withdrawn-acl", "");
    own_rules(&lost, &for_bob("acl:Read"));
    Form::new(&*BOB, &*lost, || assert_eq!(ALICE.ask("DELETE", &format!("{lost}.acl"), &[], "").status, 204)).holds();
}

/// R-LIFE-7.
#[test]
fn t_q14_the_pod_is_deleted() {
    WORLD.pod(&["create", "gone", "--owner", WORLD.webid("ALICE")]);
    ALICE.rules("/gone/", &for_bob("acl:Read"));
    ALICE.put("/gone/lost", "");
    let delete = || WORLD.pod(&["delete", &WORLD.url("/gone/"), "--yes"]);
    let (bob, nobody_listens) = (Listener::from(&*BOB), [Way::WebSocket, Way::Events, Way::Lines]);
    let resting = nobody_listens.map(|way| (way, bob.place(way, &["/gone/lost"]).unwrap()));
    Form { ends_topic: true, ..Form::new(&*BOB, "/gone/lost", delete) }.holds();
    for (way, place) in resting {
        until("the channel has ended", || matches!(bob.connect(way, &place, None).err(), Some(204 | 410)));
    }
    // Whoever gets the name gets no listener.
    WORLD.pod(&["create", "gone", "--owner", WORLD.webid("ALICE")]);
    ALICE.rules("/gone/", &for_bob("acl:Read"));
    for way in nobody_listens {
        assert!(bob.place(way, &["/gone/lost"]).is_ok(), "a new pod has channels of its own");
    }
}

/// Within the bound that the storage description tells: the world's is a second.
#[test]
fn a_member_of_a_group_elsewhere() {
    let members = Arc::new(Mutex::new(group(Some(WORLD.webid("BOB")))));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}/group", listener.local_addr().unwrap().port());
    let served = Arc::clone(&members);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 4_096]);
            let _ = stream.read(&mut request);
            let body = served.lock().unwrap().clone();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/turtle\r\nconnection: close\r\ncontent-length";
            // Whoever asked may have gone.
            let _ = write!(stream, "{head}: {}\r\n\r\n{body}", body.len());
        }
    });
    let (_, lost) = ruled("withdrawn-elsewhere", &format!("acl:agentGroup <{url}#g>; acl:mode acl:Read"));
    let told = WORLD.raw(head("GET", "/alice/.well-known/solid", &[], None));
    assert!(told.text().contains("remoteGroupBound> \"PT1S\""), "{}", told.text());
    let withdraw = || {
        *members.lock().unwrap() = group(None);
        until("bob is no member", || BOB.get(&lost).status == 403);
    };
    Form::new(&*BOB, &*lost, withdraw).holds();
}
