//! The report of a rehearsal: one HTML file without anything around it.

use std::fmt::Write as _;

use super::{End, Plan, Summary, Visit};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2333}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem 1rem .2rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
svg{width:100%;height:auto;background:#f5f6fa}figure{margin:1.5rem 0}.answer{font-size:1.4rem;font-weight:600}";

/// The answer to "would my sale hold?", in a sentence.
pub fn answer(summary: &Summary) -> String {
    let slow = summary.took.1.as_secs_f64();
    match summary.holds {
        true => format!("Yes: everybody got an order or an honest no, 99 of 100 within {slow:.1} s."),
        false => "No: not everybody got an order or an honest no. See below what the others met.".to_owned(),
    }
}

/// The whole report.
pub fn html(plan: &Plan, visits: &[Visit], summary: &Summary) -> String {
    let mut rows = String::new();
    for (end, count) in &summary.ends {
        let _ = writeln!(rows, "<tr><td>{}<td>{count}", escaped(end));
    }
    let mut steps = String::new();
    for (step, (count, middle, slow)) in &summary.steps {
        let _ = writeln!(steps, "<tr><td>{step}<td>{count}<td>{}<td>{}", middle.as_millis(), slow.as_millis());
    }
    let seconds = visits.iter().map(|visit| (visit.came + visit.took).as_secs()).max().unwrap_or(0) + 1;
    let mut orders = vec![0.0; usize::try_from(seconds).unwrap_or(1)];
    let mut waits = vec![0.0_f64; orders.len()];
    for visit in visits {
        let at = |time: std::time::Duration| usize::try_from(time.as_secs()).unwrap_or(0);
        if visit.end == End::Order {
            orders[at(visit.came + visit.took)] += 1.0;
        }
        let wait = &mut waits[at(visit.came)];
        *wait = wait.max(visit.took.as_secs_f64());
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Dress rehearsal</title><style>{STYLE}</style>
<h1>Dress rehearsal</h1><p>{} buyers within {} s at {}</p>
<h2>Would my sale hold?</h2><p class=\"answer\">{}</p>
<p>{:.0} orders a minute. Half of the buyers were done within {:.1} s. The shop said {} times that it was busy.</p>
<table><tr><th>What buyers got<th>buyers
{rows}</table>
<figure><figcaption>Orders in each second</figcaption>{}</figure>
<figure><figcaption>The longest that somebody who came in this second needed, in seconds</figcaption>{}</figure>
<table><tr><th>Request<th>number<th>p50 ms<th>p99 ms
{steps}</table></html>\n",
        plan.buyers,
        plan.within.as_secs(),
        escaped(&plan.url),
        answer(summary),
        summary.orders_per_minute,
        summary.took.0.as_secs_f64(),
        summary.busy,
        bars(&orders),
        bars(&waits),
    )
}

/// A value for each second, as bars.
fn bars(values: &[f64]) -> String {
    let most = values.iter().copied().fold(1.0, f64::max);
    let width = 900.0 / f64::from(u32::try_from(values.len()).unwrap_or(1));
    let mut drawn = String::from("<svg viewBox=\"0 0 960 200\" role=\"img\">");
    for (second, value) in (0_u32..).zip(values) {
        let (x, height) = (40.0 + f64::from(second) * width, value / most * 160.0);
        let y = 180.0 - height;
        let _ = write!(
            drawn,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"#3a4fd0\"/>",
            (width * 0.85).min(60.0)
        );
    }
    let _ = write!(
        drawn,
        "<text x=\"4\" y=\"24\" font-size=\"12\">{most:.1}</text><text x=\"4\" y=\"184\" font-size=\"12\">0</text>\
         <text x=\"40\" y=\"196\" font-size=\"12\">0 s</text><text x=\"900\" y=\"196\" font-size=\"12\">{} s</text></svg>",
        values.len()
    );
    drawn
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
