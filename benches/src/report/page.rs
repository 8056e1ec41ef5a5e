//! Tables in documents, between two markers.

use crate::Error;

/// Returns the page with this between `<!-- name -->` and `<!-- /name -->`.
pub(super) fn with(page: &str, name: &str, table: &str) -> Result<String, Error> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let missing = || format!("the page has no place for {name}");
    let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let page = "a\n<!-- t -->\nold\n<!-- /t -->\nb\n";
        assert_eq!(with(page, "t", "new\n").unwrap(), "a\n<!-- t -->\nnew\n<!-- /t -->\nb\n");
        assert!(with(page, "u", "new\n").is_err());
    }
}
