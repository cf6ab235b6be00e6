//! The index as bytes, in parts, and back: what a snapshot file holds before it is sealed.
//!
//! ```text
//! instances served, epoch, revision, its stamp, digest, number of the next app, order of the grants, number of
//!     parts of apps and of APIs, instances that name hosts, the project that serves other hosts
//! apps with their numbers, some thousand in a part
//! APIs, some hundred in a part
//! doors by number, gaps included; tokens
//! grants, a node in each part, as they stand in memory
//! ```
//!
//! Reading trusts nothing: everything must be known that is referred to, nothing may come twice, and
//! nothing may follow the end. Parts of one kind are read by several threads at once.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::thread;

use zeroize::Zeroizing;

use super::code::{Broken, Code, put_len};
use super::grants::{Grants, NODES};
use super::{Api, App, Door, Index, Serves, Stale};
use crate::feed::{FeedApi, FeedApp, FeedInstance, FeedPublication, FeedToken};
use crate::limits::MAX_START_THREADS;

/// App numbers up to here are looked up in a table; above, and above so many times the number of
/// apps, in a set.
const PLAIN_NUMBERS: usize = 1 << 16;

const APPS_PER_PART: usize = 2_048;
const APIS_PER_PART: usize = 256;

/// Room for a part while it is written. Wiping it is most of what a small index costs to write, and the
/// fuzzer's are all small.
const ROOM: usize = if cfg!(fuzzing) { 1 << 13 } else { 1 << 19 };

/// What was written, part by part.
pub trait Parts: Sync {
    /// Reads the next part, if its number is below `before`, and tells its number. Several threads
    /// may ask at once.
    fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>>;

    /// Makes sure that there are no more.
    fn end(&self) -> io::Result<()>;

    /// So many threads may read them.
    fn readers(&self) -> usize {
        thread::available_parallelism().map_or(1, usize::from).min(MAX_START_THREADS)
    }
}

