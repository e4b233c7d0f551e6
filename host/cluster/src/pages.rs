//! Lists of objects, page by page.

use std::fmt::Debug;

use kube::Api;
use kube::api::{ListParams, ObjectList};
use serde::de::DeserializeOwned;

/// How many objects are asked for at once: what is held of a cluster at a time.
const PAGE: u32 = 500;

/// Which of the objects that an `Api` reaches are meant.
#[derive(Clone, Debug, Default)]
pub(crate) enum Which {
    /// All.
    #[default]
    All,
    /// Those that a selector over fields selects.
    Selected(String),
}

impl Which {
    /// The one of this name, for which rights to that one suffice.
    pub(crate) fn named(name: &str) -> Self {
        Self::Selected(format!("metadata.name={name}"))
    }

    pub(crate) fn selector(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Selected(selector) => Some(selector.clone()),
        }
    }
}

/// The objects that an `Api` reaches, page by page.
pub(crate) struct Pages<K> {
    api: Api<K>,
    params: ListParams,
    is_over: bool,
}

impl<K: Clone + Debug + DeserializeOwned> Pages<K> {
    pub(crate) fn new(api: Api<K>, which: &Which) -> Self {
        let mut params = ListParams::default().limit(PAGE);
        params.field_selector = which.selector();
        Self {
            api,
            params,
            is_over: false,
        }
    }

    /// The next page; nothing when all have been given.
    pub(crate) async fn next(&mut self) -> kube::Result<Option<ObjectList<K>>> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.api.list(&self.params).await?;
        match page
            .metadata
            .continue_
            .clone()
            .filter(|token| !token.is_empty())
        {
            Some(token) => self.params = self.params.clone().continue_token(&token),
            None => self.is_over = true,
        }
        Ok(Some(page))
    }

    /// All objects of all pages.
    pub(crate) async fn all(self) -> kube::Result<Vec<K>> {
        self.all_at_a_version().await.map(|(objects, _)| objects)
    }

    /// The same with the version of the list, from which a watch can go on.
    pub(crate) async fn all_at_a_version(mut self) -> kube::Result<(Vec<K>, String)> {
        let (mut objects, mut version) = (Vec::new(), None);
        while let Some(page) = self.next().await? {
            objects.extend(page.items);
            version = page.metadata.resource_version;
        }
        Ok((objects, version.unwrap_or_default()))
    }
}
