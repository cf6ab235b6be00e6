//! What a target is read as, and that its own spelling is read as itself.

use proptest::prelude::*;
use tidegate_sign::{Target, TargetError};

use crate::reference::{Plain, encode};

#[test]
fn readings() {
    // wire, segments, path as signed
    for (wire, segments, signed) in [
        ("/", vec![], "/"),
        ("/a", vec!["a"], "/a/"),
        ("/a/", vec!["a"], "/a/"),
        ("/a/b?", vec!["a", "b"], "/a/b/"),
        ("/%61/%7E%7e~", vec!["a", "~~~"], "/a/~~~/"),
        ("/%7Bproject_id%7D/x", vec!["{project_id}", "x"], "/%7Bproject_id%7D/x/"),
        ("/a:b@c", vec!["a:b@c"], "/a%3Ab%40c/"),
        ("/a+b%20c", vec!["a+b c"], "/a%2Bb%20c/"),
        ("/%e5%90%8d", vec!["名"], "/%E5%90%8D/"),
        ("/a%252Fb", vec!["a%2Fb"], "/a%252Fb/"),
        ("/...", vec!["..."], "/.../"),
        ("/.well-known", vec![".well-known"], "/.well-known/"),
        ("/a=1,b&c!$'()*", vec!["a=1,b&c!$'()*"], "/a%3D1%2Cb%26c%21%24%27%28%29%2A/"),
        ("/a%3Fb%23c", vec!["a?b#c"], "/a%3Fb%23c/"),
    ] {
        let target = Target::parse(wire).unwrap();
        assert_eq!(Plain::of(&target).segments, segments, "{wire}");
        let path = wire.trim_end_matches('?');
        assert_eq!(target.path(), path, "{wire}");
        assert_eq!(target.canonical_path(), signed, "{wire}");
        assert_eq!(target.path_and_query(), wire);
        assert_eq!(target.raw_query(), wire.ends_with('?').then_some(""), "{wire}");
        assert_eq!(target.has_trailing_slash(), path.ends_with('/'), "{wire}");
        let raw: Vec<_> = (0..9).map_while(|index| target.raw_segment(index)).collect();
        let whole = path.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
        assert!(whole.eq(raw), "{wire}");
    }
}

#[test]
fn queries() {
    // wire, pairs, query as signed
    for (wire, read, signed) in [
        ("a=1", vec![("a", "1")], "a=1"),
        ("b=1&a=2", vec![("b", "1"), ("a", "2")], "a=2&b=1"),
        ("a", vec![("a", "")], "a="),
        ("=", vec![("", "")], "="),
        ("=v", vec![("", "v")], "=v"),
        ("&&a=1&", vec![("a", "1")], "a=1"),
        ("a=b=c", vec![("a", "b=c")], "a=b%3Dc"),
        ("a=1+1", vec![("a", "1+1")], "a=1%2B1"),
        ("a=1%201", vec![("a", "1 1")], "a=1%201"),
        ("a=x%2Fy/z?w", vec![("a", "x/y/z?w")], "a=x%2Fy%2Fz%3Fw"),
        ("a=x%0Ay%5C", vec![("a", "x\ny\\")], "a=x%0Ay%5C"),
        ("o=n:ASC;m:DESC", vec![("o", "n:ASC;m:DESC")], "o=n%3AASC%3Bm%3ADESC"),
        ("f={\"a\":[1]}", vec![("f", "{\"a\":[1]}")], "f=%7B%22a%22%3A%5B1%5D%7D"),
        ("%61%3d=%26", vec![("a=", "&")], "a%3D=%26"),
        ("t=b&t=a%201&t=b", vec![("t", "b"), ("t", "a 1"), ("t", "b")], "t=a%201&t=b&t=b"),
        // Before encoding `{` comes after `z`; encoded it would come before it.
        ("a=%7B&a=z", vec![("a", "{"), ("a", "z")], "a=z&a=%7B"),
    ] {
        let target = Target::parse(&format!("/p?{wire}")).unwrap();
        assert_eq!(Plain::of(&target).query, read, "{wire}");
        assert_eq!((target.path(), target.raw_query()), ("/p", Some(wire)));
        assert_eq!(target.raw_pairs().count(), read.len(), "{wire}");
        assert_eq!(target.canonical_query(), signed, "{wire}");
    }
}

