//! Points on two logarithmic axes, as SVG.

use std::fmt::Write;

/// A point of a line of that name.
pub(crate) struct Point {
    pub(crate) line: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: String,
    pub(crate) y: String,
    /// Whether a line's points are joined.
    pub(crate) joined: bool,
    pub(crate) points: Vec<Point>,
}

/// The plot's left, top, width and height; the names of the lines stand to the right of it.
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 360.0;
/// Colours that most people tell apart, from Okabe and Ito (2008); then they come again with another mark.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

impl Chart {
    /// The picture; an empty one where there are no points.
    pub(crate) fn svg(&self) -> String {
        let (x, y) = (Axis::of(self.points.iter().map(|point| point.x)), Axis::of(self.points.iter().map(|p| p.y)));
        let place = |point: &Point| (LEFT + WIDTH * x.share(point.x), TOP + HEIGHT * (1.0 - y.share(point.y)));
        let mut names: Vec<&str> = self.points.iter().map(|point| point.line.as_str()).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        let mut svg = String::new();
        let width = LEFT + WIDTH + 250.0;
        let height = (TOP + HEIGHT + 60.0).max(TOP + 20.0 * names.len() as f64);
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        text(&mut svg, (LEFT, 24.0), "start", &self.title);
        text(&mut svg, (LEFT + WIDTH / 2.0, TOP + HEIGHT + 44.0), "middle", &self.x);
        text(&mut svg, (8.0, TOP - 4.0), "start", &self.y);
        for decade in x.decades() {
            let at = LEFT + WIDTH * x.share(decade);
            line(&mut svg, (at, TOP), (at, TOP + HEIGHT));
            text(&mut svg, (at, TOP + HEIGHT + 20.0), "middle", &format!("{decade}"));
        }
        for decade in y.decades() {
            let at = TOP + HEIGHT * (1.0 - y.share(decade));
            line(&mut svg, (LEFT, at), (LEFT + WIDTH, at));
            text(&mut svg, (LEFT - 8.0, at + 4.0), "end", &format!("{decade}"));
        }
        for (at, name) in names.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let filled = at < COLOURS.len();
            let places: Vec<(f64, f64)> = self.points.iter().filter(|point| point.line == *name).map(place).collect();
            if self.joined {
                let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>", path.join(" "));
            }
            let legend = (LEFT + WIDTH + 20.0, TOP + 10.0 + 20.0 * at as f64);
            places.iter().chain([&legend]).for_each(|&place| mark(&mut svg, place, colour, filled));
            text(&mut svg, (legend.0 + 10.0, legend.1 + 4.0), "start", name);
        }
        svg + "</svg>\n"
    }
}

/// From a power of ten to one above.
struct Axis {
    from: i32,
    to: i32,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let logs: Vec<f64> = values.filter(|value| *value > 0.0).map(f64::log10).collect();
        let least = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if logs.is_empty() {
            return Self { from: 0, to: 1 };
        }
        let from = least.floor() as i32;
        Self { from, to: (most.ceil() as i32).max(from + 1) }
    }

    fn share(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.from..=self.to).map(|power| 10f64.powi(power))
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn mark(svg: &mut String, (x, y): (f64, f64), colour: &str, filled: bool) {
    let fill = if filled { colour } else { "#fff" };
    let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\"/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 lies halfway from 1 to 100: by hand.
    #[test]
    fn axes_are_logarithmic() {
        let axis = Axis::of([1.0, 100.0].into_iter());
        assert_eq!((axis.from, axis.to, axis.share(10.0)), (0, 2, 0.5));
        let points = vec![Point { line: "a < b".to_owned(), x: 10.0, y: 1.0 }];
        let svg = Chart { title: String::new(), x: String::new(), y: String::new(), joined: true, points }.svg();
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN"), "{svg}");
    }
}
