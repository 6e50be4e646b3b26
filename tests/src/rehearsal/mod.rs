//! A dress rehearsal: many buyers come to the first sale of an event in test mode, at any shop that can be reached, and
//! what they met says whether the real sale would hold.

#![expect(clippy::float_arithmetic, reason = "figures for people")]

pub mod form;
pub mod report;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use form::{Answers, Form, buys, fill};
use reqwest::header;
use tokio::task::JoinSet;

/// Most buyers of one rehearsal: a mistyped number must not become an attack.
pub const BUYERS_MAX: usize = 20_000;
/// A purchase has fewer pages than this.
const STEPS_MAX: usize = 12;
/// How long somebody waits who was told that the shop is busy, if the shop does not say how long.
const PAUSE: Duration = Duration::from_secs(2);

/// What is to be played.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The address of the event's page.
    pub url: String,
    /// How many buyers come.
    pub buyers: usize,
    /// Within what time they come, evenly.
    pub within: Duration,
    /// After what time a buyer gives up.
    pub patience: Duration,
}

/// Why nothing was played.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not an address of an event's page.
    #[error("{0} does not answer with the page of an event: {1}")]
    NoShop(String, String),
    /// Real tickets would be sold.
    #[error(
        "the event at {0} is not in test mode: its orders would be real. Switch its test mode on, and come again in half a minute: pages may be a little old"
    )]
    NotInTestMode(String),
    /// There is nothing to buy there now.
    #[error("nothing is for sale at {0} now")]
    NothingForSale(String),
    /// Too many, or none.
    #[error("between 1 and {BUYERS_MAX} buyers can come, not {0}")]
    Buyers(usize),
}

/// How it ended for a buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// There is an order.
    Order,
    /// An honest no: there are no more tickets.
    SoldOut,
    /// Out of patience: the shop said that it was busy for too long.
    GaveUp,
    /// Anything else, in words.
    Failed(String),
}

/// What a buyer met.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When the buyer came, from the beginning.
    pub came: Duration,
    /// How long it took until the end.
    pub took: Duration,
    /// Each request: its step, and how long its answer took.
    pub steps: Vec<(&'static str, Duration)>,
    /// How often the shop said that it was busy.
    pub busy: usize,
    /// How it ended.
    pub end: End,
}

/// Plays the sale. `came` hears of each buyer who is done.
pub async fn play(plan: &Plan, came: impl Fn(usize)) -> Result<Vec<Visit>, Refusal> {
    if !(1..=BUYERS_MAX).contains(&plan.buyers) {
        return Err(Refusal::Buyers(plan.buyers));
    }
    check(plan).await?;
    let plan = Arc::new(plan.clone());
    // Their browsers are started before the sale is.
    let buyers: Vec<Buyer> = (0..plan.buyers).map(|number| Buyer::new(&plan, number)).collect();
    let (mut visits, begun) = (JoinSet::new(), Instant::now());
    for (number, buyer) in buyers.into_iter().enumerate() {
        let plan = plan.clone();
        visits.spawn(async move {
            let share =
                f64::from(u32::try_from(number).unwrap_or(0)) / f64::from(u32::try_from(plan.buyers).unwrap_or(1));
            let comes = plan.within.mul_f64(share);
            tokio::time::sleep_until((begun + comes).into()).await;
            buyer.visit(begun).await
        });
    }
    let mut done = Vec::new();
    while let Some(visit) = visits.join_next().await {
        done.extend(visit);
        came(done.len());
    }
    done.sort_by_key(|visit| visit.came);
    Ok(done)
}

async fn check(plan: &Plan) -> Result<(), Refusal> {
    let failed = |why: String| Refusal::NoShop(plan.url.clone(), why);
    let mut buyer = Buyer::new(&Arc::new(plan.clone()), 0);
    let page = buyer.ask("page", None, &plan.url).await.map_err(|error| failed(error.to_string()))?;
    match fill(&page.html, &["class=\"products"], &buyer.answers) {
        _ if page.status != 200 => Err(failed(format!("status {}", page.status))),
        _ if !page.html.contains("class=\"testmode\"") => Err(Refusal::NotInTestMode(plan.url.clone())),
        Some(form) if buys(&form) => Ok(()),
        _ => Err(Refusal::NothingForSale(plan.url.clone())),
    }
}

/// A browser, and what it has met so far.
struct Buyer {
    plan: Arc<Plan>,
    http: reqwest::Client,
    answers: Answers,
    steps: Vec<(&'static str, Duration)>,
    busy: usize,
}

struct Page {
    status: u16,
    location: Option<String>,
    html: String,
    url: reqwest::Url,
}

impl Buyer {
    fn new(plan: &Arc<Plan>, number: usize) -> Self {
        let client = crate::shop::http_client().cookie_store(true).redirect(reqwest::redirect::Policy::none());
        let http = client.timeout(plan.patience).build().unwrap();
        // SES takes mails to this address, and delivers them nowhere.
        let answers = Answers { email: format!("success+rehearsal{number}@simulator.amazonses.com") };
        Self { plan: plan.clone(), http, answers, steps: Vec::new(), busy: 0 }
    }

