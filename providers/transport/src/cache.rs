use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reqwest::header::HeaderValue;

/// Bodies with the ETag that they came with, in memory only. Never of an answer that can hold a value.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<String, Entry>,
    /// Oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) etag: HeaderValue,
    pub(crate) body: Vec<u8>,
}

/// Bytes of all bodies together.
const MOST: usize = 8 << 20;

impl Cache {
    pub(crate) fn entry(&self, key: &str) -> Option<Entry> {
        self.kept().entries.get(key).cloned()
    }

    pub(crate) fn keep(&self, key: &str, etag: HeaderValue, body: &[u8]) {
        let mut kept = self.kept();
        kept.forget(key);
        if body.len() > MOST / 4 {
            return;
        }
        kept.bytes += body.len();
        kept.order.push_back(key.to_owned());
        kept.entries.insert(key.to_owned(), Entry { etag, body: body.to_vec() });
        while kept.bytes > MOST {
            let Some(oldest) = kept.order.front().cloned() else { break };
            kept.forget(&oldest);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.body.len();
            self.order.retain(|other| other != key);
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} entries)", self.kept().entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_the_whole_is_bounded() {
        let cache = Cache::default();
        let body = vec![b'x'; MOST / 4];
        for key in ["a", "b", "c", "d", "e"] {
            cache.keep(key, HeaderValue::from_static("\"1\""), &body);
        }
        assert!(cache.entry("a").is_none() && cache.entry("b").is_some());
        cache.keep("b", HeaderValue::from_static("\"2\""), b"small");
        assert_eq!(cache.entry("b").unwrap().etag, "\"2\"");
        cache.keep("c", HeaderValue::from_static("\"2\""), &vec![b'x'; MOST]);
        assert!(
            cache.entry("c").is_none(),
            "what is too large is not kept, and neither is what was"
        );
        assert!(cache.kept().bytes <= MOST);
    }
}
