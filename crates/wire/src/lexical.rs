//! Instants and durations as XML Schema writes them.
//!
//! Read leniently where deployed clients err (a lower-case `s`, no time zone), written in one canonical form.
//!
//! Spec: <https://www.w3.org/TR/xmlschema11-2/#dateTime>, <https://www.w3.org/TR/xmlschema11-2/#duration>

use podbell_model::Timestamp;
use std::time::Duration;

const DAY: u64 = 86_400;

/// Parses an `xsd:dateTime`; without a time zone it is UTC.
pub fn parse_date_time(text: &str) -> Option<Timestamp> {
    let (whole, rest) = (text.get(..19)?, text.get(19..)?);
    let pattern = b"dddd-dd-ddTdd:dd:dd";
    let shaped = whole.bytes().zip(pattern).all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        form => byte == *form,
    });
    if !shaped {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (digits > 0).then_some(())?;
            (&rest[..digits.min(9)], &rest[digits..])
        }
        None => ("", rest),
    };
    let zone = match zone.as_bytes() {
        b"" | b"Z" => "Z",
        [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => zone,
        _ => return None,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let at: Timestamp = format!("{whole}{point}{fraction}{zone}").parse().ok()?;
    // A zone can lead before the year 0, which is written in another form.
    (!date_time(at).starts_with('-')).then_some(at)
}

/// Writes an instant in milliseconds, UTC: `2026-07-18T09:12:03.120Z`.
pub fn date_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Parses an `xsd:duration` that is not negative, letters in any case. Days have 24 hours, months 30 days, years 365.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.to_ascii_uppercase();
    let text = text.strip_prefix('P')?;
    let (days, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None if text.is_empty() => return None,
        None => (text, ""),
    };
    let date = sum(days, &[('Y', 365 * DAY), ('M', 30 * DAY), ('D', DAY)])?;
    let time = sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    date.checked_add(time).filter(|_| !days.contains('.'))
}

/// Writes a duration canonically: `PT10S`, `P1DT1H`.
pub fn duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let mut text = String::from("P");
    part(&mut text, seconds / DAY, 'D');
    let clock = seconds % DAY;
    if clock > 0 || nanos > 0 || seconds == 0 {
        text.push('T');
        part(&mut text, clock / 3_600, 'H');
        part(&mut text, clock % 3_600 / 60, 'M');
        let whole = clock % 60;
        if nanos > 0 {
            let fraction = format!("{nanos:09}");
            text.extend([&whole.to_string(), ".", fraction.trim_end_matches('0'), "S"]);
        } else if whole > 0 || seconds == 0 {
            text.extend([&whole.to_string(), "S"]);
        }
    }
    text
}

fn part(text: &mut String, count: u64, unit: char) {
    if count > 0 {
        text.push_str(&count.to_string());
        text.push(unit);
    }
}

/// Adds `12Y3M`-like parts whose units come in this order, each at most once; a fraction only of seconds.
fn sum(mut text: &str, units: &[(char, u64)]) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = (&text[..end], text[end..].chars().next()?);
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if fraction.is_empty() || fraction.contains('.') || (number.contains('.') && unit != 'S') {
            return None;
        }
        let whole = whole.parse::<u64>().ok()?.checked_mul(*seconds)?;
        let nanos = format!("{fraction:0<9.9}").parse::<u32>().ok()?;
        total = total.checked_add(Duration::new(whole, nanos))?;
        text = &text[end + 1..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_any_case_and_written_canonically() {
        for (text, canonical) in [
            ("PT10S", "PT10S"),
            ("PT10s", "PT10S"),
            ("pt1m", "PT1M"),
            ("PT90S", "PT1M30S"),
            ("P1D", "P1D"),
            ("P1M", "P30D"),
            ("P1Y1DT1H", "P366DT1H"),
            ("PT0.50S", "PT0.5S"),
            ("PT1M1.000000001S", "PT1M1.000000001S"),
            ("P1DT0.25S", "P1DT0.25S"),
            ("PT0S", "PT0S"),
        ] {
            assert_eq!(parse_duration(text).map(duration).as_deref(), Some(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "10",
            "",
            "P",
            "PT",
            "P1DT",
            "-PT5S",
            "PTS",
            "PT1.S",
            "PT.5S",
            "PT1.5M",
            "P1S",
            "PT1S1S",
            "PT1S1M",
            "P1W",
            "PT1",
            "P99999999999999999999Y",
            "P9999999999999999Y",
            "PT1é",
            "PT1.2.3S",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn instants_without_zone_are_utc() {
        for (text, written) in [
            ("2030-01-01T00:00:00", "2030-01-01T00:00:00.000Z"),
            ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000Z"),
            ("2030-01-01T02:00:00.1239+02:00", "2030-01-01T00:00:00.123Z"),
            ("2030-01-01T00:00:00.1234567890123Z", "2030-01-01T00:00:00.123Z"),
            ("1988-03-09T14:48:00.000Z", "1988-03-09T14:48:00.000Z"),
        ] {
            assert_eq!(parse_date_time(text).map(date_time).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "soon",
            "2030",
            "2030-01-01",
            "2030-13-01T00:00:00Z",
            "2030-01-01 00:00:00Z",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00[Europe/Vienna]",
            "2030-01-01T00:00:00Zx",
            "2030-01-01T00:00:00+2",
            "0000-01-01T00:00:00+01:00",
            "ééééééééééééééééééé",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }
}
