//! Measures durable commits per second: `cargo run --release -p podbell-sqlite --example commits [directory]`.

use bytes::Bytes;
use podbell_model::{ResourceClass, ResourceIri, Sequence, Timestamp, Uuid, WebId};
use podbell_pod::store::{Body, Change, Store, WriteSet};
use podbell_sqlite::{Options, Sqlite};
use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

const FOR: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let directory = tempfile::tempdir()?;
    let directory = std::env::args_os().nth(1).map_or(directory.path().to_path_buf(), PathBuf::from);
    let store = Sqlite::open(&directory, &Options::default())?;
    let root = ResourceIri::parse("https://pod.example/")?;
    let now = Timestamp::UNIX_EPOCH;
    let (storage, _) = store.create_storage(root.clone(), WebId::new("https://a/#me"), Vec::new(), now).await?;
    for writers in [1, 8, 32, 256] {
        let (begin, before) = (Instant::now(), store.transactions());
        let tasks = (0..writers).map(|w| {
            let (store, resource) = (Arc::clone(&store), root.child(&format!("{writers}-{w}"), false));
            tokio::spawn(async move {
                let resource = resource?;
                let mut commits = 0_u64;
                while begin.elapsed() < FOR {
                    let change = Change::Put {
                        id: Uuid::new_v4(),
                        resource: resource.clone(),
                        class: ResourceClass::RdfSource,
                        content_type: "text/turtle".into(),
                        body: Body::Inline(Bytes::from_static(&[b'x'; 1000])),
                        group: None,
                    };
                    let writes = WriteSet {
                        storage: storage.id,
                        permitted_as_of: Sequence(u64::MAX),
                        depends_on: [root_acl(&resource)].into(),
                        expected: Vec::new(),
                        changes: vec![change],
                        actor: None,
                        now,
                        causes: Arc::default(),
                        rules_as_of: None,
                    };
                    store.commit(writes).await?;
                    commits += 1;
                }
                Ok::<_, Box<dyn Error + Send + Sync>>(commits)
            })
        });
        let mut commits = 0;
        for task in tasks.collect::<Vec<_>>() {
            commits += task.await??;
        }
        let seconds = begin.elapsed().as_secs_f64();
        let transactions = store.transactions() - before;
        #[expect(clippy::cast_precision_loss, reason = "a rough figure")]
        let rate = commits as f64 / seconds;
        println!("{writers:>4} writers: {rate:>8.0} commits/s, {commits} in {transactions} transactions");
    }
    Ok(())
}

fn root_acl(resource: &ResourceIri) -> ResourceIri {
    resource.parent().map_or_else(|| resource.acl(), |root| root.acl())
}
