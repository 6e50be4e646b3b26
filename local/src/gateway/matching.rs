//! Which route answers a request, as API Gateway decides it: exact method first, then the most specific path, else
//! `$default`. A slash at the end matters.

use std::collections::HashMap;

use http::Method;
use percent_encoding::percent_decode_str;

/// The path of the route that takes what no other takes.
pub const DEFAULT: &str = "$default";

enum Segment {
    Fixed(String),
    Parameter(String),
    /// `{name+}`: this and everything behind it.
    Rest(String),
}

/// One route but `$default`: its number, method and path template.
struct Pattern {
    route: usize,
    method: Method,
    segments: Vec<Segment>,
}

/// All routes, in the order in which they were given.
pub struct Table {
    patterns: Vec<Pattern>,
    default: Option<usize>,
}

/// What a request matched: the number of the route, and its path parameters with percent signs decoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Match {
    /// Position in the list that the table was made of.
    pub route: usize,
    /// Name → decoded value.
    pub parameters: HashMap<String, String>,
}

impl Table {
    /// A table of (method, path template); the method of `$default` does not matter.
    pub fn new<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut table = Self { patterns: Vec::new(), default: None };
        for (route, (method, path)) in routes.into_iter().enumerate() {
            if path == DEFAULT {
                table.default = Some(route);
                continue;
            }
            let method = method.parse().expect("the table of routes names methods of HTTP");
            table.patterns.push(Pattern { route, method, segments: split(path).map(Segment::parse).collect() });
        }
        table
    }

    /// The route for a request; `path` as it came, still percent-encoded.
    pub fn find(&self, method: &Method, path: &str) -> Option<Match> {
        let parts: Vec<&str> = split(path).collect();
        let fitting = self.patterns.iter().filter(|pattern| pattern.fits(method, &parts));
        match fitting.min_by_key(|pattern| pattern.specificity()) {
            Some(pattern) => Some(Match { route: pattern.route, parameters: pattern.parameters(&parts) }),
            None => self.default.map(|route| Match { route, parameters: HashMap::new() }),
        }
    }
}

impl Pattern {
    fn fits(&self, method: &Method, parts: &[&str]) -> bool {
        let greedy = matches!(self.segments.last(), Some(Segment::Rest(_)));
        let length = if greedy { parts.len() >= self.segments.len() } else { parts.len() == self.segments.len() };
        let fits = |(segment, part): (&Segment, &&str)| match segment {
            Segment::Fixed(text) => text == part,
            Segment::Parameter(_) | Segment::Rest(_) => !part.is_empty(),
        };
        length && self.method == *method && self.segments.iter().zip(parts).all(fits)
    }

    /// Smaller is more specific: compared from left to right, fixed before parameter before rest.
    fn specificity(&self) -> Vec<u8> {
        let rank = |segment: &Segment| match segment {
            Segment::Fixed(_) => 0,
            Segment::Parameter(_) => 1,
            Segment::Rest(_) => 2,
        };
        self.segments.iter().map(rank).collect()
    }

    fn parameters(&self, parts: &[&str]) -> HashMap<String, String> {
        let named = self.segments.iter().enumerate().filter_map(|(position, segment)| match segment {
            Segment::Fixed(_) => None,
            Segment::Parameter(name) => Some((name.clone(), decode(parts[position]))),
            Segment::Rest(name) => Some((name.clone(), decode(&parts[position..].join("/")))),
        });
        named.collect()
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Rest(name.to_owned()),
                None => Self::Parameter(name.to_owned()),
            },
            None => Self::Fixed(text.to_owned()),
        }
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

fn decode(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}