    async fn visit(mut self, begun: Instant) -> Visit {
        let came = begun.elapsed();
        let end = match tokio::time::timeout(self.plan.patience, self.buy()).await {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => End::Failed(error.to_string()),
            Err(_) => End::GaveUp,
        };
        Visit { came, took: begun.elapsed().saturating_sub(came), steps: self.steps, busy: self.busy, end }
    }

    async fn buy(&mut self) -> Result<End, reqwest::Error> {
        let plan = self.plan.clone();
        let shop = self.ask("page", None, &plan.url).await?;
        let Some(form) = fill(&shop.html, &["class=\"products"], &self.answers).filter(buys) else {
            return Ok(End::SoldOut);
        };
        let added = self.ask("cart", Some(&form), &plan.url).await?;
        if added.status != 303 {
            return Ok(End::Failed(format!("the cart refused: status {}", added.status)));
        }
        let mut next = format!("{}/checkout/start", plan.url.trim_end_matches('/'));
        for _ in 0..STEPS_MAX {
            let page = self.ask("step", None, &next).await?;
            if let Some(location) = page.location {
                // Without anything in the cart, the checkout leads back to the shop.
                if !location.contains("/checkout/") {
                    return Ok(End::SoldOut);
                }
                next = location;
                continue;
            }
            let Some(form) = fill(&page.html, &["action=\"", "/checkout/"], &self.answers) else {
                return Ok(End::Failed(format!("no form at {}", page.url.path())));
            };
            let is_last = form.action.contains("/confirm/");
            let sent = self.ask(if is_last { "order" } else { "form" }, Some(&form), &next).await?;
            match sent.location {
                Some(location) if location.contains("/order/") => return Ok(End::Order),
                Some(location) if location.contains("/checkout/") => next = location,
                Some(_) => return Ok(End::SoldOut),
                None => return Ok(End::Failed(format!("{} refused: status {}", form.action, sent.status))),
            }
        }
        Ok(End::Failed("the checkout has no end".to_owned()))
    }

    /// Sends a request, as often as the shop says that it is busy.
    async fn ask(&mut self, step: &'static str, form: Option<&Form>, at: &str) -> Result<Page, reqwest::Error> {
        let base = reqwest::Url::parse(&self.plan.url).and_then(|base| base.join(at));
        let url = base.unwrap_or_else(|_| panic!("{at} is not an address"));
        loop {
            let request = match form {
                None => self.http.get(url.clone()),
                Some(form) => self.http.post(url.join(&form.action).unwrap_or(url.clone())).form(&form.fields),
            };
            let begun = Instant::now();
            let response = request.send().await?;
            let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let (location, retry) = (text(header::LOCATION), text(header::RETRY_AFTER));
            let (status, url) = (response.status().as_u16(), response.url().clone());
            let html = response.text().await?;
            self.steps.push((step, begun.elapsed()));
            if ![429, 503].contains(&status) {
                return Ok(Page { status, location, html, url });
            }
            self.busy += 1;
            let pause = retry.and_then(|seconds| seconds.parse().ok()).map_or(PAUSE, Duration::from_secs);
            tokio::time::sleep(pause).await;
        }
    }
}

/// What a rehearsal came to.
#[derive(Debug)]
pub struct Summary {
    /// How many ended in which way; failures by their words.
    pub ends: BTreeMap<String, usize>,
    /// Orders a minute, from the first buyer to the last order.
    pub orders_per_minute: f64,
    /// Half of all buyers, and all but one in a hundred, were done in this time.
    pub took: (Duration, Duration),
    /// The same for each kind of request, with their number.
    pub steps: BTreeMap<&'static str, (usize, Duration, Duration)>,
    /// How often the shop said that it was busy.
    pub busy: usize,
    /// Nobody met anything but an order or an honest no.
    pub holds: bool,
}

/// Sums visits up.
pub fn sum_up(visits: &[Visit]) -> Summary {
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut steps: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for visit in visits {
        let end = match &visit.end {
            End::Order => "an order".to_owned(),
            End::SoldOut => "an honest no: sold out".to_owned(),
            End::GaveUp => "gave up".to_owned(),
            End::Failed(why) => format!("failed: {why}"),
        };
        *ends.entry(end).or_default() += 1;
        visit.steps.iter().for_each(|(step, took)| steps.entry(step).or_default().push(*took));
    }
    let orders = visits.iter().filter(|visit| visit.end == End::Order);
    let last = orders.clone().map(|visit| visit.came + visit.took).max().unwrap_or_default();
    let count = f64::from(u32::try_from(orders.count()).unwrap_or(u32::MAX));
    Summary {
        ends,
        orders_per_minute: if last.is_zero() { 0.0 } else { count * 60.0 / last.as_secs_f64() },
        took: middle_and_slow(visits.iter().map(|visit| visit.took).collect()),
        steps: steps
            .into_iter()
            .map(|(step, times)| {
                let count = times.len();
                let (middle, slow) = middle_and_slow(times);
                (step, (count, middle, slow))
            })
            .collect(),
        busy: visits.iter().map(|visit| visit.busy).sum(),
        holds: visits.iter().all(|visit| matches!(visit.end, End::Order | End::SoldOut)),
    }
}

fn middle_and_slow(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
    (at(50), at(99))
}
