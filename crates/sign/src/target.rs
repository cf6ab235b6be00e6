//! The target: the one reading of path and query that signature and routing share, beside the bytes it
//! was read from, which are what is forwarded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::TargetError;
use crate::limits::{MAX_QUERY_PAIRS, MAX_SEGMENTS, MAX_TARGET_BYTES};

/// Everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path and query of a request.
///
/// Two spellings of one target (`%7e` and `~`, `a` and `a=`) are equal: what is signed and routed is derived
/// from the decoded parts. What is sent on are the bytes that came, since a backend may read more out of
/// them than the signature says; they are read back as the same target, so nothing goes on that was not
/// signed.
///
/// - Path: no encoded slash, no dot segment, no empty segment, no `;`, no backslash, no control
///   character. A `%` that is still there after decoding (`%252F`) is an ordinary character.
/// - Query: pairs between `&`; empty ones (`a&&b`) are no pairs; a name without `=` has the empty
///   value; `+` is a plus sign, not a blank.
/// - A trailing slash is not signed, since `/x` and `/x/` have one signature, but it is kept:
///   [`Target::has_trailing_slash`] tells an empty last id (`/apps/`) from the list (`/apps`).
#[derive(Debug, Clone)]
pub struct Target {
    /// The target as it came, and behind it all decoded parts one after the other: the segments, then the
    /// names and values. One piece of memory instead of one for each, since this is read on every call.
    text: String,
    /// How long the target is as it came.
    wire: usize,
    /// How long its path is.
    wire_path: usize,
    /// Where each segment ends in `text`.
    segments: Vec<usize>,
    /// Where each name and its value end in `text`.
    pairs: Vec<(usize, usize)>,
    trailing_slash: bool,
    canonical_path: String,
    canonical_query: String,
    odd: Option<TargetError>,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.canonical_path == other.canonical_path
            && self.trailing_slash == other.trailing_slash
            && self.query().eq(other.query())
    }
}

impl Eq for Target {}

impl Target {
    /// Reads a path and query as it stands in the request line, beginning with `/`.
    ///
    /// # Errors
    ///
    /// [`TargetError`] names the first rule that is broken.
    pub fn parse(path_and_query: &str) -> Result<Self, TargetError> {
        Self::read(path_and_query, false)
    }

    /// Reads it as [`Target::parse`] does, but lets `%2F`, `%5C` and `;` stand in the path. Servers
    /// read these in different ways, so [`Target::odd`] tells of them, and who goes on with such a
    /// target must want it.
    ///
    /// To whichever server takes whichever of them for the end of a segment or of its name, the path
    /// still has no empty segment and no dot segment.
    ///
    /// # Errors
    ///
    /// [`TargetError`] names the first rule that is broken.
    pub fn parse_odd(path_and_query: &str) -> Result<Self, TargetError> {
        Self::read(path_and_query, true)
    }

