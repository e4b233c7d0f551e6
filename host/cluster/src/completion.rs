//! Makes the catalog that a draft stands for, while the draft serves.
//!
//! Compiling takes seconds of a processor. So one catalog is made at a time, and of several that are wanted meanwhile
//! the newest.

use std::future::pending;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tollgate_catalog::{Catalog, Loader, Resolved};

/// What is made, and what is to be made next.
pub(crate) struct Completion {
    loader: Arc<Loader>,
    running: Option<JoinHandle<Option<Catalog>>>,
    wanted: Option<Work>,
}

struct Work {
    resolved: Resolved,
    is_draft: bool,
}

impl Completion {
    pub(crate) fn new(loader: Arc<Loader>) -> Self {
        Self {
            loader,
            running: None,
            wanted: None,
        }
    }

    /// Takes note that this is in force, as a draft or not.
    pub(crate) fn want(&mut self, resolved: Resolved, catalog: &Catalog) {
        self.wanted = Some(Work {
            resolved,
            is_draft: catalog.is_draft(),
        });
        self.start();
    }

    /// Waits for a catalog that is to replace the draft in force. It may be dropped and called again.
    pub(crate) async fn next(&mut self) -> Catalog {
        loop {
            let Some(running) = &mut self.running else {
                return pending().await;
            };
            let made = running.await.unwrap_or_default();
            self.running = None;
            match made {
                // What is wanted by now is something else.
                Some(_) if self.wanted.is_some() => self.start(),
                Some(catalog) => return catalog,
                None => self.start(),
            }
        }
    }

    fn start(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(work) = self.wanted.take() else {
            return;
        };
        let loader = Arc::clone(&self.loader);
        let handle = Handle::current();
        let make = move || handle.block_on(make(&loader, work));
        self.running = Some(tokio::task::spawn_blocking(make));
    }
}

/// Makes the catalog, and gets ready for drafts of what comes after it.
async fn make(loader: &Loader, work: Work) -> Option<Catalog> {
    let Work { resolved, is_draft } = work;
    loader.stock_up(resolved.clone());
    if !is_draft {
        return None;
    }
    loader
        .load(resolved)
        .await
        .inspect_err(|wrong| {
            for diagnostic in wrong {
                tracing::error!(%diagnostic, "a policy that serves as a draft cannot be completed");
            }
        })
        .ok()
}