/// Characters that matter to some reader come often.
fn wire() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z0-9._~-]{1,3}",
        3 => prop::sample::select(vec![
            "/", "?", "&", "=", "+", ":", "@", "%20", "%2e", "%2E", "%2B", "%25", "%C3%A9", "%3F", "%26",
            "%3D", "%41", "%7e", "!", "*", "'",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "..", "%2F", "%5C", "%00", "\\", ";", "%3b", "#", "%", "%f", "%ff", "//", " ", "\0", "é", "\"",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn what_is_sent_on_is_read_as_the_same(wire in wire()) {
        if let Ok(target) = Target::parse(&wire) {
            prop_assert_eq!(target.path_and_query(), &wire);
            // What is signed is a spelling of the same target, up to the slash and the order.
            let signed = format!("{}?{}", target.canonical_path(), target.canonical_query());
            let signed = Target::parse(&signed).unwrap();
            prop_assert!(signed.segments().eq(target.segments()));
            // So is what is put together from the parts that came.
            let raw = (0..target.segments().len()).map(|index| target.raw_segment(index).unwrap());
            let raw: String = raw.map(|segment| format!("/{segment}")).collect();
            let pairs: Vec<&str> = target.raw_pairs().collect();
            prop_assert_eq!(pairs.len(), target.query().len());
            let slash = if target.has_trailing_slash() { "/" } else { "" };
            let parts = format!("{raw}{slash}?{}", pairs.join("&"));
            prop_assert_eq!(Target::parse(&parts).unwrap(), target.clone());
            let mut sorted = Plain::of(&target).query;
            sorted.sort();
            prop_assert_eq!(Plain::of(&signed).query, sorted);
        }
    }

    #[test]
    fn no_reader_downstream_sees_other_segments(wire in wire()) {
        if let Ok(target) = Target::parse(&wire) {
            for segment in target.segments() {
                prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
                prop_assert!(!segment.contains(['/', '\\', ';']) && !segment.contains(char::is_control));
            }
            prop_assert!(target.path_and_query().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!target.path().contains("//") && !target.path().contains("/./"));
        }
    }

    #[test]
    fn any_text_is_answered(text in ".{0,40}", path in "/[ -~]{0,40}") {
        let _ = Target::parse(&text);
        let _ = Target::parse(&format!("/{text}"));
        let _ = Target::parse(&path);
    }

    #[test]
    fn encoded_parts_are_read_back(
        segments in prop::collection::vec("[^/\\\\;\\p{Cc}]{1,6}", 0..5),
        query in prop::collection::vec(("[^\0]{0,5}", "[^\0]{0,5}"), 0..5),
    ) {
        prop_assume!(segments.iter().all(|segment| segment != "." && segment != ".."));
        let path: Vec<String> = segments.iter().map(|segment| encode(segment)).collect();
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut wire = format!("/{}", path.join("/"));
        if !pairs.is_empty() {
            wire += &format!("?{}", pairs.join("&"));
        }
        let target = Target::parse(&wire).unwrap();
        prop_assert!(target.segments().eq(&segments));
        prop_assert!(target.query().eq(query.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
        prop_assert_eq!(target.path_and_query(), wire);
    }
}

#[test]
fn odd_paths() {
    // wire, what it is refused for elsewhere, odd places
    for (wire, odd, places) in [
        ("/a/b%2fc", Some(TargetError::EncodedSlash), &[1][..]),
        ("/a/b%5Cc/", Some(TargetError::Backslash), &[1]),
        ("/a/b;c=1", Some(TargetError::Semicolon), &[1]),
        ("/a/b%3Bc", Some(TargetError::Semicolon), &[1]),
        ("/a;/b%2Fc/d", Some(TargetError::Semicolon), &[0, 1]),
        ("/a/b%252Fc", None, &[]),
        ("/a/b", None, &[]),
    ] {
        let target = Target::parse_odd(wire).unwrap();
        assert_eq!((target.path(), target.odd()), (wire, odd), "{wire}");
        assert!(target.odd_segments().eq(places.iter().copied()), "{wire}");
        assert_eq!(Target::parse(wire).err(), odd, "{wire}");
    }
    for (wire, error) in [
        ("/a/%2F", TargetError::EmptySegment),
        ("/a/b%2F", TargetError::EmptySegment),
        ("/a/b%2F%2Fc", TargetError::EmptySegment),
        ("/a/b%2F%5Cc", TargetError::EmptySegment),
        ("/a/%5Cb", TargetError::EmptySegment),
        ("/a/;b", TargetError::EmptySegment),
        ("/a/b%2F;c", TargetError::EmptySegment),
        ("/a/..;b", TargetError::DotSegment),
        ("/a/..%2Fb", TargetError::DotSegment),
        ("/a/b%2F%2e%2E%2Fc", TargetError::DotSegment),
        ("/a/b%5C..%5Cc", TargetError::DotSegment),
        ("/a/b%2F.;x", TargetError::DotSegment),
        ("/a;b/..", TargetError::DotSegment),
        ("/a/b%2F%00", TargetError::Control),
        ("/a//b;c", TargetError::EmptySegment),
        ("/a/b\\c", TargetError::Backslash),
    ] {
        assert_eq!(Target::parse_odd(wire), Err(error), "{wire}");
    }
}

proptest! {
    /// Whoever takes whichever odd character for the end of a segment, or of its name, meets neither
    /// an empty nor a dot segment; and there is one spelling for all that mean the same.
    #[test]
    fn odd_paths_hide_no_dots(wire in "(/(a|\\.|%2e|%2F|%5c|;|%3b|%25|%2525){0,6}){1,4}") {
        let Ok(target) = Target::parse_odd(&wire) else { return Ok(()) };
        prop_assert_eq!(target.path_and_query(), &wire);
        prop_assert_eq!(Target::parse(&wire).ok(), target.odd().is_none().then(|| target.clone()));
        for separators in [&['/'][..], &['/', '\\']] {
            for strips in [false, true] {
                let whole = Plain::of(&target).segments.join("/");
                let parts = whole.split(separators);
                for part in parts.filter(|_| target.segments().len() > 0) {
                    let name = if strips { part.split(';').next().unwrap() } else { part };
                    prop_assert!(!matches!(name, "" | "." | ".."), "{} in {}", part, wire);
                }
            }
        }
    }
}
