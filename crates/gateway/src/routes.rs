//! Routes: from host space, method and path to the places (API, instance) that may answer.
//!
//! Paths are matched in their canonical form, the one that is signed, and only by their shape: two
//! APIs that name the same placeholder differently are on one route. Every host space has routes of
//! its own, and a call is looked up in one: so no route of one tenant answers a call of another.
//!
//! Of several routes a path is on, the most specific one counts and no other is looked at: a literal
//! segment comes before a placeholder, the first difference counting.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use percent_encoding::utf8_percent_encode;
use tidegate_domain::ProjectId;
use tidegate_domain::api::{Method, is_placeholder};
use tidegate_sign::Target;

use crate::plan::ENCODED;
use crate::space::Space;

/// An API's path, ready to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The path with its placeholders numbered: `/orders/{p0}`.
    pub(crate) pattern: String,
    /// For each placeholder the segment it stands in, and its name.
    pub(crate) placeholders: Vec<(usize, String)>,
}

impl Shape {
    /// Reads a path as its author wrote it.
    pub(crate) fn read(path: &str) -> Self {
        let mut pattern = String::with_capacity(path.len());
        let mut placeholders = Vec::new();
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        for (index, segment) in segments.enumerate() {
            pattern.push('/');
            if is_placeholder(segment) {
                let name = segment.trim_start_matches('{').trim_end_matches('}');
                pattern.push_str(&format!("{{p{}}}", placeholders.len()));
                placeholders.push((index, name.to_owned()));
            } else {
                // Written with escapes, or plainly; either way callers reach it by its canonical form.
                match Target::parse(&format!("/{segment}")) {
                    Ok(target) => pattern.push_str(target.canonical_path().trim_matches('/')),
                    Err(_) => pattern.extend(utf8_percent_encode(segment, ENCODED)),
                }
            }
        }
        if pattern.is_empty() {
            pattern.push('/');
        }
        Self { pattern, placeholders }
    }
}

/// The path that is matched: the signed one without the slash at its end, which no signature tells
/// from its absence.
fn path_of(target: &Target) -> &str {
    let path = target.canonical_path();
    match path.strip_suffix('/') {
        Some("") | None => path,
        Some(path) => path,
    }
}

/// The segments of a path or pattern.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').filter(|_| !path.is_empty())
}

/// Is this segment of a pattern a placeholder? No literal one has a brace in its canonical form.
fn is_open(segment: &str) -> bool {
    segment.starts_with('{')
}

/// The routes of one method: a group for each number of segments and choice of those that are
/// placeholders. In a group a route is found by the hash of its other segments.
pub(crate) struct Table<T> {
    hasher: DefaultHashBuilder,
    /// By number of segments; of those with the same number the one comes first that has a literal
    /// where another has a placeholder, the first difference counting.
    groups: Vec<Group<T>>,
}

struct Group<T> {
    segments: usize,
    /// A bit for each segment that is a placeholder, the first segment's bit being the highest.
    open: u64,
    routes: HashTable<(Box<str>, T)>,
}

/// The bit of a segment; none of one beyond those a call can have.
fn bit(segment: usize) -> u64 {
    let shift = u32::try_from(segment).ok().and_then(|n| (u64::BITS - 1).checked_sub(n));
    shift.map_or(0, |shift| 1 << shift)
}

const _: () = assert!(tidegate_sign::MAX_SEGMENTS <= u64::BITS as usize);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { hasher: DefaultHashBuilder::default(), groups: Vec::new() }
    }
}

impl<T> Table<T> {
    /// The routes with these patterns. A pattern no call can have has no route: it is told in the log.
    fn new(entries: HashMap<&str, T>) -> Self {
        let mut table = Self::default();
        for (pattern, value) in entries {
            let count = segments(pattern).count();
            if count > tidegate_sign::MAX_SEGMENTS {
                tracing::error!(pattern, "no route for this path: it has too many segments");
                continue;
            }
            let open = segments(pattern).enumerate().filter(|(_, segment)| is_open(segment));
            let open = open.fold(0, |open, (n, _)| open | bit(n));
            table.add(count, open, pattern, value);
        }
        table
    }

    fn add(&mut self, segments: usize, open: u64, pattern: &str, value: T) {
        let key = |group: &Group<T>| (group.segments, group.open);
        let at = match self.groups.binary_search_by_key(&(segments, open), key) {
            Ok(at) => at,
            Err(at) => {
                self.groups.insert(at, Group { segments, open, routes: HashTable::new() });
                at
            }
        };
        let hasher = &self.hasher;
        if let Some(group) = self.groups.get_mut(at) {
            let hash = |pattern: &str| hash(hasher, open, pattern);
            let entry = (Box::from(pattern), value);
            group.routes.insert_unique(hash(pattern), entry, |(pattern, _)| hash(pattern));
        }
    }

