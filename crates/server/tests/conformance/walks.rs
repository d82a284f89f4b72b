//! Whole walks of clients, as the official harness and deployed libraries make them.
//!
//! Spec: <https://solidproject.org/TR/protocol>; each walk begins with nothing but an address.

use super::{
    facts::{Facts, Place},
    world::{ANYBODY, WORLD, for_bob},
};

const CONTAINER: &str = "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"";

/// Deletes a container with all that is in it, by what its listing says.
fn delete_all(at: &Place, container: &str) {
    for member in at.members(container) {
        let member = format!("{container}{member}");
        if member.ends_with('/') {
            delete_all(at, &member);
        } else {
            at.alice(&format!("DELETE {member}")).gives(204);
        }
    }
    at.alice(&format!("DELETE {container}")).gives(204);
}

/// What a link leads to.
fn follow(told: &super::world::Reply, rel: &str) -> String {
    told.link(rel).expect(rel)
}

#[test]
fn clients_find_their_way() {
    Facts::of("walks")
        .fact("a pod stands where the layout of this server puts it", |_| {
            for (name, path) in [("ALICE", "/alice/profile/card#me"), ("BOB", "/bob/profile/card#me")] {
                assert_eq!(WORLD.webid(name), WORLD.url(path));
            }
        })
        .fact("from a WebID to its storage, the storage's description and a service of notifications", |_| {
            let card = ANYBODY.ask("GET", "/alice/profile/card", &[("accept", "application/n-triples")], "").text();
            let storage = card.lines().find(|line| line.contains("/space#storage>")).unwrap();
            let storage = storage.rsplit_once('<').unwrap().1.split('>').next().unwrap();
            let root = ANYBODY.ask("HEAD", storage, &[], "");
            let description = follow(&root, "http://www.w3.org/ns/solid/terms#storageDescription");
            let description = ANYBODY.ask("GET", &description, &[("accept", "application/n-triples")], "").text();
            assert!(description.contains("/.notifications/WebSocketChannel2023/"), "{description}");
        })
        .fact("from a container to its ACL, which is written where the link leads", |at| {
            at.with(&[("sub/", "")]);
            let acl = follow(&at.alice("HEAD sub/").gives(200), "acl");
            at.alice(&format!("GET {acl}")).gives(404);
            let rules = format!(
                "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{}>, <{}>; \
                 acl:accessTo <./>; acl:default <./>; acl:mode acl:Read, acl:Write, acl:Control .",
                WORLD.webid("ALICE"),
                WORLD.webid("BOB")
            );
            at.alice(&format!("PUT {acl}")).turtle(&rules).gives(201);
            at.bob("GET sub/").gives(200);
            at.bob(&format!("GET {acl}")).gives(200);
        })
        .fact("from a refusal to the ACL that refused", |at| {
            at.with(&[("doc", "")]);
            let acl = follow(&at.bob("GET doc").gives(403), "acl");
            at.bob(&format!("GET {acl}")).gives(403);
            at.alice(&format!("GET {acl}")).gives(404);
        })
        .fact("a tree is made, worked in and deleted by its listings", |at| {
            at.alice("PUT tree/").header("link", CONTAINER).turtle("").gives(201);
            at.alice("PUT tree/a/b/doc").turtle("<#a> <#b> 1 .").gives(201);
            at.alice("POST tree/a/").header("slug", "image.png").content("image/png", [1]).gives(201);
            at.alice("POST tree/").header("slug", "c").header("link", CONTAINER).turtle("").gives(201);
            at.alice("PATCH tree/a/b/doc").patch("solid:inserts { <#a> <#b> 2 }").gives(204);
            at.alice("PUT tree/a/.meta").turtle("<./> <#title> 1 .").gives(201);
            delete_all(at, "tree/");
            assert!(at.members("").is_empty());
        })
        .fact("a shared document is edited by two in turn, and neither loses what the other wrote", |at| {
            at.with(&[("doc", "<#a> <#b> 0 .")]).rules(&for_bob("acl:Read, acl:Write"));
            let tag = at.bob("GET doc").gives(200).header("etag").unwrap().to_owned();
            at.alice("PATCH doc").patch("solid:inserts { <#a> <#b> 1 }").gives(204);
            at.bob("PUT doc").header("if-match", tag).turtle("<#a> <#b> 2 .").gives(412);
            let tag = at.bob("GET doc").gives(200).header("etag").unwrap().to_owned();
            at.bob("PUT doc").header("if-match", tag).turtle("<#a> <#b> 0, 1, 2 .").gives(204);
            assert_eq!(at.statements("doc").len(), 3);
        })
        .fact("a patch of a container sees its members and writes what is its own", |at| {
            at.with(&[("sub/only", "")]);
            let seen = "<> <http://www.w3.org/ns/ldp#contains> ?m";
            at.alice("PATCH sub/")
                .patch(&format!("solid:where {{ {seen} }}; solid:inserts {{ <> <#first> ?m }}"))
                .gives(204);
            assert!(at.statements("sub/.meta").join("").contains("only>"));
        })
        .hold();
}
