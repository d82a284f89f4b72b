//! The kinds of change that there are, each done once: what every dialect has to find words for.

use super::{
    events::patch,
    world::{ALICE, BOB, TURTLE, WORLD, container, for_bob, split, unique},
};

/// Where a change is made: R, the container C that it is in, and A above that.
pub(super) struct Place {
    pub(super) resource: String,
    pub(super) container: String,
    pub(super) above: String,
}

/// One way to change R, or to leave it as it is.
pub(super) struct Change {
    /// The row of the table that says what is told of it.
    pub(super) row: &'static str,
    pub(super) what: &'static str,
    /// What R is called in C; a container has a slash.
    name: &'static str,
    /// What is there before, below A.
    before: &'static [&'static str],
    pub(super) act: fn(&Place),
}

pub(super) const CREATED: &str = "created";
pub(super) const CREATED_WITH: &str = "created, and C with it";
pub(super) const MODIFIED: &str = "modified, or its description";
pub(super) const DELETED: &str = "deleted";
pub(super) const RULED: &str = "its ACL created, changed or deleted";
pub(super) const NOTHING: &str = "refused, failed, read, or a PATCH without effect";

const FULL: &[&str] = &["c/", "c/r"];
const FULL_CONTAINER: &[&str] = &["c/", "c/r/"];

const fn of(row: &'static str, what: &'static str, before: &'static [&'static str], act: fn(&Place)) -> Change {
    Change { row, what, name: "r", before, act }
}

const fn of_container(
    row: &'static str,
    what: &'static str,
    before: &'static [&'static str],
    act: fn(&Place),
) -> Change {
    Change { row, what, name: "r/", before, act }
}

pub(super) const CHANGES: &[Change] = &[
    of(CREATED, "PUT", &["c/"], |at| put(&at.resource, 201)),
    of(CREATED, "POST with a Slug", &["c/"], |at| {
        let made = ALICE.ask("POST", &at.container, &[TURTLE, ("slug", "r")], "");
        assert_eq!((made.status, split(made.header("location").unwrap()).1), (201, at.resource.clone()));
    }),
    of(CREATED, "PATCH", &["c/"], |at| assert_eq!(patch(&at.resource, STATEMENT).status, 201)),
    of_container(CREATED, "PUT of a container", &["c/"], |at| put(&at.resource, 201)),
    of_container(CREATED, "POST of a container with a Slug", &["c/"], |at| {
        let kind = ("link", "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"");
        assert_eq!(ALICE.ask("POST", &at.container, &[TURTLE, ("slug", "r"), kind], "").status, 201);
    }),
    of(CREATED_WITH, "PUT where C is missing", &[], |at| put(&at.resource, 201)),
    of(CREATED_WITH, "PATCH where C is missing", &[], |at| assert_eq!(patch(&at.resource, STATEMENT).status, 201)),
    of_container(CREATED_WITH, "PUT of a container where C is missing", &[], |at| put(&at.resource, 201)),
    of(MODIFIED, "PUT", FULL, |at| put(&at.resource, 204)),
    of(MODIFIED, "PUT of the same bytes", FULL, |at| drop(ALICE.put(&at.resource, BEFORE_ALONE))),
    of(MODIFIED, "PATCH", FULL, |at| assert_eq!(patch(&at.resource, STATEMENT).status, 204)),
    of(MODIFIED, "PUT of its .meta", FULL, |at| drop(ALICE.put(&at.aux("meta"), STATEMENT_ALONE))),
    of(MODIFIED, "PATCH of its .meta", FULL, |at| assert!(patch(&at.aux("meta"), STATEMENT).status < 300)),
    of_container(MODIFIED, "PATCH of a container", FULL_CONTAINER, |at| {
        assert!(patch(&at.resource, STATEMENT).status < 300);
    }),
    of_container(MODIFIED, "PATCH of the .meta of a container", FULL_CONTAINER, |at| {
        assert!(patch(&at.aux("meta"), STATEMENT).status < 300);
    }),
    of(DELETED, "DELETE", FULL, |at| delete(&at.resource)),
    of_container(DELETED, "DELETE of a container", FULL_CONTAINER, |at| delete(&at.resource)),
    of(RULED, "its ACL is made", FULL, Place::ruled),
    of(RULED, "its ACL is made, and made again with the same bytes, and changed", FULL, |at| {
        at.ruled();
        at.ruled();
        assert_eq!(patch(&at.aux("acl"), "<#a> <#b> <#c>").status, 204);
    }),
    of(RULED, "its ACL is made and deleted", FULL, |at| {
        at.ruled();
        delete(&at.aux("acl"));
    }),
    of_container(RULED, "the ACL of a container is made and deleted", FULL_CONTAINER, |at| {
        at.ruled();
        delete(&at.aux("acl"));
    }),
    of(NOTHING, "GET and HEAD", FULL, |at| {
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(ALICE.ask(method, &at.resource, &[], "").status < 300, "{method}");
        }
    }),
    of(NOTHING, "403", FULL, |at| assert_eq!(BOB.ask("PUT", &at.resource, &[TURTLE], STATEMENT_ALONE).status, 403)),
    of(NOTHING, "403 of what is not there", &["c/"], |at| {
        assert_eq!(BOB.ask("PUT", &at.resource, &[TURTLE], STATEMENT_ALONE).status, 403);
    }),
    of(NOTHING, "404", &["c/"], |at| fails(at, "DELETE", &[], 404)),
    of(NOTHING, "409, a PATCH that deletes what is not there", FULL, |at| {
        let n3 = ("content-type", "text/n3");
        let patch = "@prefix solid: <http://www.w3.org/ns/solid/terms#>. \
                     [] a solid:InsertDeletePatch; solid:deletes { <#no> <#such> <#thing> } .";
        assert_eq!(ALICE.ask("PATCH", &at.resource, &[n3], patch).status, 409);
    }),
    of_container(NOTHING, "409, a container that is not empty", &["c/", "c/r/", "c/r/x"], |at| {
        fails(at, "DELETE", &[], 409);
    }),
    of(NOTHING, "412", FULL, |at| fails(at, "PUT", &[TURTLE, ("if-none-match", "*")], 412)),
    of(NOTHING, "415", FULL, |at| fails(at, "PATCH", &[("content-type", "image/png")], 415)),
    of(NOTHING, "a PATCH without effect", FULL, |at| assert!(patch(&at.resource, BEFORE).status < 300)),
];