impl Index {
    /// Writes all of it but what can be made anew. `put` takes a part and leaves it empty.
    pub fn write(&self, mut put: impl FnMut(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        // Records of apps hold their secrets.
        let mut out = Zeroizing::new(Vec::with_capacity(ROOM));
        self.serves.put(&mut out);
        self.epoch.to_string().put(&mut out);
        self.revision.put(&mut out);
        self.stamp.to_string().put(&mut out);
        self.digest.put(&mut out);
        self.next_app.put(&mut out);
        self.grants.mix().put(&mut out);
        let apps: Vec<&Arc<App>> = self.apps.iter().collect();
        let apis: Vec<&Arc<Api>> = self.apis.values().collect();
        put_len(apps.len().div_ceil(APPS_PER_PART), &mut out);
        put_len(apis.len().div_ceil(APIS_PER_PART), &mut out);
        let mut instances: Vec<FeedInstance> = self.spaces.instances().collect();
        instances.sort_unstable_by(|a, b| (&a.project, &a.id).cmp(&(&b.project, &b.id)));
        instances.put(&mut out);
        self.spaces.default_project().cloned().put(&mut out);
        put(&mut out)?;
        for apps in apps.chunks(APPS_PER_PART) {
            put_len(apps.len(), &mut out);
            for app in apps {
                app.number.put(&mut out);
                app.feed.put(&mut out);
            }
            put(&mut out)?;
        }
        for apis in apis.chunks(APIS_PER_PART) {
            put_len(apis.len(), &mut out);
            apis.iter().for_each(|api| api.feed.put(&mut out));
            put(&mut out)?;
        }
        put_len(self.doors.len(), &mut out);
        for door in self.doors.iter() {
            door.as_ref().map(|door| door.publication()).put(&mut out);
        }
        put_len(self.tokens.len(), &mut out);
        self.tokens.values().for_each(|token| token.put(&mut out));
        put(&mut out)?;
        for n in 0..NODES {
            self.grants.put_node(n, &mut out);
            put(&mut out)?;
        }
        Ok(())
    }

    /// Reads what [`Index::write`] wrote, for a gate that serves these instances.
    ///
    /// # Errors
    ///
    /// [`Broken`] says what is wrong with the bytes. Any bytes may be given: reading them takes no
    /// more memory than in proportion to their number.
    pub fn read(
        parts: &impl Parts,
        serves: &Arc<Serves>,
        calls_per_api: usize,
    ) -> Result<Self, Broken> {
        let mut index = Self::empty(Arc::clone(serves), calls_per_api);
        let mut part = Zeroizing::new(Vec::new());
        let read = &mut Reader { parts, next: 0 };
        let mut head = read.one(&mut part)?;
        if Serves::get(&mut head)? != **serves {
            return Err(Broken::Malformed("it is of a gate that serves other instances"));
        }
        index.epoch = Arc::from(String::get(&mut head)?);
        index.revision = Code::get(&mut head)?;
        index.stamp = Arc::from(String::get(&mut head)?);
        index.digest = Code::get(&mut head)?;
        index.next_app = Code::get(&mut head)?;
        let mix = Code::get(&mut head)?;
        let (apps, apis) = (u32::get(&mut head)?, u32::get(&mut head)?);
        index.get_spaces(&mut head)?;
        ended(head)?;
        let numbers = index.take_apps(read.all(apps.into(), |_, part| get_apps(part))?)?;
        index.take_apis(read.all(apis.into(), |_, part| get_apis(part, calls_per_api))?)?;
        let mut rest = read.one(&mut part)?;
        index.get_doors(&mut rest)?;
        let tokens: Vec<FeedToken> = Code::get(&mut rest)?;
        ended(rest)?;
        let count = tokens.len();
        index.tokens = Arc::new(tokens.into_iter().map(|token| (token.hash, token)).collect());
        if index.tokens.len() < count {
            return Err(Broken::Malformed("a token comes twice"));
        }
        let places: Vec<bool> = index.doors.iter().map(Option::is_some).collect();
        let known = |pair: super::Pair| {
            let place = usize::try_from(pair.place).ok().and_then(|place| places.get(place));
            place.is_some_and(|is_there| *is_there) && numbers.contain(pair.app)
        };
        let nodes = read.all(NODES as u64, |n, part| Grants::get_node(&mix, n, part, known))?;
        parts.end()?;
        index.grants = Grants::of(mix, nodes);
        let known = index.apis.values().map(|api| api.feed.project.clone()).collect();
        let doors = index.doors.iter().flatten();
        let space =
            |door: &Arc<Door>| index.spaces.space_of(&door.api.feed.project, &door.instance);
        let live = doors.map(space).collect();
        index.route_anew(Stale { known, live });
        Ok(index)
    }

    fn get_spaces(&mut self, from: &mut &[u8]) -> Result<(), Broken> {
        let instances: Vec<FeedInstance> = Code::get(from)?;
        let key = |instance: &FeedInstance| (instance.project.clone(), instance.id.clone());
        if !instances.is_sorted_by(|a, b| key(a) < key(b))
            || instances.iter().any(|instance| instance.hosts.is_empty())
        {
            return Err(Broken::Malformed("an instance comes twice, or names no hosts"));
        }
        let spaces = Arc::make_mut(&mut self.spaces);
        for instance in instances {
            spaces.put(instance);
        }
        spaces.index();
        if let Some(project) = Code::get(from)? {
            spaces.set_default(project);
        }
        Ok(())
    }

    fn take_apps(&mut self, parts: Vec<Vec<Arc<App>>>) -> Result<Numbers, Broken> {
        are_filled(&parts, APPS_PER_PART)?;
        let count = parts.iter().map(Vec::len).sum();
        let mut numbers = Numbers::room_for(count, self.next_app);
        Arc::make_mut(&mut self.apps).reserve(count);
        Arc::make_mut(&mut self.keys).reserve(count);
        for app in parts.into_iter().flatten() {
            let is_new = numbers.add(app.number) && self.app(&app.feed.id).is_none();
            if !is_new || app.number >= self.next_app {
                return Err(Broken::Malformed("an app comes twice"));
            }
            self.keep_app(app);
        }
        Ok(numbers)
    }

    fn take_apis(&mut self, parts: Vec<Vec<Arc<Api>>>) -> Result<(), Broken> {
        are_filled(&parts, APIS_PER_PART)?;
        let apis = Arc::make_mut(&mut self.apis);
        for api in parts.into_iter().flatten() {
            if apis.insert(api.feed.id.clone(), api).is_some() {
                return Err(Broken::Malformed("an API comes twice"));
            }
        }
        Ok(())
    }

    fn get_doors(&mut self, from: &mut &[u8]) -> Result<(), Broken> {
        let count = u32::get(from)?;
        for number in 0..u64::from(count) {
            let Some(record) = Option::<FeedPublication>::get(from)? else {
                Arc::make_mut(&mut self.doors).push(None);
                continue;
            };
            let FeedPublication { api, instance, status, published_at } = record;
            let is_new = self.place(&api, &instance).is_none() && self.serves.contains(&instance);
            let Some(api) = self.apis.get(&api).filter(|_| is_new).cloned() else {
                return Err(Broken::Malformed("a publication of nothing, or one comes twice"));
            };
            self.keep_door(Door { api, instance, status, published_at, number });
        }
        Ok(())
    }
}

/// Apps of one account and project, as many are, share the texts of both.
fn get_apps(mut part: &[u8]) -> Result<Vec<Arc<App>>, Broken> {
    let count = u32::get(&mut part)?;
    let mut apps: Vec<Arc<App>> = Vec::new();
    for _ in 0..count {
        let (number, mut feed) = (u64::get(&mut part)?, FeedApp::get(&mut part)?);
        if let Some(before) = apps.last() {
            if feed.domain == before.feed.domain {
                feed.domain = before.feed.domain.clone();
            }
            if feed.project == before.feed.project {
                feed.project = before.feed.project.clone();
            }
        }
        apps.push(Arc::new(App { feed, number }));
    }
    ended(part).map(|()| apps)
}

fn get_apis(mut part: &[u8], calls_per_api: usize) -> Result<Vec<Arc<Api>>, Broken> {
    let all: Vec<FeedApi> = Code::get(&mut part)?;
    ended(part)?;
    Ok(all.into_iter().map(|feed| Arc::new(Api::new(feed, calls_per_api))).collect())
}

/// All parts are full but the last one, and that is not empty.
fn are_filled<T>(parts: &[Vec<T>], most: usize) -> Result<(), Broken> {
    let Some((last, full)) = parts.split_last() else { return Ok(()) };
    if full.iter().all(|part| part.len() == most) && (1..=most).contains(&last.len()) {
        Ok(())
    } else {
        Err(Broken::Malformed("a part holds more or fewer than it should"))
    }
}

fn ended(rest: &[u8]) -> Result<(), Broken> {
    if rest.is_empty() { Ok(()) } else { Err(Broken::Malformed("something follows its end")) }
}

/// Reads parts in their order.
struct Reader<'p, P> {
    parts: &'p P,
    next: u64,
}

