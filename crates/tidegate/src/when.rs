//! Moments and spans as people type them.

use tidegate_domain::Timestamp;

/// A span of time, such as `30d`, `49h`, `90m` or `2d12h`, in seconds.
pub fn span(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no span of time; write 30d, 49h, 90m, 45s or 2d12h");
    let mut seconds: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let unit = tail.chars().next().ok_or_else(wrong)?;
        let length = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        seconds = number
            .checked_mul(length)
            .and_then(|part| seconds.checked_add(part))
            .filter(|sum| *sum < 1_000_000_000_000)
            .ok_or_else(wrong)?;
        rest = &tail[unit.len_utf8()..];
    }
    Ok(seconds)
}

/// A moment, such as `2026-12-01T10:00Z` or `2026-12-01T18:00+08:00`.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    text.trim()
        .parse::<jiff::Timestamp>()
        .map(|moment| Timestamp::from_ms(moment.as_millisecond()))
        .map_err(|_| {
            format!(
                "`{text}` is no moment; write 2026-12-01T10:00Z, or an offset such as +08:00 for Z"
            )
        })
}

/// A moment in an answer, in milliseconds, as people read it; nothing for none.
pub fn shown(ms: Option<i64>) -> String {
    match ms {
        Some(ms) if ms > 0 => Timestamp::from_ms(ms).to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, seconds) in
            [("49h", 176_400), ("30m", 1_800), ("2d", 172_800), ("2d12h", 216_000), ("0s", 0)]
        {
            assert_eq!(span(text), Ok(seconds), "{text}");
        }
        for bad in ["", "2", "h", "2y", "-1h", "1.5h", "2dd", "99999999999999999999d", "2 d", "１d"]
        {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn moments() {
        let ten = Timestamp::from_ms(1_609_495_200_000);
        for text in ["2021-01-01T10:00Z", "2021-01-01T10:00:00.000Z", "2021-01-01T18:00+08:00"] {
            assert_eq!(moment(text), Ok(ten), "{text}");
        }
        for bad in ["", "2021-01-01", "2021-01-01T10:00", "noon"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
        assert_eq!(shown(Some(ten.as_ms())), "2021-01-01T10:00:00Z");
        assert_eq!(shown(None), "");
        assert_eq!(shown(Some(0)), "");
    }
}
