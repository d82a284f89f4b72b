//! Bodies: small ones in the row, large ones by their content.

use super::{Fixture, World, world::iri};
use crate::store::{Body, ByteStream, Change, INLINE_BODY, Store};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use podbell_model::ResourceClass;
use std::io;

fn streamed(bytes: &[u8]) -> ByteStream {
    let chunks: Vec<_> = bytes.chunks(10_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks).boxed()
}

async fn read<F: Fixture>(world: &World<F>, body: &Body, offset: u64) -> Vec<u8> {
    let stream = world.store().open(body, offset).await.unwrap();
    let chunks: Vec<Bytes> = stream.try_collect().await.unwrap();
    chunks.concat()
}

/// Up to the limit, the limit included; also nothing at all.
pub async fn a_small_body_is_inline<F: Fixture>() {
    let world = World::<F>::new().await;
    for size in [0, 1, INLINE_BODY] {
        let bytes = vec![7; size];
        let body = world.store().stage(streamed(&bytes)).await.unwrap();
        assert_eq!(body, Body::Inline(bytes.clone().into()), "{size}");
        assert_eq!(read(&world, &body, 0).await, bytes);
    }
}

/// The same content has the same name, and stays while a resource has it.
pub async fn a_large_body_is_a_file_named_by_its_content<F: Fixture>() {
    let world = World::<F>::new().await;
    let zeros = vec![0; INLINE_BODY + 1];
    let body = world.store().stage(streamed(&zeros)).await.unwrap();
    let digest = "3266304f31be278d06c3bd3eb9aa3e00c59bedec0a890de466568b0b90b0e01f";
    assert_eq!(body, Body::File { digest: digest.into(), size: 65_537 });
    assert_eq!(world.store().stage(streamed(&zeros)).await.unwrap(), body);
    let put = |name| Change::Put {
        id: world.id(),
        resource: iri(name),
        class: ResourceClass::NonRdfSource,
        content_type: "application/octet-stream".into(),
        body: body.clone(),
        group: None,
    };
    world.commit(vec![put("a"), put("b")]).await;
    world.commit(vec![world.delete("a")]).await;
    let row = world.resource("b").await;
    assert_eq!(row.body, body);
    assert_eq!(read(&world, &row.body, 0).await, zeros);
    assert_eq!(world.store().members_after(&iri(""), None, usize::MAX).await.unwrap()[0].size, 65_537);
}

/// At the end and beyond there is nothing.
pub async fn a_body_is_read_from_an_offset<F: Fixture>() {
    let world = World::<F>::new().await;
    let mut bytes: Vec<u8> = (0..=u8::MAX).cycle().take(INLINE_BODY * 2).collect();
    for _ in 0..2 {
        let body = world.store().stage(streamed(&bytes)).await.unwrap();
        for offset in [0, 1, 1000, bytes.len() - 1, bytes.len(), bytes.len() + 1] {
            let rest = bytes.get(offset..).unwrap_or_default();
            assert_eq!(read(&world, &body, offset as u64).await, rest, "{offset}");
        }
        bytes.truncate(5000);
    }
}

/// The error is handed on.
pub async fn a_broken_stream_stages_nothing<F: Fixture>() {
    let world = World::<F>::new().await;
    for good in [10, INLINE_BODY * 2] {
        let chunks = [Ok(Bytes::from(vec![1; good])), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
        let error = world.store().stage(stream::iter(chunks).boxed()).await.unwrap_err();
        let crate::store::CommitError::Store(error) = error else { panic!("{error:?}") };
        let source = error.0.downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::ConnectionReset);
    }
}
