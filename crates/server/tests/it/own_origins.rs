//! Discovery and subscription where each pod has an origin of its own.

use super::{
    connect::{Socket, receive_from},
    discovery::DESCRIPTION,
    services::minimal,
    world::{LD, TURTLE, World, split},
};
use podbell_model::vocab::pim;
use serde_json::Value;

/// R-DISC-5, R-DISC-7, CA-16: the services stand at one origin, answer at each, and take topics of all.
#[test]
fn t_d14_every_origin_of_a_storage_has_the_well_known_document_and_the_services() {
    let world = &*Box::leak(Box::new(World::start(&[("PODBELL_PODS_LAYOUT", "subdomain")])));
    let (owner, base) = (world.log_in("ALICE"), world.url("/"));
    let root = base.replace("localhost", "alice.localhost");
    assert_eq!(world.webid("ALICE"), format!("{root}profile/card#me"));
    let description = format!("{root}.well-known/solid");
    assert_eq!(owner.get(&root).link(DESCRIPTION), Some(description.clone()));
    let read = |url: &str| {
        let told = world.stranger().ask("GET", url, &[("accept", "application/ld+json")], "");
        assert_eq!(told.status, 200, "{url}: {told:?}");
        told.json()
    };
    let told = read(&description);
    assert_eq!(told["id"], *root);
    assert!(told["type"].as_array().unwrap().contains(&pim::STORAGE_CLASS.into()), "{told}");
    assert_eq!(told["subscription"], read(&format!("{base}.well-known/solid"))["subscription"]);
    for service in told["subscription"].as_array().unwrap() {
        assert!(service["id"].as_str().unwrap().starts_with(&base), "{service}");
    }
    let topic = format!("{root}heard");
    for above in [&base, &root] {
        for end in ["", "/"] {
            let service = format!("{above}.notifications/WebSocketChannel2023{end}");
            let channel = owner.ask("POST", &service, &[LD], minimal(&topic).to_string());
            assert_eq!((channel.status, &channel.json()["topic"]), (200, &Value::from(&*topic)), "{service}");
            let mut socket = Socket::try_open(world, &receive_from(&channel), &[]).unwrap().0;
            owner.ask("PUT", &topic, &[TURTLE], "");
            assert_eq!(socket.heard()["object"], *topic);
        }
    }
    let stream = owner.get(&topic).link("http://www.w3.org/ns/solid/terms#updatesViaStreamingHttp2023").unwrap();
    for above in [&base, &root] {
        let told = owner.ask("HEAD", &stream.replace(&base, above), &[], "");
        assert_eq!((told.status, told.header("content-type")), (200, Some("text/turtle")), "{above}");
    }
    assert_eq!(split(&stream).0, split(&base).0);
}
