//! Writing SVG: text is escaped here and nowhere else.

use std::fmt::Write as _;

use quick_xml::escape::escape as escape_xml;

use crate::finding::escape;

/// Ordinary colours, and those for who prefers dark ones. Programs that know no media
/// queries see the ordinary ones.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\
.sheet{fill:#fff}\
.title{font-size:18px;font-weight:600;fill:#1f2328}\
.vendor{font-size:15px;font-weight:600;fill:#1f2328}\
.name{font-size:12px;font-weight:600;fill:#1f2328}\
.text{font-size:11px;fill:#57606a}\
.missing{font-size:12px;fill:#cf222e}\
.line{stroke:#8c959f;fill:none}\
.box{fill:#fff;stroke:#8c959f}\
.root{fill:#ddf4ff;stroke:#0969da;stroke-width:2}\
.ek{fill:#dafbe1;stroke:#1a7f37}\
.weak{fill:#ffebe9;stroke:#cf222e;stroke-width:2}\
.past{fill:#eaeef2;stroke-dasharray:4 3}\
.many{fill:#f6f8fa;stroke-width:2}\
.badge{fill:#eaeef2;stroke:#8c959f}\
.good{fill:#ddf4ff;stroke:#0969da}\
.careful{fill:#fff8c5;stroke:#9a6700}\
.bad{fill:#ffebe9;stroke:#cf222e}\
.word{font-size:10px;fill:#1f2328}\
@media (prefers-color-scheme:dark){\
.sheet{fill:#0d1117}\
.title,.vendor,.name,.word{fill:#e6edf3}\
.text{fill:#9da7b1}\
.missing{fill:#ff7b72}\
.line{stroke:#6e7681}\
.box{fill:#161b22;stroke:#6e7681}\
.root{fill:#0c2d4f;stroke:#58a6ff}\
.ek{fill:#0f2f1a;stroke:#3fb950}\
.weak{fill:#3c1214;stroke:#ff7b72}\
.past{fill:#21262d}\
.many{fill:#1c2128}\
.badge{fill:#21262d;stroke:#6e7681}\
.good{fill:#0c2d4f;stroke:#58a6ff}\
.careful{fill:#3a2d04;stroke:#d29922}\
.bad{fill:#3c1214;stroke:#ff7b72}\
}";

/// Pixels that a character takes, in tenths: as the wider of common fonts have it, so that
/// text ends early rather than late.
struct Size {
    /// Capital letters and digits.
    capital: usize,
    other: usize,
}

/// 12 pixels, bold; 11 and 10 pixels.
const BOLD: Size = Size {
    capital: 90,
    other: 71,
};
const SMALL: Size = Size {
    capital: 72,
    other: 57,
};
/// A character that is as wide as it is high, and what stands for what was cut off.
const WIDE: usize = 125;

/// A word in a rounded frame.
pub(super) struct Badge {
    pub(super) word: String,
    pub(super) class: &'static str,
}

impl Badge {
    pub(super) fn width(&self) -> usize {
        width_of(&self.word, &SMALL).saturating_add(10)
    }
}

/// The parts of a picture, in order.
#[derive(Default)]
pub(super) struct Drawing {
    /// Lines, which lie below everything.
    lines: String,
    shapes: String,
}

// Writing to a String cannot fail.
impl Drawing {
    pub(super) fn into_svg(
        self,
        width: usize,
        height: usize,
        title: &str,
        description: &str,
    ) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"graphics-document document\" \
             aria-labelledby=\"title\" aria-describedby=\"description\">\n\
             <title id=\"title\">{}</title>\n\
             <desc id=\"description\">{}</desc>\n\
             <style>{STYLE}</style>\n\
             <rect class=\"sheet\" width=\"{width}\" height=\"{height}\"/>\n\
             {}{}</svg>\n",
            safe(title),
            safe(description),
            self.lines,
            self.shapes
        )
    }

    pub(super) fn text(&mut self, x: usize, y: usize, class: &str, text: &str) {
        let _ = writeln!(
            self.shapes,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>",
            safe(text)
        );
    }

    /// Text that takes at most `room` pixels; returns how many it takes.
    pub(super) fn fitted(
        &mut self,
        x: usize,
        y: usize,
        class: &str,
        text: &str,
        room: usize,
    ) -> usize {
        let size = if class == "name" { &BOLD } else { &SMALL };
        // As it is shown: what is escaped is longer.
        let shown = shortened(escape(text), size, room);
        let width = width_of(&shown, size);
        let _ = writeln!(
            self.shapes,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>",
            escape_xml(&shown)
        );
        width
    }

    pub(super) fn badge(&mut self, x: usize, y: usize, badge: &Badge) -> usize {
        let width = badge.width();
        let _ = writeln!(
            self.shapes,
            "<rect class=\"badge {}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"14\" rx=\"7\"/>",
            badge.class
        );
        self.text(
            x.saturating_add(5),
            y.saturating_add(10),
            "word",
            &badge.word,
        );
        width
    }

    pub(super) fn rectangle(
        &mut self,
        x: usize,
        y: usize,
        width: usize,
        height: usize,
        class: &str,
    ) {
        let _ = writeln!(
            self.shapes,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>"
        );
    }

    pub(super) fn line(&mut self, x1: usize, y1: usize, x2: usize, y2: usize) {
        let _ = writeln!(
            self.lines,
            "<path class=\"line\" d=\"M{x1} {y1}L{x2} {y2}\"/>"
        );
    }

    /// Down from a point, then to the right.
    pub(super) fn elbow(&mut self, from: (usize, usize), x: usize, y: usize) {
        let (from_x, from_y) = from;
        let _ = writeln!(
            self.lines,
            "<path class=\"line\" d=\"M{from_x} {from_y}V{y}H{x}\"/>"
        );
    }

    /// What follows belongs together; `details` is said of it to who asks.
    pub(super) fn open_group(&mut self, details: &[String]) {
        let details: Vec<String> = details.iter().map(|line| safe(line)).collect();
        let _ = writeln!(self.shapes, "<g><title>{}</title>", details.join("\n"));
    }

    pub(super) fn close_group(&mut self) {
        self.shapes.push_str("</g>\n");
    }
}

/// Text from an input, as it may stand in XML. What XML has no place for is a control
/// character or a special, and those `escape` writes out.
fn safe(text: &str) -> String {
    escape_xml(escape(text)).into_owned()
}

/// The text, without its middle if it takes more than `room`: what tells names apart is
/// often the number at the end.
fn shortened(text: String, size: &Size, room: usize) -> String {
    if width_of(&text, size) <= room {
        return text;
    }
    let room = room.saturating_mul(10).saturating_sub(WIDE);
    let tail_room = room / 3;
    let mut tail: Vec<char> = taken(text.chars().rev(), size, tail_room);
    tail.reverse();
    let mut shown: Vec<char> = taken(text.chars(), size, room.saturating_sub(tail_room));
    shown.push('…');
    shown.extend(tail);
    shown.into_iter().collect()
}

/// The first of these that take at most so many tenths of a pixel.
fn taken(chars: impl Iterator<Item = char>, size: &Size, room: usize) -> Vec<char> {
    let mut left = room;
    chars
        .map_while(|c| {
            left = left.checked_sub(width_of_char(c, size))?;
            Some(c)
        })
        .collect()
}

fn width_of(text: &str, size: &Size) -> usize {
    let tenths: usize = text.chars().map(|c| width_of_char(c, size)).sum();
    tenths.div_ceil(10)
}

fn width_of_char(c: char, size: &Size) -> usize {
    match c {
        // From Hangul on most scripts are as wide as high.
        '\u{1100}'.. => WIDE,
        'A'..='Z' | '0'..='9' => size.capital,
        _ => size.other,
    }
}
