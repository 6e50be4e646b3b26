//! When a delivery that was not taken is tried again. Pure: the same delivery at the same step waits as long again.

/// Seconds until the next try, by number of tries: thirteen tries over three days. The reference has the same steps but
/// the last ones, and ends after two and a half days where its manual says three; ours ends where the manual says.
const PLAN_SECONDS: [i64; 11] = [5, 30, 60, 300, 1200, 3600, 14_400, 21_600, 43_200, 86_400, 86_400];
/// Longest wait that a receiver can ask for.
const ASKED_SECONDS_MAX: i64 = 24 * 3600;
/// How far a wait is stretched at most, per mille: so that what failed together does not come again together.
const SPREAD_PER_MILLE: u64 = 200;

/// Seconds until the next try after `step` tries that failed; `None` when that was the last. A receiver may ask for
/// more time (`Retry-After`), never for less. `seed` is the delivery: different ones spread differently.
pub fn delay_seconds(step: i32, asked_seconds: Option<i64>, seed: i64) -> Option<i64> {
    let planned = PLAN_SECONDS.get(usize::try_from(step - 1).ok()?)?;
    let stretch = i64::try_from(mix(seed, step) % (SPREAD_PER_MILLE + 1)).unwrap_or_default();
    let planned = planned + planned * stretch / 1000;
    Some(planned.max(asked_seconds.unwrap_or_default().min(ASKED_SECONDS_MAX)))
}

/// Numbers that look random for neighbouring seeds (SplitMix64).
fn mix(seed: i64, step: i32) -> u64 {
    let mut z = seed.cast_unsigned().wrapping_add(u64::from(step.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a `Retry-After` header asks for, in seconds from `now_seconds`: a number, or a moment as HTTP writes it.
pub fn asked_seconds(header: &str, now_seconds: i64) -> Option<i64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<i64>() {
        return (seconds >= 0).then_some(seconds);
    }
    let moment = jiff::fmt::rfc2822::parse(header).ok()?;
    Some((moment.timestamp().as_second() - now_seconds).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_takes_three_days_and_ends() {
        for seed in 0..200 {
            let delays: Vec<i64> = (1..).map_while(|step| delay_seconds(step, None, seed)).collect();
            assert_eq!(delays.len(), PLAN_SECONDS.len());
            let all: i64 = delays.iter().sum();
            let day = 24 * 3600;
            assert!((3 * day - 3600..=4 * day).contains(&all), "{all}");
            for (planned, delay) in PLAN_SECONDS.iter().zip(&delays) {
                assert!((*planned..=planned * 6 / 5).contains(delay), "{delay} for {planned}");
            }
        }
        assert_eq!(delay_seconds(0, None, 1), None, "nothing was tried");
    }

    #[test]
    fn what_failed_together_does_not_come_together() {
        let mut delays: Vec<i64> = (0..1000).filter_map(|seed| delay_seconds(6, None, seed)).collect();
        delays.sort_unstable();
        delays.dedup();
        assert!(delays.len() > 100, "{} moments", delays.len());
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_less() {
        assert_eq!(delay_seconds(1, Some(120), 1), Some(120));
        assert!(delay_seconds(6, Some(1), 1) >= Some(3600));
        assert_eq!(delay_seconds(1, Some(i64::MAX), 1), Some(ASKED_SECONDS_MAX));
        assert_eq!(delay_seconds(12, Some(60), 1), None, "asking makes no try of its own");
    }

    #[test]
    fn both_forms_of_the_header_are_read() {
        assert_eq!(asked_seconds(" 120 ", 0), Some(120));
        assert_eq!(asked_seconds("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_420), Some(60));
        assert_eq!(asked_seconds("Wed, 21 Oct 2015 07:28:00 GMT", 1_500_000_000), Some(0), "it has passed");
        for wrong in ["", "-1", "soon", "1.5"] {
            assert_eq!(asked_seconds(wrong, 0), None, "{wrong}");
        }
    }
}
