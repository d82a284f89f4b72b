//! The page of a container: its members in a table, as they are read, and what its owner says about it.

use super::{
    document,
    frame::{END, begin_at, called},
    text::{escape, link},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Dataset;
use podbell_model::{ResourceClass, ResourceIri, Timestamp};
use podbell_pod::{MemberStream, store::Member};
use std::{fmt::Write as _, io};

const TABLE: &str = "<table><thead><tr><th>Name</th><th class=\"type\">Type</th><th class=\"size\">Size</th>\
                     <th class=\"date\">Changed (UTC)</th></tr></thead><tbody>";

/// The page, as the members come.
pub(super) fn page(
    container: &ResourceIri,
    root: ResourceIri,
    description: Option<&Dataset>,
    members: MemberStream,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let mut begun = begin_at(container, &root);
    if let Some(description) = description {
        begun.push_str(&document::tables(container, description));
    }
    let head = stream::once(async { Ok(Bytes::from(begun)) });
    let rows = stream::try_unfold((Some(members), 0_usize), move |(members, count)| {
        let root = root.clone();
        async move {
            let Some(mut members) = members else { return Ok(None) };
            let Some(portion) = members.try_next().await.map_err(io::Error::other)? else {
                return Ok(Some((Bytes::from(end(count)), (None, count))));
            };
            let mut rows = String::new();
            if count == 0 {
                rows.push_str(TABLE);
            }
            for member in &portion {
                row(&mut rows, member, &root);
            }
            Ok(Some((Bytes::from(rows), (Some(members), count + portion.len()))))
        }
    });
    head.chain(rows)
}

fn end(count: usize) -> String {
    match count {
        0 => format!("<p class=\"soft\">There is nothing in here yet.</p>{END}"),
        1 => format!("</tbody></table><p class=\"soft\">1 item</p>{END}"),
        _ => format!("</tbody></table><p class=\"soft\">{count} items</p>{END}"),
    }
}

fn row(rows: &mut String, member: &Member, root: &ResourceIri) {
    let (kind, size) = if member.class == ResourceClass::Container {
        ("container".to_owned(), String::new())
    } else {
        let essence = member.content_type.split(';').next().unwrap_or_default().trim().to_owned();
        (essence, readable_size(member.size))
    };
    let _ = write!(
        rows,
        "<tr><td>{}</td><td class=\"type\">{}</td><td class=\"size\">{size}</td><td class=\"date\">{}</td></tr>",
        link(member.iri.as_str(), &called(&member.iri, root)),
        super::text::isolated(&kind),
        time(member.modified),
    );
}

fn time(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    format!("<time datetime=\"{}\">{}</time>", escape(&whole.to_string()), at.strftime("%Y-%m-%d %H:%M"))
}

/// In powers of a thousand, as people count.
fn readable_size(bytes: u64) -> String {
    let mut unit = 1_u64;
    for name in ["B", "kB", "MB", "GB", "TB"] {
        let next = unit.saturating_mul(1_000);
        if bytes < next || name == "TB" {
            let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
            return if unit == 1 || whole >= 10 {
                format!("{whole} {name}")
            } else {
                format!("{whole}.{tenth} {name}")
            };
        }
        unit = next;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::{Generation, Sequence};

    fn member(name: &str, content_type: &str) -> Member {
        Member {
            iri: ResourceIri::parse(&format!("http://x/alice/{name}")).unwrap(),
            class: ResourceClass::NonRdfSource,
            content_type: content_type.into(),
            modified: Timestamp::from_second(1_763_770_593).unwrap(),
            size: 1_536,
            generation: Generation(Sequence(1)),
        }
    }

    async fn shown(portions: Vec<Vec<Member>>) -> Vec<String> {
        let root = ResourceIri::parse("http://x/alice/").unwrap();
        let members = stream::iter(portions.into_iter().map(Ok)).boxed();
        let page = page(&root, root.clone(), None, members);
        page.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()).collect().await
    }

    #[tokio::test]
    async fn members_are_shown_as_they_come() {
        let first = (0..500).map(|n| member(&format!("a{n}"), "text/plain")).collect();
        let chunks = shown(vec![first, vec![member("my%20cat.jpg", "image/jpeg; q=x")]]).await;
        assert_eq!(chunks.len(), 4, "head, two portions, end");
        assert_eq!(chunks.concat().matches("<tr>").count(), 502);
        assert!(chunks[2].contains("<bdi>my cat.jpg</bdi>") && chunks[2].contains("<bdi>image/jpeg</bdi>"));
        assert!(chunks[2].contains("href=\"http://x/alice/my%20cat.jpg\"") && chunks[2].contains("1.5 kB"));
        assert!(chunks[2].contains("<time datetime=\"2025-11-22T00:16:33Z\">2025-11-22 00:16</time>"));
        assert!(chunks[3].contains("501 items") && chunks[3].ends_with("</html>"));
        assert!(shown(Vec::new()).await.concat().contains("nothing in here"));
    }

    #[tokio::test]
    async fn hostile_names_and_types_stay_text() {
        for (name, content_type) in [
            ("%3Cscript%3Ealert(1)%3C%2Fscript%3E".replace("%2F", "").as_str(), "text/plain"),
            ("a'onclick='alert(1)", "text/plain"),
            ("%22%20autofocus", "text/plain"),
            ("x", "<img src=x onerror=alert(1)>"),
            ("x", "text/\"><script>alert(1)</script>"),
        ] {
            let page = shown(vec![vec![member(name, content_type)]]).await.concat();
            let body = page.split_once("<tbody>").unwrap().1;
            for bad in ["<script", "<img", "onclick='", "\" autofocus"] {
                assert!(!body.contains(bad), "{bad}: {body}");
            }
        }
    }

    #[test]
    fn sizes_are_readable() {
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_536, "1.5 kB"),
            (999_999, "999 kB"),
            (2_147_483_648, "2.1 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(readable_size(bytes), shown);
        }
    }
}
