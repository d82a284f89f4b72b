//! The name of a member that POST creates.
//!
//! A Slug is a wish: it is percent-encoded into one segment, never walks out of the container, never takes the
//! name of an auxiliary resource, and yields to a name that is taken.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-post-uri-assignment>, RFC 5023 §9.7.

use crate::{problem::Problem, shape::is_reserved_name};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use podbell_model::{ResourceIri, Uuid};

/// Everything but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The names to try, in order: the wish, the wish with the id, the id.
pub(crate) fn names(
    container: &ResourceIri,
    slug: Option<&str>,
    member_is_container: bool,
    id: Uuid,
) -> Result<Vec<ResourceIri>, Problem> {
    let child = |name: &str| container.child(name, member_is_container);
    let plain = child(&id.to_string())?;
    let Some(name) = slug.map(segment).transpose()?.flatten() else { return Ok(vec![plain]) };
    let wish = child(&name)?;
    if is_reserved_name(wish.name()) {
        return Err(Problem::AuxiliaryName(wish));
    }
    let mut names = vec![wish];
    // The wish may leave no room for the id.
    names.extend(child(&format!("{name}-{id}")).ok());
    names.push(plain);
    Ok(names)
}

fn segment(slug: &str) -> Result<Option<String>, Problem> {
    let text = percent_decode_str(slug.trim()).decode_utf8().map_err(|_| Problem::BadSlug("it is not UTF-8"))?;
    let text = text.trim_end_matches('/');
    if text.contains(['/', '\\']) {
        return Err(Problem::BadSlug("it contains a slash"));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::BadSlug("it contains a control character"));
    }
    Ok((!text.is_empty()).then(|| utf8_percent_encode(text, SEGMENT).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    fn first(slug: Option<&str>, container: bool) -> Result<String, Kind> {
        let parent = ResourceIri::parse("http://x/a/").unwrap();
        names(&parent, slug, container, Uuid::nil())
            .map(|names| names[0].as_str().strip_prefix("http://x/a/").unwrap().to_owned())
            .map_err(|problem| problem.kind())
    }

    #[test]
    fn a_slug_becomes_one_segment_or_is_refused() {
        let nil = Uuid::nil().to_string();
        for (slug, name) in [
            ("foobar", Ok("foobar")),
            ("foo bar", Ok("foo%20bar")),
            ("foo%20bar", Ok("foo%20bar")),
            ("100%", Ok("100%25")),
            ("é", Ok("%C3%A9")),
            ("foo/", Ok("foo")),
            ("foo;a=b?c#d", Ok("foo%3Ba%3Db%3Fc%23d")),
            ("", Ok(nil.as_str())),
            ("/", Ok(nil.as_str())),
            ("%252e%252e", Ok("%252e%252e")),
            ("a/b", Err(Kind::BadRequest)),
            ("a%2Fb", Err(Kind::BadRequest)),
            ("../../x", Err(Kind::BadRequest)),
            ("..", Err(Kind::BadRequest)),
            ("%2e%2e", Err(Kind::BadRequest)),
            (".", Err(Kind::BadRequest)),
            ("a\\b", Err(Kind::BadRequest)),
            ("a%00", Err(Kind::BadRequest)),
            ("a%0Ab", Err(Kind::BadRequest)),
            ("%ff", Err(Kind::BadRequest)),
            (".acl", Err(Kind::Forbidden)),
            ("x.acl", Err(Kind::Forbidden)),
            ("x%2Eacl", Err(Kind::Forbidden)),
            ("x.meta/", Err(Kind::Forbidden)),
            (&"x".repeat(256), Err(Kind::BadRequest)),
        ] {
            assert_eq!(first(Some(slug), false), name.map(str::to_owned), "{slug}");
        }
        assert_eq!(first(None, false), Ok(nil));
        assert_eq!(first(Some("foo"), true), Ok("foo/".to_owned()));
    }

    #[test]
    fn a_wish_without_room_for_the_id_yields_to_the_id() {
        let parent = ResourceIri::parse("http://x/a/").unwrap();
        assert_eq!(names(&parent, Some(&"x".repeat(250)), false, Uuid::nil()).unwrap().len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn no_slug_leaves_its_container_or_names_an_auxiliary(slug in "(\\PC|[./%\\\\ac]|%2[fFeE5]|%5[cC]|%0[0a]){0,12}") {
            let parent = ResourceIri::parse("http://x/a/").unwrap();
            for name in names(&parent, Some(&slug), false, Uuid::nil()).unwrap_or_default() {
                proptest::prop_assert_eq!(name.parent(), Some(parent.clone()));
                proptest::prop_assert!(!name.is_container() && name.as_auxiliary().is_none());
                proptest::prop_assert_eq!(ResourceIri::parse(name.as_str()), Ok(name));
            }
        }
    }
}
