//! Who may subscribe to what. The cases T-A.

use super::{
    credentials::{ISSUER, claims},
    discovery::DESCRIPTION,
    looking_after::all,
    services::{SERVICE, TYPE, asking, minimal, open, subscribe},
    world::{ALICE, ANYBODY, Agent, BOB, LD, Reply, WORLD, container, for_bob, public, unique},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use podbell_model::Timestamp;
use serde_json::json;

/// What is said, but for the name that was asked for.
fn words(told: &Reply, name: &str) -> (u16, String) {
    (told.status, told.text().replace(name, "*"))
}

/// R-REQ-7.
#[test]
fn t_a01_t_a02_t_a03_only_who_may_read_a_topic_subscribes_to_it() {
    let at = container("private-topic", &for_bob("acl:Read"));
    let closed = container("closed-topic", &for_bob("acl:Write, acl:Append"));
    for path in [format!("{at}p"), format!("{closed}p")] {
        ALICE.put(&path, "");
        // As a GET would tell, and with the same challenge.
        let told = subscribe(&ANYBODY, &path);
        assert_eq!(told.is_problem(401).header("www-authenticate"), ANYBODY.get(&path).header("www-authenticate"));
    }
    subscribe(&BOB, &format!("{closed}p")).is_problem(403);
    assert_eq!(subscribe(&BOB, &format!("{at}p")).status, 200);
    assert_eq!(subscribe(&ALICE, &format!("{at}p")).status, 200);
}

/// R-REQ-7.
#[test]
fn t_a04_one_topic_that_may_not_be_read_spoils_the_channel() {
    let (open, _) = open("spoilt");
    let closed = format!("{}p", container("spoiling", ""));
    ALICE.put(&closed, "");
    let topics = [WORLD.url(&open), WORLD.url(&closed)];
    for agent in [&*BOB, &*ANYBODY] {
        let status = if agent.token.is_some() { 403 } else { 401 };
        for topics in [json!([topics[0], topics[1]]), json!([topics[1], topics[0]])] {
            asking(agent, &open, &json!({ "topic": topics })).is_problem(status);
        }
    }
    let all = all(&ALICE, &format!("?storage={}", WORLD.url("/alice/")));
    assert!(!all.iter().any(|channel| channel["topic"].to_string().contains(&topics[0])), "nothing was made");
    assert_eq!(asking(&ALICE, &open, &json!({ "topic": topics })).status, 200);
}

/// R-REQ-7.
#[test]
fn t_a05_what_is_not_there_may_be_waited_for_by_who_could_read_it() {
    let at = container("awaited", &public("acl:Read"));
    let told = subscribe(&ANYBODY, &format!("{at}absent"));
    assert_eq!((told.status, &told.json()["topic"]), (200, &WORLD.url(&format!("{at}absent")).into()));
    assert_eq!(subscribe(&BOB, &format!("{at}absent/below/x")).status, 200);
}

/// R-REQ-7.
#[test]
fn t_a06_whether_something_is_there_is_not_told() {
    let at = container("existing", "");
    ALICE.put(&format!("{at}p"), "");
    for agent in [&*BOB, &*ANYBODY] {
        let status = if agent.token.is_some() { 403 } else { 401 };
        let there = words(&subscribe(agent, &format!("{at}p")), "existing/p");
        assert_eq!(there.0, status);
        for absent in ["q", "q/", "c/q", "q.acl", "p.acl"] {
            let told = subscribe(agent, &format!("{at}{absent}"));
            assert_eq!(words(&told, &format!("existing/{absent}")), there, "{absent}");
            assert_eq!(told.link(DESCRIPTION), None, "{told:?}");
        }
        for outside in ["/nobody/x", "/"] {
            assert_eq!(subscribe(agent, outside).status, status, "a topic outside every pod");
        }
    }
}

/// R-REQ-7.
#[test]
fn t_a07_rules_are_heard_of_by_who_controls_them() {
    let at = container("ruled-topic", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}r"), "");
    ALICE.put(&format!("{at}c/"), "");
    for path in ["r.acl", ".acl", "c/.acl", "absent.acl"] {
        subscribe(&BOB, &format!("{at}{path}")).is_problem(403);
        subscribe(&ANYBODY, &format!("{at}{path}")).is_problem(401);
        assert_eq!(subscribe(&ALICE, &format!("{at}{path}")).status, 200, "{path}");
    }
    asking(&BOB, &at, &json!({ "topic": [WORLD.url(&at), WORLD.url(&format!("{at}.acl"))] })).is_problem(403);
}

/// R-REQ-7: whom a rule names, and in which app, counts as it does for a GET; for streams without a subscription too.
#[test]
fn a_topic_is_open_to_whoever_may_get_it_and_to_nobody_else() {
    let app = "acl:origin <https://app.example>";
    for (number, rule) in [
        public("acl:Read"),
        "acl:agentClass acl:AuthenticatedAgent; acl:mode acl:Read".to_owned(),
        for_bob("acl:Read"),
        for_bob("acl:Control"),
        for_bob("acl:Write, acl:Append"),
        format!("{}; {app}", for_bob("acl:Read")),
        format!("acl:agentClass acl:AuthenticatedAgent; acl:mode acl:Read; {app}"),
    ]
    .iter()
    .enumerate()
    {
        let at = container(&format!("as-a-get-{number}"), rule);
        ALICE.put(&format!("{at}r"), "");
        for topic in ["r", "", "absent", "r.acl", "r.meta", "absent.meta"].map(|name| format!("{at}{name}")) {
            let stream = utf8_percent_encode(&WORLD.url(&topic), NON_ALPHANUMERIC).to_string();
            let stream = format!("/.notifications/EventSourceChannel2023/{stream}");
            for agent in [&*ALICE, &*BOB, &*ANYBODY] {
                for page in [None, Some("https://app.example"), Some("https://evil.example")] {
                    let origin: Vec<_> = page.map(|page| ("origin", page)).into_iter().collect();
                    let status = match agent.ask("GET", &topic, &origin, "").status {
                        // It might be there, for all that the rules say.
                        404 => 200,
                        status => status,
                    };
                    let who = format!("{rule}: {topic} from {page:?}, {:?}", agent.token.is_some());
                    assert_eq!(agent.ask("HEAD", &stream, &origin, "").status, status, "{who}");
                    // How often strangers may ask is limited.
                    if agent.token.is_some() || page.is_none() && topic.ends_with('r') {
                        let headers: Vec<_> = [LD].into_iter().chain(origin).collect();
                        let told = agent.ask("POST", SERVICE, &headers, minimal(&WORLD.url(&topic)).to_string());
                        assert_eq!(told.status, status, "{who}: {told:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn t_a09_a_token_that_has_ended_and_a_proof_that_was_used_are_401() {
    let (path, body) = open("ended-token");
    let ask = |token: &str, proof: &str| {
        let headers = [LD, ("authorization", &format!("DPoP {token}")), ("dpop", proof)];
        ANYBODY.ask("POST", SERVICE, &headers, body.to_string())
    };
    let prove = |agent: &Agent| {
        agent.key.prove("POST", &WORLD.url(SERVICE), &unique("subscribing"), Timestamp::now(), None).unwrap()
    };
    let sign = |age: i64| {
        let token = claims(|claims| claims["exp"] = (claims["exp"].as_i64().unwrap() - age).into());
        ISSUER.0.key.sign_token("at+jwt", &token).unwrap()
    };
    assert_eq!(ask(&sign(0), &prove(&ANYBODY)).status, 200, "an issuer that the profile names");
    ask(&sign(1_000), &prove(&ANYBODY)).is_problem(401);
    let (token, once) = (BOB.token.as_ref().unwrap(), prove(&BOB));
    assert_eq!(ask(token, &once).status, 200);
    ask(token, &once).is_problem(401);
    assert_eq!(subscribe(&ANYBODY, &path).status, 200, "without them it would have been made");
}

#[test]
fn t_a10_a_token_of_another_key_is_401() {
    let (_, body) = open("other-key");
    let proof = ANYBODY.key.prove("POST", &WORLD.url(SERVICE), &unique("other"), Timestamp::now(), None).unwrap();
    let bound = format!("DPoP {}", BOB.token.as_ref().unwrap());
    for headers in [&[LD, ("authorization", &*bound), ("dpop", &*proof)][..], &[LD, ("authorization", &*bound)]] {
        ANYBODY.ask("POST", SERVICE, headers, body.to_string()).is_problem(401);
    }
}

/// R-REQ-3: what is wrong with the words of a request is told before who may read what it names.
#[test]
fn a_request_is_read_before_its_topics_are_judged() {
    let at = format!("{}p", container("unjudged", ""));
    asking(&BOB, &at, &json!({ "rate": "never" })).is_problem(422);
    asking(&BOB, &at, &json!({})).is_problem(403);
    let junk = ANYBODY.ask("POST", SERVICE, &[LD, ("authorization", "DPoP junk")], minimal(TYPE).to_string());
    junk.is_problem(401);
}