    fn read(path_and_query: &str, lets_odd: bool) -> Result<Self, TargetError> {
        if path_and_query.len() > MAX_TARGET_BYTES {
            return Err(TargetError::TooLong);
        }
        let (wire_path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let path = wire_path.strip_prefix('/').ok_or(TargetError::NotOriginForm)?;
        let mut text = String::with_capacity(2 * path_and_query.len());
        text.push_str(path_and_query);
        let mut target = Self {
            text,
            wire: path_and_query.len(),
            wire_path: wire_path.len(),
            segments: Vec::with_capacity(8),
            pairs: Vec::with_capacity(8),
            trailing_slash: true,
            canonical_path: String::with_capacity(path.len() + 2),
            canonical_query: String::with_capacity(query.len()),
            odd: None,
        };
        let is_plain = target.read_path(path)?;
        let odd = if is_plain { None } else { target.segments().find_map(oddness) };
        match odd {
            Some(error) if !lets_odd => return Err(error),
            Some(_) => target.segments().try_for_each(check_parts)?,
            None => {}
        }
        target.odd = odd;
        let is_sorted = target.read_query(query)?;
        if !is_sorted {
            target.canonical_query = target.sorted_query(query.len());
        }
        // Encoding can make it longer. Without this the canonical form could be too long to be
        // read again by the next one in line.
        let question_mark = usize::from(!target.pairs.is_empty());
        let slash = usize::from(!target.trailing_slash);
        let canonical = target.canonical_path.len() - slash + question_mark;
        if canonical + target.canonical_query.len() > MAX_TARGET_BYTES {
            return Err(TargetError::TooLong);
        }
        Ok(target)
    }

    /// Reads what follows the first slash. Tells whether all of it is plain.
    fn read_path(&mut self, path: &str) -> Result<bool, TargetError> {
        self.canonical_path.push('/');
        let mut all_plain = true;
        if path.is_empty() {
            return Ok(all_plain);
        }
        let (path, trailing_slash) =
            path.strip_suffix('/').map_or((path, false), |path| (path, true));
        self.trailing_slash = trailing_slash;
        for wire in path.split('/') {
            if self.segments.len() == MAX_SEGMENTS {
                return Err(TargetError::TooManySegments);
            }
            let start = self.text.len();
            if is_plain(wire) {
                check_part(wire)?;
                self.text.push_str(wire);
                self.canonical_path.push_str(wire);
            } else {
                all_plain = false;
                read_segment(wire, &mut self.text)?;
                encode(self.text.get(start..).unwrap_or_default(), &mut self.canonical_path);
            }
            self.segments.push(self.text.len());
            self.canonical_path.push('/');
        }
        Ok(all_plain)
    }

    /// Reads the pairs, and writes them as they are signed, in the order they come. Tells whether that is the
    /// order of the signature, too, as with most clients it is.
    fn read_query(&mut self, wire: &str) -> Result<bool, TargetError> {
        for pair in pairs_of(wire) {
            if self.pairs.len() == MAX_QUERY_PAIRS {
                return Err(TargetError::TooManyPairs);
            }
            if !self.pairs.is_empty() {
                self.canonical_query.push('&');
            }
            self.read_pair(pair)?;
        }
        Ok(self.query().is_sorted())
    }

    fn read_pair(&mut self, wire: &str) -> Result<(), TargetError> {
        let start = self.text.len();
        let (end_of_name, end) = match plain_pair(wire) {
            Some((name, value)) => {
                for part in [name, "=", value] {
                    self.canonical_query.push_str(part);
                }
                self.text.push_str(name);
                self.text.push_str(value);
                (start + name.len(), self.text.len())
            }
            None => {
                check_pair(wire)?;
                let (name, value) = wire.split_once('=').unwrap_or((wire, ""));
                decode(name, &mut self.text)?;
                let end_of_name = self.text.len();
                decode(value, &mut self.text)?;
                let part = |range| self.text.get(range).unwrap_or_default();
                let (name, value) = (part(start..end_of_name), part(end_of_name..self.text.len()));
                if name.contains('\0') || value.contains('\0') {
                    return Err(TargetError::Control);
                }
                write_pair(name, value, &mut self.canonical_query);
                (end_of_name, self.text.len())
            }
        };
        self.pairs.push((end_of_name, end));
        Ok(())
    }

    fn sorted_query(&self, capacity: usize) -> String {
        let mut pairs: Vec<(&str, &str)> = self.query().collect();
        pairs.sort_unstable();
        let mut text = String::with_capacity(capacity);
        write_query(&mut text, pairs.into_iter());
        text
    }

    /// The decoded segments, none of them empty; `/` has none.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.segments.len()).map(|index| self.segment(index).unwrap_or_default())
    }

