//! Rows under a header, without lines around them: they can be cut and searched in a pipe.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

pub(crate) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
    width: Option<usize>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.map(str::to_uppercase));
    match width.and_then(|width| u16::try_from(width).ok()) {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        // In a pipe a row is a line.
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    for row in rows {
        table.add_row(row.map(|cell| cell.replace(['\n', '\r', '\t'], " ")));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 2]> {
        vec![["a".to_owned(), "one two three four five".to_owned()], ["bb".to_owned(), "x\ny".to_owned()]]
    }

    #[test]
    fn a_row_is_a_line_in_a_pipe() {
        assert_eq!(table(["id", "what"], rows(), None), "ID  WHAT\na   one two three four five\nbb  x y");
    }

    #[test]
    fn a_long_cell_is_wrapped_on_a_screen() {
        let wrapped = table(["id", "what"], rows(), Some(18));
        assert!(wrapped.lines().all(|line| line.len() <= 18), "{wrapped}");
        assert!(wrapped.contains("four"), "{wrapped}");
    }
}
