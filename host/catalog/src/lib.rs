//! Configuration documents, policy sources, digests and the compile cache.
