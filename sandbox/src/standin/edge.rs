//! The CDN before the front end: a copy of the asset that it has stays until an invalidation clears it, whatever
//! is deployed meanwhile. So does a copy of the origin's 404.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::gateway::CloudFront;

#[derive(Debug)]
pub(super) struct Edge {
    cloudfront: CloudFront,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The front end's release at the origin, from 1.
    release: u32,
    cached: Cached,
}

#[derive(Debug, Clone, Copy)]
struct Cached {
    release: u32,
    /// The origin did not have it when it was asked.
    missing: bool,
    since: Instant,
}

/// One answer of the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) release: u32,
    pub(super) missing: bool,
    pub(super) hit: bool,
    pub(super) age: Duration,
}

impl Edge {
    /// Somebody has asked before: release 1 is cached.
    pub(super) fn new(cloudfront: CloudFront) -> Self {
        let cached = Cached { release: 1, missing: false, since: Instant::now() };
        Self { cloudfront, inner: Mutex::new(Inner { release: 1, cached }) }
    }

    pub(super) fn release(&self) {
        self.lock().release += 1;
    }

    /// As `release`, and somebody asks for the asset before it is uploaded.
    pub(super) fn release_page_first(&self) {
        let mut inner = self.lock();
        inner.release += 1;
        inner.cached = Cached { release: inner.release, missing: true, since: Instant::now() };
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn serve(&self, path: &str) -> Served {
        let mut inner = self.lock();
        let hit = !self.cloudfront.has_cleared(path, inner.cached.since);
        if !hit {
            inner.cached = Cached { release: inner.release, missing: false, since: Instant::now() };
        }
        let Cached { release, missing, since } = inner.cached;
        Served { release, missing, hit, age: since.elapsed() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_release_is_served_only_after_an_invalidation() {
        let cloudfront = CloudFront::default();
        let edge = Edge::new(cloudfront.clone());
        edge.release();
        let served = |edge: &Edge| {
            let Served { release, hit, .. } = edge.serve("/assets/main.js");
            (release, hit)
        };
        assert_eq!(served(&edge), (1, true));
        cloudfront.add("r", &["/*"]);
        assert_eq!(served(&edge), (2, false));
        assert_eq!(served(&edge), (2, true));
    }

    #[test]
    fn a_404_stays_until_it_is_invalidated_too() {
        let cloudfront = CloudFront::default();
        let edge = Edge::new(cloudfront.clone());
        let is_missing = || edge.serve("/assets/main.js").missing;
        edge.release_page_first();
        assert_eq!([is_missing(), is_missing()], [true, true]);
        cloudfront.add("r", &["/*"]);
        assert!(!is_missing());
    }
}
