//! The canonical target: the one reading of path and query that signature, routing and forwarding
//! share.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::TargetError;
use crate::limits::{MAX_QUERY_PAIRS, MAX_SEGMENTS, MAX_TARGET_BYTES};

/// Everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path and query of a request.
///
/// Two spellings of one target (`%7e` and `~`, `a` and `a=`) give equal values, and everything that
/// is derived from it is derived from the decoded parts. So what was signed is what is routed and
/// what is sent on.
///
/// - Path: no encoded slash, no dot segment, no empty segment, no `;`, no backslash, no control
///   character. A `%` that is still there after decoding (`%252F`) is an ordinary character.
/// - Query: pairs between `&`; empty ones (`a&&b`) are dropped; a name without `=` has the empty
///   value; `+` is a plus sign, not a blank, and is sent on as `%2B`.
/// - A trailing slash is not signed, since `/x` and `/x/` have one signature, but it is kept:
///   [`Target::has_trailing_slash`] tells an empty last id (`/apps/`) from the list (`/apps`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    segments: Vec<String>,
    trailing_slash: bool,
    query: Vec<(String, String)>,
    canonical_path: String,
    forwarded: String,
    odd: Option<TargetError>,
}

impl Target {
    /// Reads a path and query as it stands in the request line, beginning with `/`.
    ///
    /// `target.path_and_query()` is read back as the same target.
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
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let path = path.strip_prefix('/').ok_or(TargetError::NotOriginForm)?;
        let (segments, trailing_slash) = read_path(path)?;
        let odd = segments.iter().find_map(|segment| oddness(segment));
        match odd {
            Some(error) if !lets_odd => return Err(error),
            Some(_) => segments.iter().try_for_each(|segment| check_parts(segment))?,
            None => {}
        }
        let query = read_query(query)?;

        let mut canonical_path = String::with_capacity(path_and_query.len() + 2);
        canonical_path.push('/');
        for segment in &segments {
            canonical_path.extend(utf8_percent_encode(segment, ENCODED));
            canonical_path.push('/');
        }
        let kept = if trailing_slash { None } else { canonical_path.strip_suffix('/') };
        let mut forwarded = kept.unwrap_or(&canonical_path).to_owned();
        if !query.is_empty() {
            forwarded.push('?');
            write_query(&mut forwarded, query.iter());
        }
        // Encoding can make it longer. Without this the canonical form could be too long to be
        // read again by the next one in line.
        if forwarded.len() > MAX_TARGET_BYTES {
            return Err(TargetError::TooLong);
        }
        Ok(Self { segments, trailing_slash, query, canonical_path, forwarded, odd })
    }

    /// The decoded segments, none of them empty; `/` has none.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
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
        let is_odd = |(_, segment): &(usize, &String)| oddness(segment).is_some();
        self.segments.iter().enumerate().filter(is_odd).map(|(index, _)| index)
    }

    /// The decoded pairs in the order they came.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The path as it is signed: every segment encoded, always with a slash at the end.
    #[must_use]
    pub fn canonical_path(&self) -> &str {
        &self.canonical_path
    }

    /// The query as it is signed: sorted by name, then value, before encoding.
    #[must_use]
    pub fn canonical_query(&self) -> String {
        let mut sorted: Vec<&(String, String)> = self.query.iter().collect();
        sorted.sort();
        let mut text = String::new();
        write_query(&mut text, sorted.into_iter());
        text
    }

    /// The path to send on: every segment encoded, a slash at the end only if there was one.
    #[must_use]
    pub fn path(&self) -> &str {
        self.forwarded.split_once('?').map_or(self.forwarded.as_str(), |(path, _)| path)
    }

    /// The path and query to send on, the pairs in the order they came.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.forwarded
    }
}

/// Reads what follows the first slash.
fn read_path(path: &str) -> Result<(Vec<String>, bool), TargetError> {
    if path.is_empty() {
        return Ok((Vec::new(), true));
    }
    let (path, trailing_slash) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
    let mut segments = Vec::new();
    for segment in path.split('/') {
        if segments.len() == MAX_SEGMENTS {
            return Err(TargetError::TooManySegments);
        }
        segments.push(read_segment(segment)?);
    }
    Ok((segments, trailing_slash))
}

fn read_segment(wire: &str) -> Result<String, TargetError> {
    for byte in wire.bytes() {
        refuse_everywhere(byte)?;
        let plain = byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,=:@;".contains(&byte);
        if !plain {
            return Err(TargetError::NotEncoded);
        }
    }
    let segment = decode(wire)?;
    match segment.as_str() {
        "" => return Err(TargetError::EmptySegment),
        "." | ".." => return Err(TargetError::DotSegment),
        _ => {}
    }
    if segment.chars().any(char::is_control) {
        return Err(TargetError::Control);
    }
    Ok(segment)
}

/// The first character of a decoded segment that servers read in different ways.
fn oddness(segment: &str) -> Option<TargetError> {
    segment.chars().find_map(|character| match character {
        '/' => Some(TargetError::EncodedSlash),
        '\\' => Some(TargetError::Backslash),
        // Some servers read `/a;x/b` as `/a/b`, also when it is encoded.
        ';' => Some(TargetError::Semicolon),
        _ => None,
    })
}

/// The rules of segments, for each part that some server may take for one. What follows a `;` is no
/// part of its name.
fn check_parts(segment: &str) -> Result<(), TargetError> {
    for part in segment.split(['/', '\\']) {
        match part.split(';').next().unwrap_or_default() {
            "" => return Err(TargetError::EmptySegment),
            "." | ".." => return Err(TargetError::DotSegment),
            _ => {}
        }
    }
    Ok(())
}

fn read_query(wire: &str) -> Result<Vec<(String, String)>, TargetError> {
    let mut pairs = Vec::new();
    for pair in wire.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == MAX_QUERY_PAIRS {
            return Err(TargetError::TooManyPairs);
        }
        for byte in pair.bytes() {
            refuse_everywhere(byte)?;
            // Clients differ in what they leave plain here, and no reader cuts a value at any of
            // these, so all visible characters are taken; they are encoded on the way out.
            if !byte.is_ascii_graphic() {
                return Err(TargetError::NotEncoded);
            }
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name.contains('\0') || value.contains('\0') {
            return Err(TargetError::Control);
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn refuse_everywhere(byte: u8) -> Result<(), TargetError> {
    match byte {
        b'#' => Err(TargetError::Fragment),
        b'\\' => Err(TargetError::Backslash),
        byte if byte.is_ascii_control() => Err(TargetError::Control),
        _ => Ok(()),
    }
}

fn decode(wire: &str) -> Result<String, TargetError> {
    // The decoder passes a broken escape through, where another reader may see something in it.
    let well_formed = wire.split('%').skip(1).all(|after| {
        matches!(after.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    if !well_formed {
        return Err(TargetError::BadEscape);
    }
    percent_decode_str(wire).decode_utf8().map(Into::into).map_err(|_| TargetError::NotUtf8)
}

fn write_query<'q>(text: &mut String, pairs: impl Iterator<Item = &'q (String, String)>) {
    for (index, (name, value)) in pairs.enumerate() {
        if index > 0 {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, ENCODED));
        text.push('=');
        text.extend(utf8_percent_encode(value, ENCODED));
    }
}