    /// One decoded segment.
    #[must_use]
    pub fn segment(&self, index: usize) -> Option<&str> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.segments.get(before)?,
            None => self.wire,
        };
        self.text.get(start..*self.segments.get(index)?)
    }

    /// Whether the path ends with `/`; true for `/` itself.
    #[must_use]
    pub fn has_trailing_slash(&self) -> bool {
        self.trailing_slash
    }

    /// What [`Target::parse`] would have refused it for; none for most targets.
    #[must_use]
    pub fn odd(&self) -> Option<TargetError> {
        self.odd
    }

    /// The places among [`Target::segments`] that servers read in different ways.
    pub fn odd_segments(&self) -> impl Iterator<Item = usize> {
        let is_odd = |(_, segment): &(usize, &str)| oddness(segment).is_some();
        self.segments().enumerate().filter(is_odd).map(|(index, _)| index)
    }

    /// The decoded pairs in the order they came.
    pub fn query(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let mut start = self.segments.last().copied().unwrap_or(self.wire);
        self.pairs.iter().map(move |&(name, value)| {
            let part = |range| self.text.get(range).unwrap_or_default();
            let pair = (part(start..name), part(name..value));
            start = value;
            pair
        })
    }

    /// The path as it is signed: every segment encoded, always with a slash at the end.
    #[must_use]
    pub fn canonical_path(&self) -> &str {
        &self.canonical_path
    }

    /// The query as it is signed: sorted by name, then value, before encoding.
    #[must_use]
    pub fn canonical_query(&self) -> &str {
        &self.canonical_query
    }

    /// The query as it is signed by those who sort the names and leave the values of one name in the
    /// order they are sent, as the official Java SDK does; none where that is [`canonical_query`].
    /// Either says the same of the request: which values each name has.
    ///
    /// [`canonical_query`]: Target::canonical_query
    #[must_use]
    pub fn query_sorted_by_name(&self) -> Option<String> {
        let mut pairs: Vec<(&str, &str)> = self.query().collect();
        // Stable, so that values stay as they are.
        pairs.sort_by_key(|(name, _)| *name);
        if pairs.is_sorted() {
            return None;
        }
        let mut text = String::with_capacity(self.canonical_query.len());
        write_query(&mut text, pairs.into_iter());
        Some(text)
    }

    /// The path in its canonical spelling, a slash at the end only if there was one.
    #[must_use]
    pub fn plain_path(&self) -> &str {
        let path = self.canonical_path.as_str();
        if self.trailing_slash { path } else { path.strip_suffix('/').unwrap_or(path) }
    }

    /// The path and query as they came.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        self.text.get(..self.wire).unwrap_or_default()
    }

    /// The path as it came.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(..self.wire_path).unwrap_or_default()
    }

    /// The query as it came; none if there was no question mark.
    #[must_use]
    pub fn raw_query(&self) -> Option<&str> {
        self.path_and_query().get(self.wire_path..)?.strip_prefix('?')
    }

    /// One segment as it came.
    #[must_use]
    pub fn raw_segment(&self, index: usize) -> Option<&str> {
        self.path().split('/').nth(index.checked_add(1)?).filter(|_| index < self.segments.len())
    }

    /// The pairs as they came, one for each of [`Target::query`].
    pub fn raw_pairs(&self) -> impl Iterator<Item = &str> {
        pairs_of(self.raw_query().unwrap_or_default())
    }
}

/// The pairs of a query.
fn pairs_of(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|pair| !pair.is_empty())
}

/// The unreserved characters of RFC 3986.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        plain[byte] =
            character.is_ascii_alphanumeric() || matches!(character, b'-' | b'_' | b'.' | b'~');
        byte += 1;
    }
    plain
};

/// Is there nothing in it to decode, to encode or to refuse? So it is with most parts of most calls.
fn is_plain(part: &str) -> bool {
    part.bytes().all(|byte| PLAIN[usize::from(byte)])
}

fn encode(part: &str, into: &mut String) {
    if is_plain(part) {
        into.push_str(part);
    } else {
        into.extend(utf8_percent_encode(part, ENCODED));
    }
}

