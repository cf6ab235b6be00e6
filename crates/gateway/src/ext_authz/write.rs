//! Protocol buffers, written straight into the answer's bytes.

/// A field that is a text or bytes.
pub(super) fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// A field that is a number.
pub(super) fn number(out: &mut Vec<u8>, field: u8, number: u16) {
    out.push(field << 3);
    varint(out, number.into());
}

/// A field that is a message, whose own fields `write` writes.
pub(super) fn message(out: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(field << 3 | 2);
    let start = out.len();
    write(out);
    // Its length stands before it, and is known now.
    let length = out.len() - start;
    varint(out, length);
    let size = out.len() - start - length;
    if let Some(written) = out.get_mut(start..) {
        written.rotate_right(size);
    }
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7F {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_stands_before_what_it_measures() {
        let of = |length: usize| {
            let mut out = vec![9];
            message(&mut out, 1, |out| bytes(out, 2, &vec![7; length]));
            out
        };
        assert_eq!(of(1), [9, 0x0a, 3, 0x12, 1, 7]);
        assert_eq!(of(126)[..6], [9, 0x0a, 0x80, 0x01, 0x12, 126]);
        assert_eq!(of(300)[..7], [9, 0x0a, 0xaf, 0x02, 0x12, 0xac, 0x02]);
        assert_eq!(of(300).len(), 307);
        let mut out = Vec::new();
        number(&mut out, 3, 403);
        assert_eq!(out, [0x18, 0x93, 0x03]);
    }
}