    fn at(&self, target: &Target) -> Option<&T> {
        let path = path_of(target);
        let count = segments(path).count();
        let first = self.groups.partition_point(|group| group.segments < count);
        let of_length = self.groups.iter().skip(first).take_while(|g| g.segments == count);
        of_length.into_iter().find_map(|group| {
            let hash = hash(&self.hasher, group.open, path);
            let found = group.routes.find(hash, |(pattern, _)| is_on(pattern, path));
            found.map(|(_, value)| value)
        })
    }
}

/// The hash of the segments that are no placeholders.
fn hash(hasher: &DefaultHashBuilder, open: u64, path: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    for (_, segment) in segments(path).enumerate().filter(|(n, _)| open & bit(*n) == 0) {
        segment.hash(&mut hasher);
    }
    hasher.finish()
}

/// Is a path of as many segments on the route with this pattern?
fn is_on(pattern: &str, path: &str) -> bool {
    let mut both = segments(pattern).zip(segments(path));
    both.all(|(pattern, segment)| is_open(pattern) || pattern == segment)
}

/// The routes of both methods.
pub(crate) struct Tables<T> {
    get: Table<T>,
    post: Table<T>,
}

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self { get: Table::default(), post: Table::default() }
    }
}

impl<T> Tables<T> {
    fn at(&self, method: Method, target: &Target) -> Option<&T> {
        match method {
            Method::Get => self.get.at(target),
            Method::Post => self.post.at(target),
        }
    }
}

/// All routes.
#[derive(Clone, Default)]
pub(crate) struct Routes {
    /// By host space: the places of the one API that holds a route there, by their numbers.
    live: HashMap<Space, Arc<Tables<Vec<u64>>>>,
    /// By project: all paths of its APIs, published or not.
    known: HashMap<ProjectId, Arc<Tables<()>>>,
}

/// One API on a route.
pub(crate) struct Entry<'a> {
    /// The number of its place.
    pub(crate) place: u64,
    pub(crate) method: Method,
    pub(crate) shape: &'a Shape,
}

/// What is on a route.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// These places, in the order in which they were set.
    Places(&'a [u64]),
    /// APIs, but none that is published.
    Unpublished,
    /// Nothing.
    Nothing,
}

impl Routes {
    /// What is on the route of a call to this host space.
    pub(crate) fn find(&self, space: &Space, method: Method, target: &Target) -> Found<'_> {
        if let Some(places) = self.live.get(space).and_then(|tables| tables.at(method, target)) {
            return Found::Places(places);
        }
        match self.known.get(space.project()).and_then(|tables| tables.at(method, target)) {
            Some(()) => Found::Unpublished,
            None => Found::Nothing,
        }
    }

    /// Replaces the routes of a host space. Places of one route are kept in the order given, as far as
    /// `is_beside` says that they may stand beside the first.
    pub(crate) fn set_live(
        &mut self,
        space: &Space,
        entries: Vec<Entry<'_>>,
        is_beside: impl Fn(u64, u64) -> bool,
    ) {
        let add = |places: &mut Vec<u64>, place| {
            if places.first().is_none_or(|first| is_beside(*first, place)) {
                places.push(place);
            }
        };
        match tables(entries, add) {
            Some(tables) => drop(self.live.insert(space.clone(), Arc::new(tables))),
            None => drop(self.live.remove(space)),
        }
    }

    /// Replaces the paths of all APIs of a project.
    pub(crate) fn set_known(&mut self, project: &ProjectId, entries: Vec<Entry<'_>>) {
        match tables(entries, |(), _| ()) {
            Some(tables) => drop(self.known.insert(project.clone(), Arc::new(tables))),
            None => drop(self.known.remove(project)),
        }
    }
}