impl<P: Parts> Reader<'_, P> {
    /// The next part.
    fn one<'b>(&mut self, part: &'b mut Vec<u8>) -> Result<&'b [u8], Broken> {
        self.next += 1;
        self.parts.next(self.next, part)?.ok_or(Broken::Malformed("a part is missing"))?;
        Ok(part)
    }

    /// The next parts, so many, each made into something by one of several threads.
    fn all<T: Send>(
        &mut self,
        count: u64,
        make: impl Fn(usize, &[u8]) -> Result<T, Broken> + Sync,
    ) -> Result<Vec<T>, Broken> {
        let (parts, first) = (self.parts, self.next);
        self.next += count;
        let before = self.next;
        let work = || {
            let (mut part, mut made) = (Zeroizing::new(Vec::new()), Vec::new());
            while let Some(n) = parts.next(before, &mut part)? {
                made.push((n, make(n.saturating_sub(first) as usize, &part)?));
            }
            Ok(made)
        };
        let threads = parts.readers().min(usize::try_from(count).unwrap_or(1));
        let mut made: Vec<(u64, T)> = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut made = work();
            for other in others {
                let more = other.join().map_err(|_| Broken::Malformed("its reader failed"));
                made = made.and_then(|mut made| {
                    made.append(&mut more.flatten()?);
                    Ok(made)
                });
            }
            made
        })?;
        made.sort_unstable_by_key(|(n, _)| *n);
        Ok(made.into_iter().map(|(_, made)| made).collect())
    }
}

/// The numbers of all apps: asked ten million times.
struct Numbers {
    plain: Vec<bool>,
    others: HashSet<u64>,
}

impl Numbers {
    /// Room for the numbers of so many apps, all below `next`.
    fn room_for(count: usize, next: u64) -> Self {
        let most = PLAIN_NUMBERS.max(count.saturating_mul(8));
        let plain = vec![false; usize::try_from(next).map_or(most, |next| next.min(most))];
        Self { plain, others: HashSet::new() }
    }

    /// Adds a number; false if it is there already.
    fn add(&mut self, number: u64) -> bool {
        match usize::try_from(number).ok().and_then(|n| self.plain.get_mut(n)) {
            Some(known) => !std::mem::replace(known, true),
            None => self.others.insert(number),
        }
    }

    fn contain(&self, number: u64) -> bool {
        let plain = usize::try_from(number).ok().and_then(|n| self.plain.get(n));
        plain.copied().unwrap_or_else(|| self.others.contains(&number))
    }
}
