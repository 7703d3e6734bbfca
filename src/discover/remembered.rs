//! Files of a folder, kept for the next time they are asked for: one script is called from many jobs.

use std::sync::{Arc, Mutex};

use super::objects::{Cache, lock};
use crate::ci::{Files, Unreadable};

const BUDGET: usize = 8 << 20;

type Read = Result<Option<Arc<[u8]>>, Unreadable>;

pub(super) struct Remembered<'a> {
    files: &'a dyn Files,
    kept: Mutex<Cache<String, Read>>,
}

impl<'a> Remembered<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self { files, kept: Mutex::new(Cache::new(BUDGET)) }
    }
}

impl Files for Remembered<'_> {
    fn read(&self, path: &str) -> Read {
        let key = path.to_owned();
        if let Some(known) = lock(&self.kept).get(&key) {
            return known;
        }
        let read = self.files.read(path);
        let size = read.iter().flatten().map(|bytes| bytes.len()).sum::<usize>();
        lock(&self.kept).put(key, read.clone(), path.len() + size + 128);
        read
    }

    fn list(&self, dir: &str) -> Vec<String> {
        self.files.list(dir)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Files, Read, Remembered};

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Files for Counting {
        fn read(&self, path: &str) -> Read {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok((path == "there").then(|| [1_u8, 2].as_slice().into()))
        }

        fn list(&self, _: &str) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn what_is_there_and_what_is_not_is_read_once() {
        let counting = Counting::default();
        let files = Remembered::new(&counting);
        for _ in 0..3 {
            assert_eq!(files.read("there").unwrap().as_deref(), Some([1, 2].as_slice()));
            assert_eq!(files.read("nowhere").unwrap(), None);
        }
        assert_eq!(counting.0.load(Ordering::Relaxed), 2);
    }
}