fn tables<T: Default>(entries: Vec<Entry<'_>>, add: impl Fn(&mut T, u64)) -> Option<Tables<T>> {
    if entries.is_empty() {
        return None;
    }
    let (mut get, mut post) = (HashMap::new(), HashMap::new());
    for entry in entries {
        let of_method = match entry.method {
            Method::Get => &mut get,
            Method::Post => &mut post,
        };
        let on_route = of_method.entry(entry.shape.pattern.as_str()).or_default();
        add(on_route, entry.place);
    }
    Some(Tables { get: Table::new(get), post: Table::new(post) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_domain::InstanceId;

    fn project(id: &str) -> ProjectId {
        ProjectId::parse(id).unwrap()
    }

    fn entries(shapes: &[Shape]) -> Vec<Entry<'_>> {
        let entry = |(shape, place)| Entry { place, method: Method::Get, shape };
        shapes.iter().zip(0..).map(entry).collect()
    }

    fn found(paths: &[&str], call: &str) -> Vec<u64> {
        let shapes: Vec<Shape> = paths.iter().map(|path| Shape::read(path)).collect();
        let mut routes = Routes::default();
        let space = Space::Unnamed(project("p"));
        routes.set_live(&space, entries(&shapes), |_, _| true);
        match routes.find(&space, Method::Get, &Target::parse(call).unwrap()) {
            Found::Places(places) => places.to_vec(),
            Found::Unpublished | Found::Nothing => Vec::new(),
        }
    }

    #[test]
    fn a_route_is_a_shape_however_it_is_spelled() {
        for (paths, call, expected) in [
            (&["/orders"][..], "/orders", &[0][..]),
            (&["/orders"], "/orders/", &[0]),
            (&["/orders/"], "/orders", &[0]),
            (&["/orders"], "/%6frders", &[0]),
            (&["/orders"], "/Orders", &[]),
            (&["/a%20b"], "/a%20b", &[0]),
            (&["/a b"], "/a%20b", &[0]),
            (&["/订单"], "/%E8%AE%A2%E5%8D%95", &[0]),
            (&["/a*b"], "/a*b", &[0]),
            (&["/a{b}c"], "/a%7Bb%7Dc", &[0]),
            (&["/"], "/", &[0]),
            (&["/{all}"], "/", &[]),
            (&["/orders/{id}", "/orders/{nr}"], "/orders/7", &[0, 1]),
            (&["/orders/{id}", "/orders/new"], "/orders/new", &[1]),
            (&["/orders/{id}"], "/orders/a%7Bb", &[0]),
            (&["/orders/{id}"], "/orders/7/lines", &[]),
            (&["/{a}/x", "/a/{b}"], "/a/x", &[1]),
            (&["/{a}/x/y", "/a/{b}"], "/a/x/y", &[0]),
            (&["/{a}/{b}/c", "/{a}/d"], "/1/2/c", &[0]),
            (&["/a/{b}/{c}", "/{a}/b/c"], "/a/b/c", &[0]),
            (&["/a/{b}/{c}", "/{a}/b/c"], "/x/b/c", &[1]),
            (&["/a/{b}/{c}", "/a/{b}/c", "/a/b/{c}"], "/a/b/c", &[2]),
            (&["/ab/c", "/a/bc"], "/a/bc", &[1]),
            (&["/{a}"], "/a/b", &[]),
        ] {
            assert_eq!(found(paths, call), expected, "{paths:?} {call}");
        }
    }

    #[test]
    fn every_host_space_routes_by_itself() {
        let shapes = ["/orders/{id}", "/orders/new"].map(Shape::read);
        let entry = |n: u64| Entry { place: n, method: Method::Get, shape: &shapes[n as usize] };
        let instance = InstanceId::shared();
        let named = |id| Space::Named(project(id), instance.clone());
        let mut routes = Routes::default();
        routes.set_live(&named("p"), vec![entry(0)], |_, _| true);
        routes.set_live(&named("q"), vec![entry(1)], |_, _| true);
        routes.set_known(&project("p"), vec![entry(0)]);
        let target = Target::parse("/orders/new").unwrap();
        let find = |routes: &Routes, space: &Space| match routes.find(space, Method::Get, &target) {
            Found::Places(places) => places.to_vec(),
            Found::Unpublished => vec![8],
            Found::Nothing => vec![9],
        };
        assert_eq!(find(&routes, &named("p")), [0]);
        assert_eq!(find(&routes, &named("q")), [1]);
        assert_eq!(find(&routes, &Space::Unnamed(project("p"))), [8], "known, and not here");
        assert_eq!(find(&routes, &Space::Unnamed(project("q"))), [9], "another's path is not told");
        assert_eq!(routes.find(&named("p"), Method::Post, &target), Found::Nothing);
        routes.set_live(&named("p"), Vec::new(), |_, _| true);
        assert_eq!(find(&routes, &named("p")), [8]);
    }

    #[test]
    fn of_one_route_only_what_stands_beside_the_first_is_kept() {
        let shapes = ["/a/{x}", "/a/{y}", "/a/{z}"].map(Shape::read);
        let mut routes = Routes::default();
        let space = Space::Unnamed(project("p"));
        routes.set_live(&space, entries(&shapes), |first, place| (first, place) == (0, 2));
        let target = Target::parse("/a/1").unwrap();
        assert_eq!(routes.find(&space, Method::Get, &target), Found::Places(&[0, 2]));
    }
}
