//! Git's objects with bounded caches, for any number of threads.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gix::{ObjectId, ThreadSafeRepository};

use super::{
    folder::{LARGEST, too_large},
    tree::{self, Tree},
};

const TREES: usize = 48 << 20;
const BLOBS: usize = 16 << 20;
/// Larger trees are hostile: 32 MB is half a million names in one folder.
const LARGEST_TREE: u64 = 32 << 20;

/// An entry of a tree.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Slot {
    pub(crate) mode: Mode,
    pub(crate) id: ObjectId,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Mode {
    File,
    Folder,
    Link,
    Submodule,
}

impl Mode {
    /// By the type bits alone: old repositories hold permissions that git no longer writes.
    pub(crate) fn parse(octal: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octal).ok()?;
        match u32::from_str_radix(text, 8).ok()? & 0o170_000 {
            0o100_000 => Some(Self::File),
            0o040_000 => Some(Self::Folder),
            0o120_000 => Some(Self::Link),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// Reads objects; what was read lately is kept.
pub(crate) struct Objects {
    repository: ThreadSafeRepository,
    /// Handles not in use. Making one costs more than most reads.
    idle: Mutex<Vec<gix::Repository>>,
    trees: Mutex<Cache<ObjectId, Arc<Tree>>>,
    blobs: Mutex<Cache<ObjectId, Arc<[u8]>>>,
    hash: gix::hash::Kind,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("repository", &self.repository).finish_non_exhaustive()
    }
}

impl Objects {
    pub(crate) fn new(repository: ThreadSafeRepository) -> Self {
        let hash = repository.to_thread_local().object_hash();
        Self {
            repository,
            idle: Mutex::default(),
            trees: Mutex::new(Cache::new(TREES)),
            blobs: Mutex::new(Cache::new(BLOBS)),
            hash,
        }
    }

    pub(crate) fn hash(&self) -> gix::hash::Kind {
        self.hash
    }

    /// Runs `with` on a handle of this thread's own.
    pub(crate) fn handle<T>(&self, with: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = lock(&self.idle).pop();
        let handle = idle.unwrap_or_else(|| {
            let mut handle = self.repository.to_thread_local();
            // The platform ran what was pushed, not what a clone shows in its place.
            handle.objects.ignore_replacements = true;
            handle
        });
        let result = with(&handle);
        lock(&self.idle).push(handle);
        result
    }

    pub(crate) fn tree(&self, id: ObjectId) -> Result<Arc<Tree>, Cow<'static, str>> {
        if let Some(tree) = lock(&self.trees).get(&id) {
            return Ok(tree);
        }
        let tree = self.load(id, gix::objs::Kind::Tree, LARGEST_TREE, |bytes| {
            Tree::parse(bytes, self.hash).map(Arc::new)
        })?;
        lock(&self.trees).put(id, Arc::clone(&tree), tree.weight());
        Ok(tree)
    }

    /// What stands at these names in a tree that will not be asked for again.
    pub(crate) fn slots<const N: usize>(
        &self,
        id: ObjectId,
        names: [&str; N],
    ) -> Result<[Option<Slot>; N], Cow<'static, str>> {
        self.load(id, gix::objs::Kind::Tree, LARGEST_TREE, |bytes| {
            tree::slots(bytes, self.hash, names)
        })
    }

    pub(crate) fn blob(&self, id: ObjectId) -> Result<Arc<[u8]>, Cow<'static, str>> {
        if let Some(blob) = lock(&self.blobs).get(&id) {
            return Ok(blob);
        }
        let blob: Arc<[u8]> =
            self.load(id, gix::objs::Kind::Blob, LARGEST, |bytes| Some(Arc::from(bytes)))?;
        lock(&self.blobs).put(id, Arc::clone(&blob), blob.len() + 64);
        Ok(blob)
    }

    fn load<T>(
        &self,
        id: ObjectId,
        kind: gix::objs::Kind,
        largest: u64,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, Cow<'static, str>> {
        const MISSING: &str = "the object is not in this clone";
        const DAMAGED: &str = "the object is damaged";
        self.handle(|repository| {
            // The size first: a small pack can hold an object of many gigabytes.
            match repository.try_find_header(id) {
                Ok(Some(header)) if header.size() > largest => {
                    return Err(too_large(header.size()));
                }
                Ok(Some(header)) if header.kind() != kind => return Err(DAMAGED.into()),
                Ok(Some(_)) => {}
                Ok(None) => return Err(MISSING.into()),
                Err(_) => return Err(DAMAGED.into()),
            }
            let object = repository.find_object(id).map_err(|_| DAMAGED)?;
            parse(&object.data).ok_or(Cow::Borrowed(DAMAGED))
        })
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps about `budget` bytes of what was used last: when the young half is full it becomes the old
/// one, and what is still old at the next turn goes.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    used: usize,
    budget: usize,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(budget: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), used: 0, budget }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (value, weight) = self.old.remove(key)?;
        self.put(key.clone(), value.clone(), weight);
        Some(value)
    }

    pub(crate) fn put(&mut self, key: K, value: V, weight: usize) {
        if self.used + weight > self.budget / 2 {
            self.old = std::mem::take(&mut self.young);
            self.used = 0;
        }
        self.used += weight;
        self.young.insert(key, (value, weight));
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, Mode};

    #[test]
    fn modes_go_by_type() {
        assert_eq!(Mode::parse(b"100664"), Some(Mode::File));
        assert_eq!(Mode::parse(b"40000"), Some(Mode::Folder));
        assert_eq!(Mode::parse(b"120000"), Some(Mode::Link));
        assert_eq!(Mode::parse(b"160000"), Some(Mode::Submodule));
        assert_eq!(Mode::parse(b"x"), None);
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::new(100);
        for key in 0..1000 {
            cache.put(key, key, 10);
            cache.get(&0);
        }
        assert!(cache.young.len() + cache.old.len() <= 11);
        assert_eq!(cache.get(&0), Some(0));
    }
}