/// What documents say before.
const BEFORE: &str = "<> a <#Before>";
const BEFORE_ALONE: &str = "<> a <#Before>.";
const STATEMENT: &str = "<#a> <#b> <#c>";
const STATEMENT_ALONE: &str = "<#a> <#b> <#c>.";

impl Change {
    /// A place of its own, with what is there before.
    pub(super) fn place(&self) -> Place {
        let above = container(&unique("dialects"), &for_bob("acl:Read"));
        for name in self.before {
            ALICE.put(&format!("{above}{name}"), if name.ends_with('/') { "" } else { BEFORE_ALONE });
        }
        Place { resource: format!("{above}c/{}", self.name), container: format!("{above}c/"), above }
    }
}

impl Place {
    /// What stands beside R.
    pub(super) fn aux(&self, which: &str) -> String {
        format!("{}.{which}", self.resource)
    }

    /// Gives R rules of its own, that leave everybody what they had.
    pub(super) fn ruled(&self) {
        ALICE.rules(&self.resource, &for_bob("acl:Read"));
    }

    /// A path as the table has it.
    pub(super) fn name<'a>(&self, path: &'a str) -> &'a str {
        match path {
            path if path == self.resource => "R",
            path if path == self.container => "C",
            path if path == self.above => "A",
            other => other,
        }
    }

    /// The same of a URL.
    pub(super) fn name_of(&self, url: &str) -> String {
        [&self.resource, &self.container, &self.above]
            .into_iter()
            .find(|path| WORLD.url(path) == url)
            .map_or(url, |path| self.name(path))
            .to_owned()
    }
}

fn put(path: &str, status: u16) {
    assert_eq!(ALICE.put(path, STATEMENT_ALONE).status, status, "{path}");
}

fn delete(path: &str) {
    assert_eq!(ALICE.ask("DELETE", path, &[], "").status, 204, "{path}");
}

fn fails(at: &Place, method: &str, headers: &[(&str, &str)], status: u16) {
    assert_eq!(ALICE.ask(method, &at.resource, headers, "").status, status, "{method}");
}