/// Reads a segment that is not plain.
fn read_segment(wire: &str, into: &mut String) -> Result<(), TargetError> {
    for byte in wire.bytes() {
        refuse_everywhere(byte)?;
        let plain = byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,=:@;".contains(&byte);
        if !plain {
            return Err(TargetError::NotEncoded);
        }
    }
    let start = into.len();
    decode(wire, into)?;
    let segment = into.get(start..).unwrap_or_default();
    check_part(segment)?;
    if segment.chars().any(char::is_control) {
        return Err(TargetError::Control);
    }
    Ok(())
}

/// The first character of a decoded segment that servers read in different ways.
fn oddness(segment: &str) -> Option<TargetError> {
    segment.bytes().find_map(|byte| match byte {
        b'/' => Some(TargetError::EncodedSlash),
        b'\\' => Some(TargetError::Backslash),
        // Some servers read `/a;x/b` as `/a/b`, also when it is encoded.
        b';' => Some(TargetError::Semicolon),
        _ => None,
    })
}

/// The rules of segments, for each part that some server may take for one. What follows a `;` is no
/// part of its name.
fn check_parts(segment: &str) -> Result<(), TargetError> {
    for part in segment.split(['/', '\\']) {
        check_part(part.split(';').next().unwrap_or_default())?;
    }
    Ok(())
}

/// No segment is empty, and none leads elsewhere.
fn check_part(part: &str) -> Result<(), TargetError> {
    match part {
        "" => Err(TargetError::EmptySegment),
        "." | ".." => Err(TargetError::DotSegment),
        _ => Ok(()),
    }
}

fn check_pair(pair: &str) -> Result<(), TargetError> {
    for byte in pair.bytes().filter(|byte| !PLAIN[usize::from(*byte)]) {
        refuse_everywhere(byte)?;
        // Clients differ in what they leave plain here, and no reader cuts a value at any of
        // these, so all visible characters are taken.
        if !byte.is_ascii_graphic() {
            return Err(TargetError::NotEncoded);
        }
    }
    Ok(())
}

fn refuse_everywhere(byte: u8) -> Result<(), TargetError> {
    match byte {
        b'#' => Err(TargetError::Fragment),
        b'\\' => Err(TargetError::Backslash),
        byte if byte.is_ascii_control() => Err(TargetError::Control),
        _ => Ok(()),
    }
}

fn decode(wire: &str, into: &mut String) -> Result<(), TargetError> {
    if !wire.contains('%') {
        into.push_str(wire);
        return Ok(());
    }
    // The decoder passes a broken escape through, where another reader may see something in it.
    let well_formed = wire.split('%').skip(1).all(|after| {
        matches!(after.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    if !well_formed {
        return Err(TargetError::BadEscape);
    }
    let decoded = percent_decode_str(wire).decode_utf8().map_err(|_| TargetError::NotUtf8)?;
    into.push_str(&decoded);
    Ok(())
}

fn write_query<'q>(text: &mut String, pairs: impl Iterator<Item = (&'q str, &'q str)>) {
    for (index, (name, value)) in pairs.enumerate() {
        if index > 0 {
            text.push('&');
        }
        write_pair(name, value, text);
    }
}

fn write_pair(name: &str, value: &str, into: &mut String) {
    encode(name, into);
    into.push('=');
    encode(value, into);
}

/// A pair in which there is nothing to decode, to encode or to refuse.
fn plain_pair(wire: &str) -> Option<(&str, &str)> {
    let is_not_plain = |byte: u8| !PLAIN[usize::from(byte)];
    let Some(end_of_name) = wire.bytes().position(is_not_plain) else { return Some((wire, "")) };
    let value = wire.get(end_of_name..)?.strip_prefix('=')?;
    is_plain(value).then_some((wire.get(..end_of_name)?, value))
}
