//! Two people with folders of the same path: neither is woken by what happens in the other's. Gone through with pods below
//! one origin, and with an origin for each, where deployed servers look at the path alone.

use super::{
    lines::Client,
    world::{ALICE, ANYBODY, BOB, TURTLE, WORLD},
};

#[test]
fn folders_of_the_same_path_do_not_wake_each_other() {
    let inboxes = [(&*ALICE, "/alice/lines-inbox/"), (&*BOB, "/bob/lines-inbox/")];
    let mut clients = inboxes.map(|(owner, inbox)| {
        owner.put(inbox, "");
        let owner_id = WORLD.webid(if inbox.starts_with("/alice/") { "ALICE" } else { "BOB" });
        let at = WORLD.url(inbox);
        let acl = format!(
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>.\n\
             <#owner> a acl:Authorization; acl:agent <{owner_id}>; acl:accessTo <{at}>; acl:default <{at}>; \
             acl:mode acl:Read, acl:Write, acl:Control.\n\
             <#other> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <{at}>; acl:mode acl:Append."
        );
        owner.put(&format!("{inbox}.acl"), &acl);
        let mut client = Client::open(owner);
        client.sub(inbox);
        client
    });
    let mut nobody = Client::open(&ANYBODY);
    for (_, inbox) in inboxes {
        assert_eq!(nobody.asks_for(inbox), format!("err {inbox} forbidden"));
    }
    for (to, inbox) in [(0, inboxes[0].1), (1, inboxes[1].1)] {
        let post = || assert_eq!(ANYBODY.ask("POST", inbox, &[TURTLE], "<> a <#Note> .").status, 201);
        assert_eq!(clients[to].told(post), [format!("pub {}", WORLD.url(inbox))]);
        assert_eq!(clients[1 - to].told(|| {}), [""; 0]);
    }
    assert_eq!(nobody.told(|| {}), [""; 0]);
}
