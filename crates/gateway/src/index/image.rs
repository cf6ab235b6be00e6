//! The index as bytes, and back: what a snapshot file holds before it is sealed.
//!
//! ```text
//! instances served, epoch, revision, digest, number of the next app
//! apps with their numbers; APIs; doors by number, gaps included; tokens
//! grants, a node at a time
//! ```
//!
//! Reading trusts nothing: everything must be known that is referred to, nothing may come twice, and
//! nothing may follow the end.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::Arc;

use tidegate_domain::publication::Status;
use tidegate_domain::{ApiId, InstanceId};
use zeroize::Zeroizing;

use super::code::{Broken, Code, code, put_len};
use super::grants::Grants;
use super::{Api, App, Door, Index, Serves, Stale};
use crate::feed::{FeedApi, FeedApp, FeedToken};

/// App numbers up to here are looked up in a table; above, and above so many times the number of
/// apps, in a set.
const PLAIN_NUMBERS: usize = 1 << 16;

/// Room is made for so many apps before the first one is read, whatever number is announced.
const MOST_EXPECTED: usize = 1 << 18;

/// A door, without what its API's record says.
struct DoorRecord {
    api: ApiId,
    instance: InstanceId,
    status: Status,
}

code!(DoorRecord { api, instance, status });

impl Index {
    /// Writes all of it but what can be made anew.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        // Records of apps hold their secrets.
        let mut out = Zeroizing::new(Vec::with_capacity(4_096));
        let mut flush = |out: &mut Vec<u8>| {
            let done = to.write_all(out);
            out.clear();
            done
        };
        self.serves.put(&mut out);
        self.epoch.to_string().put(&mut out);
        self.revision.put(&mut out);
        self.digest.put(&mut out);
        self.next_app.put(&mut out);
        put_len(self.apps.len(), &mut out);
        for app in self.apps.values() {
            app.number.put(&mut out);
            app.feed.put(&mut out);
            flush(&mut out)?;
        }
        put_len(self.apis.len(), &mut out);
        for api in self.apis.values() {
            api.feed.put(&mut out);
            flush(&mut out)?;
        }
        put_len(self.doors.len(), &mut out);
        for door in self.doors.iter() {
            let record = door.as_ref().map(|door| DoorRecord {
                api: door.api.feed.id.clone(),
                instance: door.instance.clone(),
                status: door.status,
            });
            record.put(&mut out);
            flush(&mut out)?;
        }
        put_len(self.tokens.len(), &mut out);
        for token in self.tokens.values() {
            token.put(&mut out);
            flush(&mut out)?;
        }
        flush(&mut out)?;
        self.grants.put(|part| to.write_all(part))
    }

    /// Reads what [`Index::write`] wrote, for a gate that serves these instances.
    ///
    /// # Errors
    ///
    /// [`Broken`] says what is wrong with the bytes. Any bytes may be given: reading them takes no
    /// more memory than in proportion to their number.
    pub fn read(
        from: &mut impl Read,
        serves: &Arc<Serves>,
        calls_per_api: usize,
    ) -> Result<Self, Broken> {
        let mut index = Self::empty(Arc::clone(serves), calls_per_api);
        if Serves::get(from)? != **serves {
            return Err(Broken::Malformed("it is of a gate that serves other instances"));
        }
        index.epoch = Arc::from(String::get(from)?);
        index.revision = Code::get(from)?;
        index.digest = Code::get(from)?;
        index.next_app = Code::get(from)?;
        let numbers = index.get_apps(from)?;
        index.get_apis(from)?;
        index.get_doors(from)?;
        index.get_tokens(from)?;
        index.grants = Grants::get_all(from, |pair| {
            index.door(pair.place).is_some() && numbers.contains(pair.app)
        })?;
        if from.read(&mut [0])? > 0 {
            return Err(Broken::Malformed("something follows its end"));
        }
        let instances = index.places.keys().cloned().collect();
        index.route_anew(Stale { known: true, instances });
        Ok(index)
    }

    fn get_apps(&mut self, from: &mut impl Read) -> Result<Numbers, Broken> {
        let count = u32::get(from)?;
        let expected = usize::try_from(count).unwrap_or(0).min(MOST_EXPECTED);
        let mut all = HashSet::with_capacity(expected);
        Arc::make_mut(&mut self.apps).reserve(expected);
        Arc::make_mut(&mut self.keys).reserve(expected);
        for _ in 0..count {
            let (number, feed) = (u64::get(from)?, FeedApp::get(from)?);
            let is_new = all.insert(number) && !self.apps.contains_key(&feed.id);
            if !is_new || number >= self.next_app {
                return Err(Broken::Malformed("an app comes twice"));
            }
            self.keep_app(Arc::new(App { feed, number }));
        }
        Ok(Numbers::of(all, self.next_app))
    }

    fn get_apis(&mut self, from: &mut impl Read) -> Result<(), Broken> {
        let count = u32::get(from)?;
        let apis = Arc::make_mut(&mut self.apis);
        for _ in 0..count {
            let api = Api::new(FeedApi::get(from)?, self.calls_per_api);
            if apis.insert(api.feed.id.clone(), Arc::new(api)).is_some() {
                return Err(Broken::Malformed("an API comes twice"));
            }
        }
        Ok(())
    }

    fn get_doors(&mut self, from: &mut impl Read) -> Result<(), Broken> {
        let count = u32::get(from)?;
        for number in 0..u64::from(count) {
            let Some(record) = Option::<DoorRecord>::get(from)? else {
                Arc::make_mut(&mut self.doors).push(None);
                continue;
            };
            let DoorRecord { api, instance, status } = record;
            let is_new = self.place(&api, &instance).is_none() && self.serves.contains(&instance);
            let Some(api) = self.apis.get(&api).filter(|_| is_new).cloned() else {
                return Err(Broken::Malformed("a publication of nothing, or one comes twice"));
            };
            self.keep_door(Door { api, instance, status, number });
        }
        Ok(())
    }

    fn get_tokens(&mut self, from: &mut impl Read) -> Result<(), Broken> {
        let count = u32::get(from)?;
        let tokens = Arc::make_mut(&mut self.tokens);
        for _ in 0..count {
            let token = FeedToken::get(from)?;
            if tokens.insert(token.hash, token).is_some() {
                return Err(Broken::Malformed("a token comes twice"));
            }
        }
        Ok(())
    }
}

/// The numbers of all apps: asked ten million times.
struct Numbers {
    plain: Vec<bool>,
    others: HashSet<u64>,
}

impl Numbers {
    /// The numbers of these apps, all below `next`.
    fn of(all: HashSet<u64>, next: u64) -> Self {
        let most = PLAIN_NUMBERS.max(all.len().saturating_mul(8));
        let mut plain = vec![false; usize::try_from(next).map_or(most, |next| next.min(most))];
        let mut others = HashSet::new();
        for number in all {
            match usize::try_from(number).ok().and_then(|n| plain.get_mut(n)) {
                Some(known) => *known = true,
                None => drop(others.insert(number)),
            }
        }
        Self { plain, others }
    }

    fn contains(&self, number: u64) -> bool {
        let plain = usize::try_from(number).ok().and_then(|n| self.plain.get(n));
        plain.copied().unwrap_or_else(|| self.others.contains(&number))
    }
}
