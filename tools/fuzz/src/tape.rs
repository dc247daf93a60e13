//! Bytes as choices: each is decided by what comes next, and always the same way. At the end of the tape all choices
//! are the first ones, by which nothing is changed.

use arbitrary::Unstructured;

/// Text that programs read wrongly: empty, endless, in other letters, looking like something else.
const ODD: [&str; 34] = [
    "",
    " ",
    "\0",
    "\u{feff}",
    "\u{202e}gnp.exe",
    "ß\u{301}𝒳İ",
    "٣٤٥٦٧٨٩",
    "null",
    "true",
    "-1",
    "0",
    "00",
    "1e999",
    "NaN",
    "99999999999999999999999999999999",
    "18446744073709551615",
    "2026-13-45T99:99:99Z",
    "-009999-01-02T01:59:59Z",
    "9999-12-30T22:00:00.999999999Z",
    "2026-11-24T03:00:00.000+0000",
    "1969-12-31T23:59:59Z",
    "arn:aws:ecs:us-east-1:123456789012:service/lendpeak2-production/backend",
    "arn:aws",
    ":::::",
    "/",
    "////////",
    "../../etc/passwd",
    "https://user:pass@[::1]:99999/?a#b",
    "%00%zz%",
    "*",
    "<![CDATA[<a>]]>&lt;&#0;&bad;",
    "{\"a\":",
    "backend:18446744073709551616",
    "\r\n\r\n",
];

/// What is read of the bytes so far.
pub struct Tape<'a>(Unstructured<'a>);

impl<'a> Tape<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    pub fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or_default()
    }

    /// A number below `end`, or 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.int_in_range(0..=end.saturating_sub(1)).unwrap_or_default()
    }

    /// One of them; none of nothing.
    pub fn one_of<'b, T>(&mut self, all: &'b [T]) -> Option<&'b T> {
        let place = self.below(all.len());
        all.get(place)
    }

    /// The next bytes, at most so many.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let count = self.below(most.saturating_add(1)).min(self.0.len());
        self.0.bytes(count).unwrap_or_default()
    }

    /// Odd text: of a list, from the tape, or very long.
    pub fn text(&mut self) -> String {
        const LONGEST: usize = 70_000;
        match self.byte() {
            0..=149 => self.one_of(&ODD).copied().unwrap_or_default().to_owned(),
            150..=239 => String::from_utf8_lossy(self.bytes(64)).into_owned(),
            240..=249 => {
                let letter = self.one_of(&["a", "9", " ", "ä", "\"", "\\", "/", "<", "\n"]).copied();
                letter.unwrap_or_default().repeat(self.below(2_000))
            }
            _ => "x".repeat(self.below(LONGEST)),
        }
    }

    pub fn rest(self) -> &'a [u8] {
        self.0.take_rest()
    }
}
